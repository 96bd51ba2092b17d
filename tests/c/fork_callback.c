/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A process that forks in a callback: what its child hears of the loop, before it asks for it and after. */
#include "support/test.h"

#include "support/forked.h"
#include "support/net.h"
#include "support/steps.h"
#include "support/task.h"

static pid_t fork_child(void) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) alarm((unsigned)test_scale(100, 800));
    return child;
}

/* Without a look for leaks, as in work_off. */
static void end_child(void) {
    fflush(NULL);
    if (test_failures) _exit(70);
    raise(SIGKILL);
}

static void child_ended(pid_t child) {
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, SIGKILL);
}

struct within {
    rondel_loop loop;
    int adopts;
    pid_t child;
    struct seen after;
};

static void fork_here(rondel_handle source, int64_t result, void *user_data) {
    struct within *within = user_data;
    (void)source, (void)result;
    within->child = fork_child();
    if (within->child == 0 && within->adopts) CHECK_EQ(rondel_loop_fork(within->loop), 0);
}

static rondel_timer timer;

/* The timer is not due before the fork, however late that is. */
static void start_timer_and_fork(rondel_handle source, int64_t result, void *user_data) {
    struct within *within = user_data;
    timer = rondel_timer_start(within->loop, RONDEL_MS, 0, see, &within->after);
    fork_here(source, result, within);
}

static void fork_in_a_callback(int adopts) {
    struct within within = {rondel_loop_new(), adopts, -1, {0, 0, 0}};
    CHECK(rondel_call_soon(within.loop, start_timer_and_fork, &within) > 0);
    CHECK(rondel_call_soon(within.loop, see, &within.after) > 0);
    int64_t code = rondel_run(within.loop, RONDEL_RUN_DEFAULT);
    if (within.child == 0) {
        CHECK_EQ(code, adopts ? 0 : RONDEL_ESTATE);
        CHECK_EQ(within.after.calls, adopts ? 2 : 0);
        CHECK_EQ(rondel_is_active(timer), adopts ? 0 : RONDEL_ESTATE);
        CHECK_EQ(rondel_run(within.loop, RONDEL_RUN_NOWAIT), adopts ? 0 : RONDEL_ESTATE);
        CHECK_EQ(rondel_loop_free(within.loop), 0);
        if (!adopts) CHECK_EQ(within.after.calls, 1); /* the pending call, cancelled */
        end_child();
    }
    CHECK_EQ(code, 0);
    CHECK_EQ(within.after.calls, 2);
    child_ended(within.child);
    CHECK_EQ(rondel_loop_free(within.loop), 0);
}

TEST(a_fork_in_a_callback_may_go_on_with_the_run) { fork_in_a_callback(1); }

TEST(a_fork_in_a_callback_that_does_not_ask_gets_no_more_of_it) { fork_in_a_callback(0); }

/* ---- every way to run, and every callback of a turn */

enum { MODES = 6, PHASES = 7 };

struct turn {
    rondel_loop loop;
    pid_t child;
    int64_t told, told_before, after; /* told of turns, in all and until the fork; called after it */
};

static void fork_once(rondel_handle source, int64_t result, void *user_data) {
    struct turn *turn = user_data;
    (void)source, (void)result;
    if (turn->child >= 0) {
        turn->after++;
        return;
    }
    turn->child = fork_child();
    turn->told_before = turn->told;
    if (turn->child > 0) CHECK_EQ(rondel_stop(turn->loop), 0);
}

static void count_turn(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    ((struct turn *)user_data)->told++;
}

static void start_phase(struct turn *turn, int phase, const int *fds) {
    rondel_timer closed = rondel_timer_start(turn->loop, 3600 * RONDEL_SECOND, 0, fork_once, turn);
    for (int i = 0; i < 2; i++) switch (phase) {
            case 0: CHECK(rondel_timer_start(turn->loop, 0, 0, fork_once, turn) > 0); break;
            case 1: CHECK(rondel_call_soon(turn->loop, fork_once, turn) > 0); break;
            case 2: CHECK(rondel_idle_start(turn->loop, fork_once, turn) > 0); break;
            case 3: CHECK(rondel_prepare_start(turn->loop, fork_once, turn) > 0); break;
            case 4: CHECK(rondel_fd_watch(turn->loop, fds[i], RONDEL_READABLE, fork_once, turn) > 0); break;
            case 5: CHECK(rondel_check_start(turn->loop, fork_once, turn) > 0); break;
            default: CHECK_EQ(rondel_on_close(closed, fork_once, turn), 0);
        }
    CHECK_EQ(rondel_close(closed), 0);
}

static int64_t run_in_mode(struct turn *turn, int mode, rondel_future promise) {
    rondel_completion completion;
    switch (mode) {
        case 4: return rondel_run_until(turn->loop, promise);
        case 5: return rondel_next(turn->loop, &completion, 1, RONDEL_FOREVER);
        default: return rondel_run(turn->loop, mode);
    }
}

static void fork_in_turn(int phase, int mode) {
    struct turn turn = {rondel_loop_new(), -1, 0, 0, 0};
    rondel_future promise = rondel_future_new(turn.loop);
    int fds[2];
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(write(fds[i], "x", 1), 1);
    CHECK_EQ(rondel_set_trace(turn.loop, count_turn, &turn), 0);
    start_phase(&turn, phase, fds);
    int64_t code = run_in_mode(&turn, mode, promise);
    if (turn.child == 0) {
        CHECK_EQ(code, RONDEL_ESTATE);
        CHECK_EQ(turn.told, turn.told_before);
        CHECK_EQ(turn.after, 0);
        CHECK_EQ(run_in_mode(&turn, mode, promise), RONDEL_ESTATE);
        if (test_failures) fprintf(stderr, "    phase %d, mode %d\n", phase, mode);
        end_child();
    }
    CHECK(code >= 0 || (mode == 4 && code == RONDEL_EAGAIN));
    CHECK(turn.told > turn.told_before);
    child_ended(turn.child);
    CHECK_EQ(rondel_loop_free(turn.loop), 0);
    close(fds[0]), close(fds[1]);
}

TEST(however_it_runs_a_child_that_does_not_ask_is_told_so_and_nothing_else) {
    for (int phase = 0; phase < PHASES; phase++)
        for (int mode = 0; mode < MODES; mode++) fork_in_turn(phase, mode);
}

static void fork_in_a_walk(rondel_handle source, int64_t kind, void *user_data) {
    (void)kind;
    fork_once(source, 0, user_data);
}

TEST(a_walk_in_which_the_process_forks_ends_in_the_child) {
    struct turn turn = {rondel_loop_new(), -1, 0, 0, 0};
    for (int i = 0; i < 3; i++) CHECK(rondel_future_new(turn.loop) > 0);
    int64_t code = rondel_walk(turn.loop, fork_in_a_walk, &turn);
    if (turn.child == 0) {
        CHECK_EQ(code, RONDEL_ESTATE);
        CHECK_EQ(turn.after, 0);
        end_child();
    }
    CHECK_EQ(code, 4);
    CHECK_EQ(turn.after, 3);
    child_ended(turn.child);
    CHECK_EQ(rondel_loop_free(turn.loop), 0);
}

/* ---- those who wait for one future */

struct waiting {
    struct within within;
    rondel_future promise;
    struct seen task, gathered;
};

static int64_t await_promise(void *arg) {
    struct waiting *waiting = arg;
    waiting->task.result = rondel_await(waiting->promise);
    waiting->task.calls++;
    return 0;
}

static void fork_before_others_are_told(int adopts) {
    struct waiting waiting = {{rondel_loop_new(), 0, -1, {0, 0, 0}}, 0, {0, 0, 0}, {0, 0, 0}};
    rondel_loop loop = waiting.within.loop;
    rondel_future promise = waiting.promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, fork_here, &waiting.within), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_future_then(promise, see, &waiting.within.after), 0);
    CHECK_EQ(rondel_retain(promise), 0);
    CHECK(rondel_gather(&promise, 1, NULL, see, &waiting.gathered) > 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, await_promise, &waiting)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    int64_t code = rondel_run(loop, RONDEL_RUN_DEFAULT);
    if (waiting.within.child == 0) {
        CHECK_EQ(code, RONDEL_ESTATE);
        CHECK_EQ(waiting.within.after.calls + waiting.task.calls + waiting.gathered.calls, 0);
        if (adopts) {
            CHECK_EQ(rondel_loop_fork(loop), 0);
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
            CHECK_EQ(waiting.within.after.calls + waiting.task.calls + waiting.gathered.calls, 4);
        }
    } else {
        CHECK_EQ(code, 0);
        CHECK_EQ(waiting.within.after.calls, 2);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(waiting.within.after.calls, 2);
    CHECK_EQ(waiting.within.after.result, 7);
    CHECK_EQ(waiting.task.calls, 1);
    CHECK_EQ(waiting.task.result, 7);
    CHECK_EQ(waiting.gathered.calls, 1);
    if (waiting.within.child == 0) end_child();
    child_ended(waiting.within.child);
}

TEST(who_was_not_told_when_the_process_forked_is_told_when_the_child_asks) { fork_before_others_are_told(1); }

TEST(who_was_not_told_when_the_process_forked_is_told_when_the_child_frees) { fork_before_others_are_told(0); }

static void set_and_fork(rondel_handle source, int64_t result, void *user_data) {
    struct waiting *waiting = user_data;
    CHECK_EQ(rondel_future_set(waiting->promise, 7), 0);
    fork_here(source, result, &waiting->within);
}

TEST(run_until_leaves_its_future_to_a_child_that_has_not_asked) {
    struct waiting waiting = {{rondel_loop_new(), 0, -1, {0, 0, 0}}, 0, {0, 0, 0}, {0, 0, 0}};
    rondel_loop loop = waiting.within.loop;
    rondel_future promise = waiting.promise = rondel_future_new(loop);
    CHECK(rondel_call_soon(loop, set_and_fork, &waiting) > 0);
    int64_t code = rondel_run_until(loop, promise);
    if (waiting.within.child == 0) {
        CHECK_EQ(code, RONDEL_ESTATE);
        CHECK_EQ(rondel_loop_fork(loop), 0);
        code = rondel_run_until(loop, promise);
    }
    CHECK_EQ(code, 7);
    CHECK_EQ(rondel_kind(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    if (waiting.within.child == 0) end_child();
    child_ended(waiting.within.child);
}

/* ---- tasks */

static int64_t sleep_in_vain(void *arg) {
    struct seen *seen = arg;
    seen->result = rondel_sleep(RONDEL_FOREVER);
    seen->calls++;
    return seen->result;
}

static int free_with_tasks(void *arg) {
    struct waiting *waiting = arg;
    CHECK_EQ(rondel_loop_free(waiting->within.loop), 0);
    CHECK_EQ(waiting->gathered.calls, 1);
    CHECK_EQ(waiting->gathered.result, RONDEL_ECANCELED);
    CHECK_EQ(waiting->task.calls, 1);
    CHECK_EQ(waiting->task.result, 7); /* it was there before the fork */
    CHECK_EQ(waiting->within.after.calls, 1);
    CHECK_EQ(waiting->within.after.result, 7);
    return 0;
}

TEST(tasks_of_a_copy_that_is_freed_hear_what_those_of_any_loop_hear) {
    struct waiting waiting = {{rondel_loop_new(), 0, -1, {0, 0, 0}}, 0, {0, 0, 0}, {0, 0, 0}};
    rondel_loop loop = waiting.within.loop;
    rondel_future promise = waiting.promise = rondel_future_new(loop);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, await_promise, &waiting)), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, sleep_in_vain, &waiting.gathered)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    CHECK_EQ(rondel_future_then(promise, see, &waiting.within.after), 0); /* behind the task, which is on its way */
    in_child(free_with_tasks, &waiting);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(waiting.within.after.calls, 1);
}

/* It ends when it is told to, however often that is another word. */
static int64_t beat(void *arg) {
    struct seen *seen = arg;
    while (seen->calls++ < 1000 && rondel_sleep(RONDEL_MS) != RONDEL_ECANCELED)
        if (rondel_yield() == RONDEL_ECANCELED) break;
    return 0;
}

/* The owner of a promise settles it when it is asked to end it. */
static void settle(rondel_handle promise, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    CHECK_EQ(result, RONDEL_ECANCELED);
    seen->calls++;
    seen->result = rondel_future_set(promise, 5);
}

struct to_be_ended {
    rondel_loop loop;
    struct seen beats, owner, told;
};

static int free_what_goes_on(void *arg) {
    struct to_be_ended *all = arg;
    int64_t before = all->beats.calls;
    CHECK_EQ(rondel_loop_free(all->loop), 0);
    CHECK(all->beats.calls <= before + 1);
    CHECK_EQ(all->owner.calls, 1);
    CHECK_EQ(all->owner.result, 0);
    CHECK_EQ(all->told.calls, 1);
    return 0;
}

TEST(what_ends_only_when_cancelled_ends_in_a_copy_that_is_freed) {
    struct to_be_ended all = {rondel_loop_new(), {0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    rondel_future promise = rondel_future_new(all.loop);
    CHECK_EQ(rondel_future_on_cancel(promise, settle, &all.owner), 0);
    CHECK_EQ(rondel_future_then(promise, see, &all.told), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(all.loop, beat, &all.beats)), 0);
    CHECK_EQ(rondel_run(all.loop, RONDEL_RUN_NOWAIT), 1);
    in_child(free_what_goes_on, &all);
    CHECK_EQ(free_what_goes_on(&all), 0);
}

TEST_MAIN(RUN(a_fork_in_a_callback_may_go_on_with_the_run),
          RUN(a_fork_in_a_callback_that_does_not_ask_gets_no_more_of_it),
          RUN(however_it_runs_a_child_that_does_not_ask_is_told_so_and_nothing_else),
          RUN(a_walk_in_which_the_process_forks_ends_in_the_child),
          RUN(who_was_not_told_when_the_process_forked_is_told_when_the_child_asks),
          RUN(who_was_not_told_when_the_process_forked_is_told_when_the_child_frees),
          RUN(run_until_leaves_its_future_to_a_child_that_has_not_asked),
          RUN(tasks_of_a_copy_that_is_freed_hear_what_those_of_any_loop_hear),
          RUN(what_ends_only_when_cancelled_ends_in_a_copy_that_is_freed))
