/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The ends of files and of operations on them: closing, cancelling, deadlines, the end of the loop. */
#include "support/test.h"

#include "support/calls.h"
#include "support/files.h"
#include "support/steps.h"

enum { READ = RONDEL_OPEN_READ, WRITE = RONDEL_OPEN_WRITE, CREATE = RONDEL_OPEN_CREATE };

TEST(closing_waits_for_what_was_started) {
    enum { WRITES = 50 };
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen wrote[WRITES], closed = {0, 0, 0}, notice = {0, 0, 0};
    char text[WRITES + 1] = "";
    memset(wrote, 0, sizeof wrote);
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    busy_begin(&busy, loop);
    for (int i = 0; i < WRITES; i++) {
        text[i] = (char)('A' + i % 26);
        /* Some in line, some not. */
        CHECK(rondel_file_write(file, &text[i], 1, i % 2 ? RONDEL_POSITION : 1000 + i, see, &wrote[i]) > 0);
    }
    CHECK_EQ(rondel_on_close(file, see, &notice), 0);
    CHECK(rondel_file_close(file, see, &closed) > 0);
    CHECK_EQ(rondel_file_write(file, text, 1, 0, see, &closed), RONDEL_EGONE);
    CHECK_EQ(rondel_is_closing(file), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(closed.calls, 0);
    busy_let_go(&busy);
    while (!notice.calls) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
    for (int i = 0; i < WRITES; i++) {
        CHECK_EQ(wrote[i].calls, 1);
        CHECK_EQ(wrote[i].result, 1);
    }
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.result, 0);
    CHECK_EQ(rondel_is_closing(file), RONDEL_EGONE);
    CHECK_EQ(strncmp(file_text("a"), "BDFHJLNPRTVXZ", 13), 0);
    CHECK_EQ(size_of_file("a"), 1000 + WRITES - 1);
    busy_end(&busy);
    files_end(loop);
}

TEST(a_plain_close_cancels_what_has_not_begun) {
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen wrote[4], notice = {0, 0, 0};
    memset(wrote, 0, sizeof wrote);
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    busy_begin(&busy, loop);
    for (int i = 0; i < 4; i++) CHECK(rondel_file_write(file, "x", 1, i < 2 ? RONDEL_POSITION : i, see, &wrote[i]) > 0);
    CHECK_EQ(rondel_on_close(file, see, &notice), 0);
    CHECK_EQ(rondel_close(file), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(wrote[i].calls, 0); /* never inside the call */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(wrote[i].calls, 1);
        CHECK_EQ(wrote[i].result, RONDEL_ECANCELED);
    }
    busy_let_go(&busy);
    while (!notice.calls) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
    CHECK_EQ(size_of_file("a"), 0);
    busy_end(&busy);
    files_end(loop);
}

TEST(a_close_cancels_all_that_waits_among_much_that_is_done) {
    enum { ROUNDS = 5, EACH = 60 };
    rondel_loop loop = files_begin();
    static struct seen read[EACH];
    static char bytes[EACH];
    struct busy busy;
    put_file("a", "x");
    for (int round = 0; round < ROUNDS; round++) {
        rondel_file file = open_now(loop, "a", READ);
        for (int i = 0; i < EACH * round; i++) CHECK(rondel_file_read(file, &bytes[i % EACH], 1, 0, NULL, NULL) > 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        memset(read, 0, sizeof read);
        busy_begin(&busy, loop);
        for (int i = 0; i < EACH; i++) {
            rondel_future one = rondel_file_read(file, &bytes[i], 1, 0, see, &read[i]);
            CHECK(one > 0);
            if (i % 7 == round) CHECK_EQ(rondel_cancel(one), 0);
        }
        CHECK_EQ(rondel_close(file), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
        for (int i = 0; i < EACH; i++) {
            CHECK_EQ(read[i].calls, 1);
            CHECK_EQ(read[i].result, RONDEL_ECANCELED);
        }
        busy_let_go(&busy);
        busy_end(&busy);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    }
    files_end(loop);
}

TEST(what_runs_comes_back_before_its_file_is_closed) {
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen notice = {0, 0, 0};
    busy_begin(&busy, loop);
    int fd = (int)rondel_fileno(busy.pipe);
    CHECK_EQ(rondel_on_close(busy.pipe, see, &notice), 0);
    CHECK_EQ(rondel_close(busy.pipe), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(busy.seen.calls, 0); /* its memory is still being used */
    CHECK(fcntl(fd, F_GETFD) >= 0);
    busy_let_go(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(busy.seen.calls, 1);
    CHECK_EQ(busy.seen.result, RONDEL_ECANCELED);
    CHECK_EQ(busy.byte, 'x');
    CHECK_EQ(notice.calls, 1);
    CHECK_EQ(fcntl(fd, F_GETFD), -1);
    close(busy.end);
    files_end(loop);
}

TEST(one_that_waits_for_a_thread_is_cancelled_at_once) {
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen seen = {0, 0, 0}, late = {0, 0, 0};
    rondel_stat about;
    memset(&about, 0xee, sizeof about);
    busy_begin(&busy, loop);
    rondel_future stat = rondel_file_stat(loop, "/", &about, see, &seen);
    rondel_future open = rondel_file_open(loop, in_folder("a"), WRITE | CREATE, 0644, see, &late);
    CHECK_EQ(rondel_cancel(stat), 0);
    CHECK(rondel_timeout(open, 0) == open);
    while (!late.calls) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    busy_let_go(&busy);
    busy_end(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls + late.calls, 2);
    CHECK_EQ(size_of_file("a"), -ENOENT); /* it never began */
    CHECK_EQ(about.size, INT64_C(-0x1111111111111112));
    files_end(loop);
}

TEST(each_of_them_can_be_cancelled_before_it_begins) {
    rondel_loop loop = files_begin();
    struct busy busy;
    int64_t begun = 0;
    rondel_future pending[CALLS];
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    memset(&call_seen, 0, sizeof call_seen);
    busy_begin(&busy, loop);
    for (size_t i = 0; i < CALLS; i++) {
        int of_files = !strncmp(calls[i].name, "file_", 5) || !strncmp(calls[i].name, "dir_", 4);
        if (!of_files || calls[i].kinds == FUTURES || !strcmp(calls[i].name, "file_close")) continue;
        rondel_future future = calls[i].call(calls[i].kinds == FILES ? file : loop);
        if (future == RONDEL_EBADF) continue; /* file_open_fd is done at once */
        CHECK_EQ(rondel_kind(future), RONDEL_KIND_FUTURE);
        pending[begun++] = future;
    }
    CHECK(begun > 30);
    for (int64_t i = 0; i < begun; i++) CHECK_EQ(rondel_cancel(pending[i]), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(call_seen.calls, begun);
    CHECK_EQ(call_seen.result, RONDEL_ECANCELED);
    busy_let_go(&busy);
    busy_end(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(call_seen.calls, begun);
    close_now(file);
    files_end(loop);
}

TEST(one_that_runs_is_over_when_it_has_come_back) {
    rondel_loop loop = files_begin();
    int ends[2];
    char byte = 0;
    struct seen cancelled = {0, 0, 0}, late = {0, 0, 0};
    for (int i = 0; i < 2; i++) {
        struct seen *seen = i ? &late : &cancelled;
        CHECK_EQ(pipe(ends), 0);
        rondel_file file = rondel_file_open_fd(loop, ends[0]);
        rondel_future read = rondel_file_read(file, &byte, 1, RONDEL_POSITION, see, seen);
        while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) > 0) sched_yield();
        if (i) CHECK(rondel_timeout(read, 0) > 0);
        else CHECK_EQ(rondel_cancel(read), 0);
        for (int turn = 0; turn < 20; turn++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
        CHECK_EQ(seen->calls, 0);
        CHECK_EQ(write(ends[1], "y", 1), 1);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen->calls, 1);
        CHECK_EQ(byte, 'y');
        close_now(file);
        close(ends[1]);
    }
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    files_end(loop);
}

TEST(one_that_is_being_undone_cannot_be_kept_from_that) {
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen seen = {0, 0, 0};
    int64_t done = done_so_far();
    rondel_future future = rondel_file_make_temp(loop, in_folder("XXXXXX"), see, &seen);
    wait_for_done(done + 1);
    busy_begin(&busy, loop);
    for (int i = 0; i < 3; i++) { /* it is removed when there is a thread for that */
        CHECK_EQ(rondel_cancel(future), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    }
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(names_in(files_folder), 1);
    busy_let_go(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(names_in(files_folder), 0);
    busy_end(&busy);
    files_end(loop);
}

TEST(cancelling_one_in_line_lets_the_others_keep_their_places) {
    rondel_loop loop = files_begin();
    struct busy busy;
    rondel_future writes[5];
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    busy_begin(&busy, loop);
    for (int i = 0; i < 5; i++)
        writes[i] = rondel_file_write(file, &"01234"[i], 1, RONDEL_POSITION, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(writes[0]), 0); /* the one whose turn it is, still in the pool's queue */
    CHECK_EQ(rondel_cancel(writes[2]), 0);
    CHECK_EQ(rondel_cancel(writes[4]), 0);
    busy_let_go(&busy);
    const int64_t expected[] = {RONDEL_ECANCELED, 1, RONDEL_ECANCELED, 1, RONDEL_ECANCELED};
    for (int i = 0; i < 5; i++) CHECK_EQ(result_of(writes[i]), expected[i]);
    CHECK_STR(file_text("a"), "13");
    close_now(file);
    busy_end(&busy);
    files_end(loop);
}

/* As many as a busy log may have; a look at all of them for each would take minutes. */
TEST(a_long_line_may_be_given_up_in_any_order) {
    const int64_t count = test_scale(100000, 1000);
    rondel_loop loop = files_begin();
    struct busy busy;
    uint64_t random = 88172645463325252u;
    rondel_future *writes = calloc((size_t)count, sizeof *writes);
    struct seen *wrote = calloc((size_t)count, sizeof *wrote);
    rondel_file file = open_now(loop, "a", RONDEL_OPEN_APPEND | CREATE);
    busy_begin(&busy, loop);
    for (int64_t i = 0; i < count; i++) {
        writes[i] = rondel_file_write(file, &"abcdefghijklmnop"[i % 16], 1, i, see, &wrote[i]);
        CHECK(writes[i] > 0);
    }
    for (int64_t i = count - 1; i >= count / 2; i--) CHECK_EQ(rondel_cancel(writes[i]), 0);
    for (int64_t i = 0; i < count * 2; i++) {
        int64_t which = (int64_t)(next_random(&random) % (uint64_t)(count / 2));
        if (which % (count / 20) != 0) rondel_cancel(writes[which]);
    }
    rondel_future last = rondel_file_write(file, "!", 1, 0, RONDEL_FUTURE);
    busy_let_go(&busy);
    CHECK_EQ(result_of(last), 1);
    char expected[1000], *end = expected;
    for (int64_t i = 0; i < count; i++) {
        CHECK_EQ(wrote[i].calls, 1);
        if (wrote[i].result == 1 && end < expected + 900) *end++ = "abcdefghijklmnop"[i % 16];
    }
    for (int64_t i = 0; i < count / 2; i += count / 20) CHECK_EQ(wrote[i].result, 1);
    CHECK_EQ(wrote[count - 1].result, RONDEL_ECANCELED);
    *end++ = '!';
    CHECK_EQ(strncmp(file_text("a"), expected, (size_t)(end - 1 - expected)), 0);
    busy_end(&busy);
    /* And all at once. */
    busy_begin(&busy, loop);
    for (int64_t i = 0; i < count; i++) CHECK(rondel_file_write(file, "x", 1, i, see, &wrote[i]) > 0);
    CHECK_EQ(rondel_close(file), 0);
    busy_let_go(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int64_t i = 0; i < count; i++) CHECK_EQ(wrote[i].calls, 2);
    busy_end(&busy);
    free(writes), free(wrote);
    files_end(loop);
}

TEST(one_in_line_that_fails_does_not_hold_up_the_next) {
    rondel_loop loop = files_begin();
    char bytes[3] = "";
    put_file("a", "xy");
    rondel_file file = open_now(loop, "a", READ);
    rondel_future first = rondel_file_write(file, "z", 1, RONDEL_POSITION, RONDEL_FUTURE);
    rondel_future second = rondel_file_read(file, bytes, 2, RONDEL_POSITION, RONDEL_FUTURE);
    CHECK_EQ(result_of(first), RONDEL_EBADF);
    CHECK_EQ(result_of(second), 2);
    CHECK_STR(bytes, "xy");
    close_now(file);
    files_end(loop);
}

TEST(cancelling_a_close_does_not_keep_the_file_open) {
    rondel_loop loop = files_begin();
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    int fd = (int)rondel_fileno(file);
    rondel_future closing = rondel_file_close(file, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(closing), 0);
    CHECK_EQ(result_of(closing), RONDEL_ECANCELED);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), -1);
    files_end(loop);
}

TEST(is_closed_once) {
    rondel_loop loop = files_begin();
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    rondel_future closing = rondel_file_close(file, RONDEL_FUTURE);
    CHECK_EQ(rondel_file_close(file, RONDEL_FUTURE), RONDEL_EGONE);
    CHECK_EQ(rondel_close(file), RONDEL_EGONE);
    CHECK_EQ(result_of(closing), 0);
    file = open_now(loop, "a", WRITE);
    CHECK_EQ(rondel_close(file), 0);
    CHECK_EQ(rondel_file_close(file, RONDEL_FUTURE), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* until it is closed */
    CHECK_EQ(rondel_kind(file), RONDEL_EGONE);
    files_end(loop);
}

TEST(a_descriptor_closed_behind_its_back_is_told_of) {
    rondel_loop loop = files_begin();
    char byte;
    put_file("a", "x");
    rondel_file file = open_now(loop, "a", READ);
    CHECK_EQ(close((int)rondel_fileno(file)), 0);
    CHECK_EQ(result_of(rondel_file_read(file, &byte, 1, 0, RONDEL_FUTURE)), RONDEL_EBADF);
    CHECK_EQ(result_of(rondel_file_close(file, RONDEL_FUTURE)), RONDEL_EBADF);
    files_end(loop);
}

TEST(a_file_that_vanishes_stays_what_it_was_until_it_is_closed) {
    rondel_loop loop = files_begin();
    rondel_stat about;
    char byte;
    put_file("a", "x");
    rondel_file file = open_now(loop, "a", READ);
    CHECK_EQ(unlink(in_folder("a")), 0);
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("a"), &about, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_read(file, &byte, 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(result_of(rondel_file_fstat(file, &about, RONDEL_FUTURE)), 0);
    CHECK_EQ(about.nlink, 0);
    close_now(file);
    files_end(loop);
}

TEST(the_end_of_the_loop_completes_all_of_it_once) {
    enum { EACH = 10 };
    rondel_loop loop = files_begin();
    struct seen on_file[EACH], on_path[EACH], in_line[EACH], closed = {0, 0, 0}, notices[2];
    int ends[2];
    char byte;
    rondel_stat abouts[EACH];
    memset(on_file, 0, sizeof on_file), memset(on_path, 0, sizeof on_path), memset(in_line, 0, sizeof in_line);
    memset(notices, 0, sizeof notices);
    int64_t size = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    rondel_file file = open_now(loop, "a", WRITE | CREATE), other = open_now(loop, "b", WRITE | CREATE);
    CHECK_EQ(rondel_on_close(file, see, &notices[0]), 0);
    CHECK_EQ(rondel_on_close(other, see, &notices[1]), 0);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 1), 1);
    CHECK_EQ(pipe(ends), 0);
    struct seen runs = {0, 0, 0};
    CHECK(rondel_file_read(rondel_file_open_fd(loop, ends[0]), &byte, 1, RONDEL_POSITION, see, &runs) > 0);
    for (int i = 0; i < EACH; i++) {
        CHECK(rondel_file_write(file, "x", 1, i, see, &on_file[i]) > 0);
        CHECK(rondel_file_write(file, "x", 1, RONDEL_POSITION, see, &in_line[i]) > 0);
        CHECK(rondel_file_stat(loop, "/", &abouts[i], see, &on_path[i]) > 0);
    }
    CHECK(rondel_file_close(other, see, &closed) > 0);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) > 2 * EACH + 2) sched_yield();
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, size), size);
    CHECK_EQ(runs.calls, 1);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.result, RONDEL_ECANCELED);
    for (int i = 0; i < 2; i++) CHECK_EQ(notices[i].calls, 1);
    for (int i = 0; i < EACH; i++) {
        CHECK_EQ(on_file[i].calls, 1);
        CHECK_EQ(in_line[i].calls, 1);
        CHECK_EQ(on_path[i].calls, 1);
    }
    close(ends[1]);
    files_remove_all(files_folder);
}

struct chain {
    int64_t left;
    rondel_file file;
};

static void open_and_close_again(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    rondel_loop loop = rondel_loop_of(source);
    CHECK(result >= 0);
    if (chain->left-- <= 0) return;
    if (chain->left % 2)
        CHECK(rondel_file_open(loop, in_folder("a"), READ, 0, open_and_close_again, chain) > 0);
    else
        CHECK(rondel_file_close(result, open_and_close_again, chain) > 0);
}

TEST(callbacks_may_open_and_close) {
    rondel_loop loop = files_begin();
    struct chain chain = {201, 0};
    put_file("a", "x");
    CHECK(rondel_call_soon(loop, open_and_close_again, &chain) > 0);
    chain.left++;
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    files_end(loop);
}

TEST(opens_cancelled_at_any_moment_leave_nothing_open) {
    rondel_loop loop = files_begin();
    uint64_t random = 88172645463325252u;
    put_file("a", "x");
    for (int64_t i = test_scale(3000, 100); i > 0; i--) {
        struct seen seen = {0, 0, 0};
        rondel_future open = rondel_file_open(loop, in_folder("a"), READ, 0, see, &seen);
        busy_for((int64_t)(next_random(&random) % 50000));
        if (next_random(&random) % 2) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        int64_t cancelled = seen.calls ? RONDEL_EGONE : rondel_cancel(open);
        CHECK(cancelled == 0 || cancelled == (seen.calls ? RONDEL_EGONE : RONDEL_ESTATE));
        CHECK(rondel_run(loop, RONDEL_RUN_DEFAULT) == 0);
        CHECK_EQ(seen.calls, 1);
        CHECK(seen.result > 0 || seen.result == RONDEL_ECANCELED);
        if (seen.result > 0) CHECK_EQ(rondel_close(seen.result), 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    files_end(loop);
}

TEST_MAIN(RUN(closing_waits_for_what_was_started), RUN(a_plain_close_cancels_what_has_not_begun),
          RUN(a_close_cancels_all_that_waits_among_much_that_is_done),
          RUN(what_runs_comes_back_before_its_file_is_closed), RUN(one_that_waits_for_a_thread_is_cancelled_at_once),
          RUN(each_of_them_can_be_cancelled_before_it_begins),
          RUN(one_that_runs_is_over_when_it_has_come_back), RUN(one_that_is_being_undone_cannot_be_kept_from_that),
          RUN(cancelling_one_in_line_lets_the_others_keep_their_places),
          RUN(a_long_line_may_be_given_up_in_any_order),
          RUN(one_in_line_that_fails_does_not_hold_up_the_next), RUN(cancelling_a_close_does_not_keep_the_file_open),
          RUN(is_closed_once), RUN(a_descriptor_closed_behind_its_back_is_told_of),
          RUN(a_file_that_vanishes_stays_what_it_was_until_it_is_closed),
          RUN(the_end_of_the_loop_completes_all_of_it_once), RUN(callbacks_may_open_and_close),
          RUN(opens_cancelled_at_any_moment_leave_nothing_open))
