/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Random bytes from the system: on the pool, and at once. */
#include "support/test.h"

#include "support/files.h"
#include "support/futures.h"
#include "support/task.h"

#include <sched.h>

/* More than any system gives in one piece, and no multiple of anything. */
enum { VERY_LONG = (32 << 20) + 4321 };

static int all_are(const uint8_t *bytes, size_t length, uint8_t value) {
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != value) return 0;
    return 1;
}

/* Chance leaves 16 bytes as they were less often than any machine lives. The last ones are looked at with those before. */
static int all_filled(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i + 16 <= length; i += 16)
        if (all_are(bytes + i, 16, 0)) return 0;
    return length < 16 || !all_are(bytes + length - 16, 16, 0);
}

static int64_t random_now(rondel_loop loop, void *bytes, size_t length) {
    return rondel_run_until(loop, rondel_random(loop, bytes, length, RONDEL_FUTURE));
}

#ifdef _WIN32
static void no_end_of_memory(void **memory, size_t *length) { *memory = NULL, *length = 0; }
static void end_of_memory(void *memory, size_t length) { (void)memory, (void)length; }
#else
#include <sys/mman.h>

enum { WINDOW = 16 << 20, WINDOWS = 512 };

/* So much that it would take very long to fill, and yet little: the same memory again and again, and in the end some that
 * is there once. */
static void no_end_of_memory(void **memory, size_t *length) {
    const int access = PROT_READ | PROT_WRITE;
    FILE *file = tmpfile();
    *length = (size_t)WINDOW * (WINDOWS + 1);
    *memory = mmap(NULL, *length, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(file && *memory != MAP_FAILED);
    CHECK_EQ(ftruncate(fileno(file), WINDOW), 0);
    for (size_t i = 0; i < WINDOWS; i++) {
        char *at = (char *)*memory + i * WINDOW;
        CHECK(mmap(at, WINDOW, access, MAP_SHARED | MAP_FIXED, fileno(file), 0) == at);
    }
    fclose(file);
}

static void end_of_memory(void *memory, size_t length) {
    CHECK(all_are((uint8_t *)memory + length - WINDOW, WINDOW, 0)); /* it was never come to */
    CHECK_EQ(munmap(memory, length), 0);
}
#endif

/* A thread has it when nothing waits for one any more. */
static void wait_until_it_runs(void) {
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) > 0) sched_yield();
}

TEST(memory_is_filled_to_its_end_and_no_further) {
    const size_t lengths[] = {1, 7, 16, 255, 256, 257, 4096, 65537};
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int at_once = 0; at_once < 2; at_once++) {
            const size_t length = lengths[i];
            uint8_t *bytes = malloc(length + 32), *all = calloc(1, length);
            memset(bytes, 0xa5, length + 32);
            /* One byte may well be 0, but not each of so many times. */
            for (int times = 0; times < 64; times++) {
                CHECK_EQ(at_once ? rondel_random_fill(bytes + 16, length) : random_now(loop, bytes + 16, length), 0);
                for (size_t j = 0; j < length; j++) all[j] |= bytes[16 + j];
            }
            for (size_t j = 0; j < length; j++) CHECK(all[j] != 0);
            CHECK(all_are(bytes, 16, 0xa5) && all_are(bytes + 16 + length, 16, 0xa5));
            free(bytes), free(all);
        }
    nothing_left(loop);
}

TEST(so_much_that_no_system_gives_it_in_one_piece_is_filled_too) {
    rondel_loop loop = rondel_loop_new();
    uint8_t *bytes = calloc(1, VERY_LONG);
    CHECK_EQ(random_now(loop, bytes, VERY_LONG), 0);
    CHECK(all_filled(bytes, VERY_LONG));
    /* Pieces are not filled with the same. */
    CHECK(memcmp(bytes, bytes + (1 << 20), 64) != 0);
    memset(bytes, 0, VERY_LONG);
    CHECK_EQ(rondel_random_fill(bytes, VERY_LONG), 0);
    CHECK(all_filled(bytes, VERY_LONG));
    free(bytes);
    nothing_left(loop);
}

TEST(no_two_are_alike) {
    enum { MANY = 64 };
    uint8_t bytes[MANY][32];
    struct seen seen = {0};
    rondel_loop loop = rondel_loop_new();
    memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < MANY; i++) {
        if (i % 2) CHECK_EQ(rondel_random_fill(bytes[i], 32), 0);
        else CHECK(rondel_random(loop, bytes[i], 32, see, &seen) > 0);
    }
    CHECK_EQ(seen.calls, 0); /* never inside the call */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, MANY / 2);
    CHECK_EQ(seen.result, 0);
    for (int i = 0; i < MANY; i++)
        for (int j = 0; j < i; j++) CHECK(memcmp(bytes[i], bytes[j], 32) != 0);
    nothing_left(loop);
}

TEST(it_is_told_of_in_every_way) {
    uint8_t bytes[3][32];
    struct seen seen = {0};
    rondel_completion completion;
    rondel_loop loop = rondel_loop_new();
    memset(bytes, 0, sizeof bytes);
    CHECK(rondel_random(loop, bytes[0], 32, NULL, NULL) > 0);
    rondel_future told = rondel_random(loop, bytes[1], 32, see, &seen);
    CHECK_EQ(rondel_future_origin(told), loop);
    CHECK(rondel_random(loop, bytes[2], 32, rondel_enqueue, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.source, told);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 1);
    CHECK_EQ(completion.result, 0);
    CHECK(completion.user_data == &seen);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 0);
    for (int i = 0; i < 3; i++) CHECK(all_filled(bytes[i], 32));
    nothing_left(loop);
}

static int64_t await_some(void *bytes) {
    return rondel_await(rondel_random(rondel_loop_current(), bytes, 64, RONDEL_FUTURE));
}

TEST(a_task_awaits_it) {
    uint8_t bytes[64] = {0};
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, await_some, bytes)), 0);
    CHECK(all_filled(bytes, sizeof bytes));
    nothing_left(loop);
}

TEST(nothing_at_all_is_soon_done) {
    char byte = 7;
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(random_now(loop, &byte, 0), 0);
    CHECK_EQ(random_now(loop, NULL, 0), 0);
    CHECK_EQ(rondel_random_fill(&byte, 0), 0);
    CHECK_EQ(rondel_random_fill(NULL, 0), 0);
    CHECK_EQ(byte, 7);
    nothing_left(loop);
}

TEST(bad_input_is_refused) {
    char byte = 7;
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0};
    CHECK_EQ(rondel_random(loop, NULL, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_random(loop, &byte, SIZE_MAX, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_random(loop, &byte, (size_t)INTPTR_MAX + 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_random(RONDEL_ECONNRESET, &byte, 1, see, &seen), RONDEL_ECONNRESET);
    CHECK_EQ(rondel_random(0, &byte, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_random_fill(NULL, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_random_fill(&byte, SIZE_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_random_fill(&byte, (size_t)INTPTR_MAX + 1), RONDEL_EINVAL);
    CHECK_EQ(byte, 7);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    nothing_left(loop);
}

TEST(cancelled_before_it_begins_it_completes_at_once_and_touches_nothing) {
    if (ON_WINDOWS) SKIP("a pipe of Unix keeps a thread busy");
    uint8_t bytes[4][32];
    char text[1024];
    struct seen seen[4] = {{0}};
    struct busy busy;
    rondel_loop loop = rondel_loop_new();
    memset(bytes, 0, sizeof bytes);
    busy_begin(&busy, loop);
    rondel_future waiting[4];
    for (int i = 0; i < 4; i++) waiting[i] = rondel_random(loop, bytes[i], 32, see, &seen[i]);
    CHECK(rondel_loop_dump(loop, text, sizeof text) > 0);
    CHECK(strstr(text, "random") != NULL);
    CHECK_EQ(rondel_cancel(waiting[0]), 0);
    CHECK_EQ(rondel_close(waiting[1]), 0);
    CHECK_EQ(rondel_timeout(waiting[2], 0), waiting[2]);
    while (seen[2].calls == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(busy.seen.calls, 0);
    busy_let_go(&busy);
    run_dry(loop);
    const int64_t results[] = {RONDEL_ECANCELED, RONDEL_ECANCELED, RONDEL_ETIMEDOUT, 0};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, results[i]);
        CHECK_EQ(all_are(bytes[i], 32, 0), i < 3);
    }
    busy_end(&busy);
    nothing_left(loop);
}

TEST(cancelled_while_it_runs_it_ends_soon_and_leaves_the_memory_alone_from_then_on) {
    if (ON_WINDOWS) SKIP("takes memory without end by calls of Unix");
    if (ON_VALGRIND) SKIP("valgrind lets no other thread go on before one has got all its random bytes");
    struct seen seen = {0};
    void *memory;
    size_t length;
    rondel_loop loop = rondel_loop_new();
    no_end_of_memory(&memory, &length);
    rondel_future endless = rondel_random(loop, memory, length, see, &seen);
    wait_until_it_runs();
    CHECK_EQ(rondel_cancel(endless), 0);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    end_of_memory(memory, length);
    nothing_left(loop);
}

TEST(freeing_the_loop_ends_what_runs_and_what_waits) {
    if (ON_WINDOWS) SKIP("takes memory without end by calls of Unix");
    if (ON_VALGRIND) SKIP("valgrind lets no other thread go on before one has got all its random bytes");
    const int64_t size = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    uint8_t bytes[32] = {0};
    struct seen seen[2] = {{0}};
    void *memory;
    size_t length;
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 1), 1);
    no_end_of_memory(&memory, &length);
    CHECK(rondel_random(loop, memory, length, see, &seen[0]) > 0);
    wait_until_it_runs();
    CHECK(rondel_random(loop, bytes, 32, see, &seen[1]) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, RONDEL_ECANCELED);
    }
    CHECK(all_are(bytes, 32, 0));
    end_of_memory(memory, length);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, size), size);
}

static pthread_barrier_t at_work;

/* What is cancelled may still have bytes of its own. */
static int64_t fill_when_unwanted(void *bytes) {
    pthread_barrier_wait(&at_work);
    while (rondel_work_cancelled() == 0) sched_yield();
    CHECK_EQ(rondel_random_fill(bytes, 32), 0);
    return 0;
}

static void *fill_elsewhere(void *bytes) {
    CHECK_EQ(rondel_random_fill(bytes, 32), 0);
    return NULL;
}

TEST(any_thread_may_fill_at_once) {
    uint8_t bytes[2][32];
    struct seen seen = {0};
    pthread_t thread;
    rondel_loop loop = rondel_loop_new();
    memset(bytes, 0, sizeof bytes);
    CHECK_EQ(pthread_create(&thread, NULL, fill_elsewhere, bytes[0]), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(all_filled(bytes[0], 32));
    pthread_barrier_init(&at_work, NULL, 2);
    rondel_future work = rondel_work(loop, fill_when_unwanted, bytes[1], see, &seen);
    pthread_barrier_wait(&at_work);
    CHECK_EQ(rondel_cancel(work), 0);
    run_dry(loop);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK(all_filled(bytes[1], 32));
    pthread_barrier_destroy(&at_work);
    nothing_left(loop);
}

TEST_MAIN(RUN(memory_is_filled_to_its_end_and_no_further),
          RUN(so_much_that_no_system_gives_it_in_one_piece_is_filled_too), RUN(no_two_are_alike),
          RUN(it_is_told_of_in_every_way), RUN(a_task_awaits_it), RUN(nothing_at_all_is_soon_done),
          RUN(bad_input_is_refused), RUN(cancelled_before_it_begins_it_completes_at_once_and_touches_nothing),
          RUN(cancelled_while_it_runs_it_ends_soon_and_leaves_the_memory_alone_from_then_on),
          RUN(freeing_the_loop_ends_what_runs_and_what_waits), RUN(any_thread_may_fill_at_once))
