/* SPDX-License-Identifier: MIT OR Apache-2.0
 * rondel_main: a program that is one task, ended well by its return, by a stop and by Ctrl-C. */
#include "support/test.h"

#include "support/child.h"
#include "support/steps.h"
#include "support/task.h"

static int64_t sleep_a_little(void *arg) {
    CHECK(rondel_loop_current() > 0);
    CHECK(rondel_task_current() > 0);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    return task_number(arg);
}

TEST(it_gives_what_the_task_returns) {
    CHECK_EQ(rondel_main(sleep_a_little, task_arg(17)), 17);
    CHECK_EQ(rondel_main(sleep_a_little, task_arg(RONDEL_EPIPE)), RONDEL_EPIPE);
    CHECK_EQ(rondel_main(task_return, task_arg(RONDEL_ECANCELED)), RONDEL_ECANCELED);
    CHECK_EQ(rondel_main(NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_current(), RONDEL_ESTATE);
}

/* Whatever becomes of the handle of its task: somebody awaits it, it lets go of itself, it closes itself. */
static int64_t give_itself_away(void *way) {
    rondel_future self = rondel_task_current();
    if (task_number(way) == 0) {
        CHECK_EQ(rondel_release(rondel_task_spawn(rondel_loop_current(), task_await, task_arg(self))), 0);
        CHECK_EQ(rondel_yield(), 0);
    }
    if (task_number(way) == 1) CHECK_EQ(rondel_release(self), 0);
    if (task_number(way) == 2) {
        CHECK_EQ(rondel_close(self), 0);
        CHECK_EQ(rondel_yield(), RONDEL_ECANCELED);
    }
    if (task_number(way) == 3) CHECK_EQ(rondel_retain(self), 0);
    return 5;
}

TEST(it_gives_what_the_task_returns_whoever_else_had_it) {
    for (int way = 0; way < 4; way++) CHECK_EQ(rondel_main(give_itself_away, task_arg(way)), 5);
}

/* ---- what is left over */

static int64_t waits_left, ended_left;

static int64_t clean_up_late(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0); /* there is time for that: the loop still runs */
    CHECK_EQ(rondel_await(rondel_task_spawn(rondel_loop_current(), task_sleep, task_arg(RONDEL_MS))), 0);
    waits_left++;
    ended_left++;
    return RONDEL_ECANCELED;
}

static int64_t spawn_at_the_end(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    CHECK_EQ(rondel_release(rondel_task_spawn(rondel_loop_current(), clean_up_late, NULL)), 0);
    CHECK_EQ(rondel_yield(), 0); /* by now that one has begun */
    ended_left++;
    return 0;
}

static int64_t leave_tasks(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++)
        CHECK_EQ(rondel_release(rondel_task_spawn(rondel_loop_current(), clean_up_late, NULL)), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(rondel_loop_current(), spawn_at_the_end, NULL)), 0);
    CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(rondel_loop_current(), clean_up_late, NULL)), 0); /* never begins */
    return 1;
}

TEST(what_is_left_is_cancelled_and_runs_to_its_end) {
    waits_left = ended_left = 0;
    CHECK_EQ(rondel_main(leave_tasks, NULL), 1);
    CHECK_EQ(ended_left, 7);
    CHECK_EQ(waits_left, 6);
}

/* ---- circles of tasks that wait for each other */

struct circle {
    rondel_future tasks[3], promise;
    rondel_loop loop;
    int64_t results[3], promised;
    int ended;
    struct gate over;
};

/* The first two wait for each other, the second for several at once; the third waits for the first. */
static int64_t wait_in_circle(void *arg) {
    struct circle *circle = *(struct circle **)arg;
    const int me = ((rondel_future **)arg)[1] - circle->tasks;
    const rondel_future other = circle->tasks[me == 0];
    CHECK_EQ(rondel_retain(other), 0);
    const rondel_future both[2] = {other, rondel_task_spawn(circle->loop, task_return, task_arg(1))};
    circle->results[me] = rondel_await(me == 1 ? rondel_gather(both, 2, NULL, RONDEL_FUTURE) : other);
    if (me != 1) rondel_release(both[1]);
    if (++circle->ended == 3) gate_pass(&circle->over);
    return 20 + me;
}

/* Cleans up with the help of another thread, which takes its time: until the circle is no more. */
static int64_t wait_for_promise(void *arg) {
    struct circle *circle = arg;
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    circle->promised = rondel_await(circle->promise);
    return 0;
}

static void *keep_promise(void *arg) {
    struct circle *circle = arg;
    gate_wait(&circle->over, 1);
    CHECK_EQ(rondel_future_set_threadsafe(circle->promise, 42), 0);
    return NULL;
}

static void nothing(rondel_handle source, int64_t result, void *user_data) { (void)source, (void)result, (void)user_data; }

static int64_t leave_a_circle(void *arg) {
    struct circle *circle = *(struct circle **)arg;
    void *args[3][2];
    circle->loop = rondel_loop_current();
    circle->promise = rondel_future_new(circle->loop);
    if (((void **)arg)[1]) CHECK(rondel_idle_start(circle->loop, nothing, NULL) > 0); /* a loop that never waits */
    CHECK_EQ(rondel_release(rondel_task_spawn(circle->loop, wait_for_promise, circle)), 0);
    for (int i = 0; i < 3; i++) {
        args[i][0] = circle, args[i][1] = &circle->tasks[i];
        circle->tasks[i] = rondel_task_spawn(circle->loop, wait_in_circle, args[i]);
    }
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(circle->ended, 0);
    return 5;
}

TEST(tasks_that_wait_for_each_other_end_and_other_waits_are_waited_for) {
    for (int busy = 0; busy < 2; busy++) {
        struct circle circle = {{0, 0, 0}, 0, 0, {0, 0, 0}, 0, 0, GATE};
        void *args[2] = {&circle, busy ? &circle : NULL};
        pthread_t thread;
        REQUIRE_EQ(pthread_create(&thread, NULL, keep_promise, &circle), 0);
        CHECK_EQ(rondel_main(leave_a_circle, args), 5);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(circle.ended, 3);
        CHECK_EQ(circle.results[2], 20); /* not in the circle: it hears how the first ended */
        CHECK(circle.results[0] == RONDEL_ECANCELED || circle.results[0] == 21);
        CHECK_EQ(circle.results[1], RONDEL_ECANCELED); /* a gather that was cancelled, whatever became of its parts */
        CHECK_EQ(circle.promised, 42);
    }
}

static int64_t stop_and_wait(void *arg) {
    CHECK_EQ(rondel_stop(rondel_loop_current()), 0);
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    trace_word("clean");
    return arg ? task_number(arg) : result;
}

TEST(a_stop_cancels_the_task) {
    CHECK_EQ(rondel_main(stop_and_wait, NULL), RONDEL_ECANCELED);
    CHECK_EQ(rondel_main(stop_and_wait, task_arg(8)), 8);
    CHECK_STR(trace_taken(), "clean clean");
}

/* ---- where it may not run */

static int64_t run_inside(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_main(task_return, NULL), RONDEL_EBUSY);
    return 0;
}

static void main_inside(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    run_inside(user_data);
    trace_word("refused");
}

TEST(a_thread_that_runs_a_loop_cannot) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_call_soon(loop, main_inside, NULL) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, run_inside, NULL)), 0);
    CHECK_STR(trace_taken(), "refused");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_main(run_inside, NULL), 0);
}

/* ---- Ctrl-C */

static void say(const char *text) {
    printf("%s\n", text);
    fflush(stdout);
}

static int64_t say_cancelled(void *arg) {
    if (rondel_sleep(RONDEL_FOREVER) == RONDEL_ECANCELED) say(arg);
    return RONDEL_ECANCELED;
}

static int64_t wait_for_interrupt(void *arg) {
    rondel_loop loop = rondel_loop_current();
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, say_cancelled, "left cancelled")), 0);
    CHECK_EQ(rondel_yield(), 0);
    say("ready");
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    say("main cancelled");
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    say("main ends");
    return arg ? task_number(arg) : result;
}

static int program_waits(void *arg) {
    int64_t result = rondel_main(wait_for_interrupt, arg);
    printf("gave %" PRId64 "\n", result);
    return 0;
}

TEST(ctrl_c_cancels_the_task_then_what_is_left) {
    for (int swallowed = 0; swallowed < 2; swallowed++) {
        struct child child;
        child_start(&child, program_waits, task_arg(swallowed ? 55 : 0));
        child_wait_for(&child, "ready\n");
        CHECK_EQ(kill(child.pid, SIGINT), 0);
        child_ends_with(&child, 0);
        const char *order = swallowed ? "ready\nmain cancelled\nmain ends\nleft cancelled\ngave 55\n"
                                      : "ready\nmain cancelled\nmain ends\nleft cancelled\ngave -125\n";
        CHECK(strstr(child.said, order) != NULL);
    }
}

static int64_t never_wait(void *arg) {
    (void)arg;
    say("ready");
    for (volatile int i = 0;; i++) continue;
    return 0;
}

static int program_never_waits(void *arg) {
    rondel_main(never_wait, arg);
    return 0;
}

TEST(a_second_ctrl_c_kills_even_a_task_that_never_waits) {
    struct child child;
    child_start(&child, program_never_waits, NULL);
    child_wait_for(&child, "ready\n");
    CHECK_EQ(kill(child.pid, SIGINT), 0);
    /* Two that come at once may be delivered as one: send until it is dead. */
    int status;
    while (waitpid(child.pid, &status, WNOHANG) == 0) kill(child.pid, SIGINT);
    while (child_reads(&child)) continue;
    close(child.said_by);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGINT);
}

static int64_t ignore_interrupt(void *arg) {
    (void)arg;
    say("ready");
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    say("ignored");
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), 0);
    say("not reached");
    return 0;
}

static int program_ignores(void *arg) {
    rondel_main(ignore_interrupt, arg);
    return 0;
}

TEST(a_second_ctrl_c_kills_a_task_that_swallowed_the_first) {
    struct child child;
    child_start(&child, program_ignores, NULL);
    child_wait_for(&child, "ready\n");
    CHECK_EQ(kill(child.pid, SIGINT), 0);
    child_wait_for(&child, "ignored\n");
    CHECK_EQ(kill(child.pid, SIGINT), 0);
    child_dies_of(&child, SIGINT);
    CHECK_EQ(child_said(&child, "not reached"), 0);
}

static void own_handler(int signum) {
    (void)signum;
    if (write(1, "own handler\n", 12) != 12) _exit(3);
}

static int64_t interrupt_yourself(void *arg) {
    (void)arg;
    CHECK_EQ(raise(SIGINT), 0);
    return rondel_sleep(RONDEL_FOREVER);
}

static int program_twice(void *arg) {
    (void)arg;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = own_handler;
    sigaction(SIGINT, &action, NULL);
    /* One interrupt for each of them is not two for either. */
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_main(interrupt_yourself, NULL), RONDEL_ECANCELED);
    say("own no more");
    raise(SIGINT); /* the program's own handler is back */
    return 0;
}

TEST(programs_one_after_the_other_each_have_their_first_ctrl_c) {
    struct child child;
    child_start(&child, program_twice, NULL);
    child_ends_with(&child, 0);
    CHECK(strstr(child.said, "own no more\nown handler\n") != NULL);
    CHECK_EQ(child_said(&child, "own handler"), 1);
}

static int64_t busy_then_wait(void *arg) {
    (void)arg;
    say("ready");
    /* The interrupt comes while it runs: it hears of that at its next wait. */
    while (rondel_yield() == 0) busy_for(RONDEL_MS);
    say("heard");
    return 3;
}

static int program_busy(void *arg) { return (int)rondel_main(busy_then_wait, arg); }

TEST(ctrl_c_reaches_a_busy_task_that_yields) {
    struct child child;
    child_start(&child, program_busy, NULL);
    child_wait_for(&child, "ready\n");
    CHECK_EQ(kill(child.pid, SIGINT), 0);
    child_ends_with(&child, 3);
    CHECK_EQ(child_said(&child, "heard"), 1);
}

TEST_MAIN(RUN(it_gives_what_the_task_returns),
          RUN(it_gives_what_the_task_returns_whoever_else_had_it), RUN(what_is_left_is_cancelled_and_runs_to_its_end),
          RUN(tasks_that_wait_for_each_other_end_and_other_waits_are_waited_for),
          RUN(a_stop_cancels_the_task), RUN(a_thread_that_runs_a_loop_cannot),
          RUN(ctrl_c_cancels_the_task_then_what_is_left), RUN(a_second_ctrl_c_kills_even_a_task_that_never_waits),
          RUN(a_second_ctrl_c_kills_a_task_that_swallowed_the_first),
          RUN(programs_one_after_the_other_each_have_their_first_ctrl_c), RUN(ctrl_c_reaches_a_busy_task_that_yields))
