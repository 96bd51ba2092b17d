/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Stacks of tasks: their sizes, how many there may be, that they are used again, and what happens past their end. */
#include "support/test.h"

#include "support/child.h"
#include "support/steps.h"
#include "support/task.h"

/* Uses so much of the stack, in frames of a page or less, and gives a sum that no compiler can do without. */
static int64_t use_stack(int64_t bytes) {
    volatile char frame[1024];
    for (size_t i = 0; i < sizeof frame; i += 64) frame[i] = (char)(bytes + (int64_t)i);
    int64_t below = bytes > 2048 ? use_stack(bytes - (int64_t)sizeof frame - 64) : 0;
    return below + frame[bytes & 1023] * 0 + 1;
}

static int64_t use_stack_of(void *arg) { return use_stack(task_number(arg)) > 0 ? 0 : -1; }

TEST(a_stack_has_at_least_the_size_asked_for) {
    static const struct {
        size_t asked;
        int64_t used;
    } rows[] = {{0, 200 << 10},  {1, 8 << 10},         {16384, 8 << 10},
                {100000, 90000}, {1 << 20, 900 << 10}, {64 << 20, 60 << 20}};
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* A sanitizer's frames are larger than they look. */
        int64_t used = CHILD_SANITIZED ? rows[i].used / 4 : rows[i].used;
        rondel_future task = rondel_task_spawn_sized(loop, use_stack_of, task_arg(used), rows[i].asked);
        CHECK_EQ(rondel_run_until(loop, task), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_size_beyond_all_measure_is_refused) {
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_task_spawn_sized(loop, task_return, NULL, ((size_t)1 << 30) + 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_task_spawn_sized(loop, task_return, NULL, SIZE_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_task_spawn_sized(loop, NULL, NULL, 4096), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- used again */

static int64_t where_it_runs(void *arg) {
    (void)arg;
    return (int64_t)(uintptr_t)__builtin_frame_address(0);
}

TEST(a_stack_is_used_again_by_the_next_task) {
    rondel_loop loop = rondel_loop_new();
    int64_t first = rondel_run_until(loop, rondel_task_spawn(loop, where_it_runs, NULL));
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, where_it_runs, NULL)), first);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* What a task finds on its stack must be its own also when that was given back to the system in between. */
static int64_t write_and_wait(void *arg) {
    volatile int64_t words[256];
    for (int i = 0; i < 256; i++) words[i] = task_number(arg) + i;
    double real = (double)task_number(arg) / 3;
    CHECK_EQ(rondel_yield(), 0);
    for (int i = 0; i < 256; i++) CHECK_EQ(words[i], task_number(arg) + i);
    CHECK(real == (double)task_number(arg) / 3);
    CHECK_EQ(rondel_yield(), 0);
    return words[255];
}

TEST(what_is_on_a_stack_stays_there) {
    rondel_loop loop = rondel_loop_new();
    const int64_t count = test_scale(2000, 200);
    rondel_future *tasks = calloc((size_t)count, sizeof *tasks);
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < count; i++) tasks[i] = rondel_task_spawn(loop, write_and_wait, task_arg(i * 7 + round));
        for (int64_t i = 0; i < count; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), i * 7 + round + 255);
    }
    free(tasks);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- how many */

static int64_t mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    int64_t count = 0;
    if (!maps) return -1;
    for (int c; (c = getc(maps)) != EOF;) count += c == '\n';
    fclose(maps);
    return count;
}

static int64_t sleepers;

static int64_t sleep_with_others(void *arg) {
    sleepers++;
    int64_t result = rondel_sleep(task_number(arg));
    sleepers--;
    return result;
}

/* Whether a guard takes a mapping of its own, as with a Linux before 6.13. */
static int guards_split(void) {
    rondel_loop loop = rondel_loop_new();
    int64_t before = mappings();
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, task_return, NULL)), 0);
    int split = mappings() - before > 32;
    CHECK_EQ(rondel_loop_free(loop), 0);
    return split;
}

TEST(a_hundred_thousand_tasks_sleep_within_the_usual_number_of_mappings) {
    const int64_t count = test_scale(guards_split() ? 25000 : 100000, 1000);
    rondel_loop loop = rondel_loop_new();
    rondel_future *tasks = calloc((size_t)count, sizeof *tasks);
    sleepers = 0;
    for (int64_t i = 0; i < count; i++) {
        /* Half of them wake by themselves, the other half is woken. */
        int64_t ns = i % 2 ? RONDEL_FOREVER : 100 * RONDEL_MS;
        tasks[i] = rondel_task_spawn(loop, sleep_with_others, task_arg(ns));
        REQUIRE(tasks[i] > 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(sleepers, count);
    CHECK(mappings() < 65530);
    for (int64_t i = 0; i < count; i += 2) CHECK_EQ(rondel_run_until(loop, tasks[i]), 0);
    CHECK_EQ(sleepers, count / 2);
    for (int64_t i = 1; i < count; i += 2) CHECK_EQ(rondel_cancel(tasks[i]), 0);
    for (int64_t i = 1; i < count; i += 2) CHECK_EQ(rondel_run_until(loop, tasks[i]), RONDEL_ECANCELED);
    CHECK_EQ(sleepers, 0);
    free(tasks);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(stacks_go_with_their_loop) {
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        rondel_loop loop = rondel_loop_new();
        for (int j = 0; j < 300; j++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, task_forever, NULL)), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
        if (i == 0) before = mappings();
    }
    /* valgrind and the sanitizers map things of their own. */
    if (before >= 0 && !test_small()) CHECK(mappings() < before + 20);
}

/* ---- past the end */

static int64_t overflow(void *arg) {
    if (arg) CHECK_EQ(rondel_yield(), 0);
    return use_stack(INT64_C(1) << 40);
}

static int overflow_in_debug_mode(void *arg) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_set_debug(loop, 1), 0);
    CHECK_EQ(rondel_set_slow(loop, 3600 * RONDEL_SECOND), 0);
    /* Others are there, which it does not reach. */
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, task_forever, NULL)), 0);
    rondel_future task = rondel_task_spawn(loop, overflow, arg);
    CHECK_EQ(rondel_handle_set_name(task, "glutton"), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, task_forever, NULL)), 0);
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    return 0;
}

TEST(an_overflow_is_caught_by_the_guard_and_names_the_task) {
    if (ON_QEMU) SKIP("qemu says it has guarded memory, and has not");
    for (int later = 0; later < 2; later++) {
        struct child child;
        child_start(&child, overflow_in_debug_mode, task_arg(later));
        child_dies_of(&child, SIGSEGV);
        CHECK_EQ(child_said(&child, "rondel: task \"glutton\" ("), 1);
        CHECK_EQ(child_said(&child, ") has overflowed its stack of 256 KiB; give it a larger one with "
                                    "rondel_task_spawn_sized\n"), 1);
    }
}

static int64_t spawn_glutton(void *arg) {
    (void)arg;
    rondel_future task = rondel_task_spawn_sized(rondel_loop_current(), overflow, NULL, 60000);
    CHECK_EQ(rondel_handle_set_name(task, "child"), 0);
    return rondel_await(task);
}

static int overflow_in_program(void *arg) { return (int)rondel_main(spawn_glutton, arg); }

static int overflow_by_environment(void *arg) {
    setenv("RONDEL_DEBUG", "1", 1);
    return (int)task_run(spawn_glutton, arg);
}

static void *overflow_in_thread(void *arg) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_set_debug(loop, 1), 0);
    rondel_run_until(loop, rondel_task_spawn(loop, spawn_glutton, arg));
    return NULL;
}

static int overflow_in_other_thread(void *arg) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, overflow_in_thread, arg), 0);
    pthread_join(thread, NULL);
    return 0;
}

TEST(it_is_named_in_programs_by_environment_and_in_every_thread) {
    if (ON_QEMU) SKIP("qemu says it has guarded memory, and has not");
    int (*const bodies[])(void *) = {overflow_in_program, overflow_by_environment, overflow_in_other_thread};
    for (int i = 0; i < 3; i++) {
        struct child child;
        child_start(&child, bodies[i], NULL);
        child_dies_of(&child, SIGSEGV);
        CHECK_EQ(child_said(&child, "rondel: task \"child\" ("), 1);
        CHECK_EQ(child_said(&child, "has overflowed its stack of 64 KiB"), 1);
    }
}

static int overflow_silently(void *arg) {
    task_run(overflow, arg);
    return 0;
}

TEST(out_of_debug_mode_the_guard_is_there_all_the_same) {
    struct child child;
    child_start(&child, overflow_silently, NULL);
    child_dies_of(&child, SIGSEGV);
    CHECK_EQ(child_said(&child, "has overflowed its stack"), 0);
}

static int64_t touch_nothing(void *arg) {
    CHECK_EQ(rondel_yield(), 0);
    return *(volatile int *)arg;
}

static int fault_elsewhere(void *arg) {
    (void)arg;
    return (int)rondel_main(touch_nothing, task_arg(8));
}

TEST(a_fault_that_is_no_overflow_is_not_called_one) {
    struct child child;
    child_start(&child, fault_elsewhere, NULL);
    child_dies_of(&child, SIGSEGV);
    CHECK_EQ(child_said(&child, "has overflowed its stack"), 0);
}

static void own_handler(int signum) {
    (void)signum;
    if (write(1, "own handler\n", 12) != 12) _exit(3);
    _exit(42);
}

static int fault_with_own_handler(void *arg) {
    (void)arg;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = own_handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    return overflow_in_debug_mode(NULL);
}

TEST(the_programs_own_handler_has_the_fault_after_the_report) {
    if (ON_QEMU) SKIP("qemu says it has guarded memory, and has not");
    struct child child;
    child_start(&child, fault_with_own_handler, NULL);
    child_ends_with(&child, 42);
    CHECK(strstr(child.said, "rondel_task_spawn_sized\nown handler\n") != NULL);
}

TEST_MAIN(RUN(a_stack_has_at_least_the_size_asked_for), RUN(a_size_beyond_all_measure_is_refused),
          RUN(a_stack_is_used_again_by_the_next_task), RUN(what_is_on_a_stack_stays_there),
          RUN(a_hundred_thousand_tasks_sleep_within_the_usual_number_of_mappings), RUN(stacks_go_with_their_loop),
          RUN(an_overflow_is_caught_by_the_guard_and_names_the_task),
          RUN(it_is_named_in_programs_by_environment_and_in_every_thread),
          RUN(out_of_debug_mode_the_guard_is_there_all_the_same), RUN(a_fault_that_is_no_overflow_is_not_called_one),
          RUN(the_programs_own_handler_has_the_fault_after_the_report))
