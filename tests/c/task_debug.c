/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Debug mode: what it tells on standard error, by name, and that it is silent about what is in order. */
#include "support/test.h"

#include "support/child.h"
#include "support/steps.h"
#include "support/task.h"

/* Runs a body in a child and leaves what it said there. */
static void run_child(struct child *child, int (*body)(void *), void *arg) {
    child_start(child, body, arg);
    child_ends_with(child, 0);
}

/* In debug mode, and told that nothing is slow: a machine may halt anything for a while. */
static rondel_loop debug_loop(void) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_set_debug(loop, 1), 0);
    CHECK_EQ(rondel_set_slow(loop, 3600 * RONDEL_SECOND), 0);
    return loop;
}

/* ---- what is slow */

static int64_t one_slow_step(void *arg) {
    CHECK_EQ(rondel_yield(), 0);
    busy_for(task_number(arg));
    CHECK_EQ(rondel_yield(), 0);
    return 0;
}

static void slow_callback(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    busy_for(*(int64_t *)user_data);
}

static int be_slow(void *arg) {
    (void)arg;
    int64_t slow = 20 * RONDEL_MS;
    rondel_loop loop = debug_loop();
    CHECK_EQ(rondel_set_slow(loop, 10 * RONDEL_MS), 0);
    rondel_future task = rondel_task_spawn(loop, one_slow_step, task_arg(slow));
    CHECK_EQ(rondel_handle_set_name(task, "mill"), 0);
    CHECK_EQ(rondel_run_until(loop, task), 0);
    rondel_future soon = rondel_call_soon(loop, slow_callback, &slow);
    CHECK_EQ(rondel_handle_set_name(soon, "soon"), 0);
    rondel_timer timer = rondel_timer_start(loop, 0, 0, slow_callback, &slow);
    CHECK_EQ(rondel_handle_set_name(timer, "clock"), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(slow_steps_and_callbacks_are_told_by_name) {
    struct child child;
    run_child(&child, be_slow, NULL);
    CHECK(child_said(&child, "held up the loop for") >= 3);
    CHECK(child_said(&child, "rondel: task \"mill\" (") >= 1);
    CHECK(child_said(&child, "rondel: future \"soon\" (") >= 1);
    CHECK(child_said(&child, "rondel: timer \"clock\" (") >= 1);
}

static int be_quick_enough(void *arg) {
    (void)arg;
    int64_t brief = RONDEL_MS;
    rondel_loop loop = debug_loop();
    CHECK_EQ(rondel_set_slow(loop, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, one_slow_step, task_arg(brief))), 0);
    CHECK(rondel_call_soon(loop, slow_callback, &brief) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(what_is_quick_enough_is_not_told) {
    struct child child;
    run_child(&child, be_quick_enough, NULL);
    CHECK_STR(child.said, "");
}

static int be_slow_by_default(void *arg) {
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_set_debug(loop, 1), 0);
    rondel_future task = rondel_task_spawn(loop, one_slow_step, task_arg(101 * RONDEL_MS));
    CHECK_EQ(rondel_handle_set_name(task, "default"), 0);
    CHECK_EQ(rondel_run_until(loop, task), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(a_tenth_of_a_second_is_slow_from_the_start) {
    struct child child;
    run_child(&child, be_slow_by_default, NULL);
    CHECK(child_said(&child, "task \"default\" (") >= 1); /* a slow machine may find other steps slow */
    CHECK(child_said(&child, "held up the loop for") >= 1);
}

/* ---- errors that nobody looked at */

static void look(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    *(int64_t *)user_data = result;
}

static rondel_future named(rondel_future future, const char *name) {
    CHECK_EQ(rondel_handle_set_name(future, name), 0);
    return future;
}

static rondel_future failed(rondel_loop loop, const char *name) {
    return named(rondel_task_spawn(loop, task_return, task_arg(RONDEL_ECONNREFUSED)), name);
}

static int lose_errors(void *arg) {
    (void)arg;
    rondel_loop loop = debug_loop();
    int64_t heard = 0;
    CHECK_EQ(rondel_release(failed(loop, "lost")), 0);
    rondel_future kept = failed(loop, "kept");
    rondel_future promise = named(rondel_future_new(loop), "promise");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_fail(promise, RONDEL_EPIPE), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_state(kept), RONDEL_DONE); /* that it is done does not say how */
    CHECK_EQ(rondel_release(kept), 0);
    /* These are in order. */
    rondel_future seen = failed(loop, "looked at");
    rondel_future told = failed(loop, "told");
    rondel_future awaited = failed(loop, "awaited");
    CHECK_EQ(rondel_future_then(told, look, &heard), 0);
    CHECK_EQ(rondel_release(told), 0);
    rondel_future cancelled = named(rondel_task_spawn(loop, task_forever, NULL), "cancelled");
    rondel_future fine = named(rondel_task_spawn(loop, task_return, NULL), "fine");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run_until(loop, awaited), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(seen), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_release(seen), 0);
    CHECK_EQ(rondel_release(cancelled), 0);
    CHECK_EQ(rondel_release(fine), 0);
    CHECK_EQ(heard, RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(an_error_nobody_looked_at_is_told_by_name_and_no_other) {
    struct child child;
    run_child(&child, lose_errors, NULL);
    CHECK_EQ(child_said(&child, "nobody looked at the error of"), 3);
    CHECK_EQ(child_said(&child, "rondel: nobody looked at the error of task \"lost\" ("), 1);
    CHECK_EQ(child_said(&child, "rondel: nobody looked at the error of task \"kept\" ("), 1);
    CHECK_EQ(child_said(&child, "): connection refused\n"), 2);
    CHECK_EQ(child_said(&child, "rondel: nobody looked at the error of future \"promise\" ("), 1);
    CHECK_EQ(child_said(&child, "\n"), 3);
}

static int keep_until_the_end(void *arg) {
    (void)arg;
    rondel_loop loop = debug_loop();
    CHECK(failed(loop, "never released") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(an_error_still_held_when_the_loop_is_freed_is_told_too) {
    struct child child;
    run_child(&child, keep_until_the_end, NULL);
    CHECK_EQ(child_said(&child, "rondel: nobody looked at the error of task \"never released\" ("), 1);
}

/* ---- tasks that are not done */

static int leave_tasks(void *arg) {
    (void)arg;
    rondel_loop loop = debug_loop();
    rondel_future waits = named(rondel_task_spawn(loop, task_forever, NULL), "waits");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_release(waits), 0);
    CHECK(named(rondel_task_spawn(loop, task_forever, NULL), "not begun") > 0);
    rondel_future done = named(rondel_task_spawn(loop, task_return, NULL), "done");
    CHECK_EQ(rondel_cancel(done), 0);
    rondel_future nameless = rondel_task_spawn(loop, task_forever, NULL);
    CHECK_EQ(rondel_handle_set_name(nameless, NULL), 0);
    printf("nameless is %" PRId64 "\n", nameless);
    fflush(stdout);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(tasks_not_done_when_their_loop_is_freed_are_told_by_name) {
    struct child child;
    char line[128];
    int64_t nameless = 0;
    run_child(&child, leave_tasks, NULL);
    CHECK_EQ(child_said(&child, "is not done, and its loop is being freed\n"), 3);
    CHECK_EQ(child_said(&child, "rondel: task \"waits\" ("), 1);
    CHECK_EQ(child_said(&child, "rondel: task \"not begun\" ("), 1);
    CHECK_EQ(sscanf(child.said, "nameless is %" SCNd64, &nameless), 1);
    snprintf(line, sizeof line, "rondel: task %" PRId64 " is not done", nameless);
    CHECK_EQ(child_said(&child, line), 1);
}

static int keep_some(void *arg) {
    (void)arg;
    rondel_loop loop = debug_loop();
    CHECK(named(rondel_call_soon(loop, RONDEL_FUTURE), "kept") > 0);
    CHECK_EQ(rondel_release(named(rondel_call_soon(loop, RONDEL_FUTURE), "let go")), 0);
    CHECK(named(rondel_call_later(loop, 1000 * RONDEL_SECOND, RONDEL_FUTURE), "to come") > 0);
    for (int i = 0; i < 9; i++) CHECK(rondel_call_soon(loop, RONDEL_FUTURE) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(futures_that_were_kept_for_nothing_are_told) {
    struct child child;
    run_child(&child, keep_some, NULL);
    CHECK_EQ(child_said(&child, "rondel: kept and never released, though done: 10 futures: "), 1);
    CHECK_EQ(child_said(&child, "\"kept\""), 1);
    CHECK_EQ(child_said(&child, " and so on\n"), 1);
    CHECK_EQ(child_said(&child, "\"let go\""), 0);
    CHECK_EQ(child_said(&child, "\"to come\""), 0);
}

static int64_t main_leaves_one(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_set_slow(rondel_loop_current(), 3600 * RONDEL_SECOND), 0); /* as in debug_loop */
    CHECK_EQ(rondel_release(named(rondel_task_spawn(rondel_loop_current(), task_forever, NULL), "left")), 0);
    CHECK_EQ(rondel_yield(), 0);
    return 0;
}

static int program_leaves_one(void *arg) {
    setenv("RONDEL_DEBUG", "1", 1);
    return (int)rondel_main(main_leaves_one, arg);
}

/* It cancels what is left, in order: as with asyncio.run, that is no mistake of the program. */
TEST(a_program_that_leaves_tasks_to_rondel_main_is_in_order) {
    struct child child;
    run_child(&child, program_leaves_one, NULL);
    CHECK_EQ(child_said(&child, "\"left\""), 0);
    CHECK_EQ(child_said(&child, "is not done"), 0);
    CHECK_EQ(child_said(&child, "rondel: "), 0); /* nor is its own task one */
}

/* ---- turned on and off */

static int lose_one_error(void *arg) {
    rondel_loop loop = rondel_loop_new();
    if (arg) CHECK_EQ(rondel_set_debug(loop, *(int *)arg), 0);
    CHECK_EQ(rondel_release(failed(loop, "lost")), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(it_is_off_unless_asked_for_by_call_or_environment) {
    static const struct {
        const char *environment;
        int call; /* 2: none */
        int reports;
    } rows[] = {{NULL, 2, 0}, {NULL, 1, 1}, {NULL, 0, 0}, {"1", 2, 1},
                {"1", 0, 0},  {"0", 2, 0},  {"", 2, 0},   {"0", 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct child child;
        int call = rows[i].call;
        if (rows[i].environment)
            setenv("RONDEL_DEBUG", rows[i].environment, 1);
        else
            unsetenv("RONDEL_DEBUG");
        run_child(&child, lose_one_error, call == 2 ? NULL : &call);
        CHECK_EQ(child_said(&child, "nobody looked"), rows[i].reports);
    }
    unsetenv("RONDEL_DEBUG");
}

/* ---- names */

TEST(a_name_stays_with_its_handle) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, task_return, NULL);
    char text[256], longest[258], name[8] = "first";
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 0);
    CHECK_STR(text, "");
    CHECK_EQ(rondel_handle_set_name(task, name), 0);
    strcpy(name, "gone"); /* it was copied */
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 5);
    CHECK_STR(text, "first");
    CHECK_EQ(rondel_handle_name(task, NULL, 0), 5);
    CHECK_EQ(rondel_handle_name(task, text, 5), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_handle_name(task, text, 6), 5);
    CHECK_EQ(rondel_handle_set_name(task, "zweite \xc3\xa4"), 0);
    CHECK_EQ(rondel_handle_set_name(task, "\xff"), RONDEL_EINVAL);
    memset(longest, 'x', 257);
    longest[256] = 0;
    CHECK_EQ(rondel_handle_set_name(task, longest), RONDEL_EINVAL);
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 9); /* refused ones change nothing */
    longest[255] = 0;
    CHECK_EQ(rondel_handle_set_name(task, longest), 0);
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 255);
    CHECK_EQ(rondel_handle_set_name(loop, "loop"), 0);
    CHECK_EQ(rondel_handle_name(loop, text, sizeof text), 4);
    /* It outlives the run of its task. */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_DONE);
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 255);
    CHECK_EQ(rondel_handle_set_name(task, NULL), 0);
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), 0);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_handle_name(task, text, sizeof text), RONDEL_EGONE);
    CHECK_EQ(rondel_handle_set_name(task, "late"), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(slow_steps_and_callbacks_are_told_by_name), RUN(what_is_quick_enough_is_not_told),
          RUN(a_tenth_of_a_second_is_slow_from_the_start), RUN(an_error_nobody_looked_at_is_told_by_name_and_no_other),
          RUN(an_error_still_held_when_the_loop_is_freed_is_told_too),
          RUN(tasks_not_done_when_their_loop_is_freed_are_told_by_name), RUN(futures_that_were_kept_for_nothing_are_told),
          RUN(a_program_that_leaves_tasks_to_rondel_main_is_in_order),
          RUN(it_is_off_unless_asked_for_by_call_or_environment), RUN(a_name_stays_with_its_handle))
