/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Open files: reading, writing and what is known of them. */
#include "support/test.h"

#include "support/files.h"
#include "support/steps.h"
#include "support/task.h"

enum { READ = RONDEL_OPEN_READ, WRITE = RONDEL_OPEN_WRITE, CREATE = RONDEL_OPEN_CREATE };

TEST(what_was_written_is_read_again) {
    rondel_loop loop = files_begin();
    char got[16] = "";
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    CHECK_EQ(rondel_kind(file), RONDEL_KIND_FILE);
    CHECK_EQ(result_of(rondel_file_write(file, "hello", 5, 0, RONDEL_FUTURE)), 5);
    CHECK_EQ(result_of(rondel_file_read(file, got, sizeof got, 0, RONDEL_FUTURE)), 5);
    CHECK_STR(got, "hello");
    CHECK_EQ(result_of(rondel_file_read(file, got, sizeof got, 5, RONDEL_FUTURE)), 0); /* the end */
    CHECK_EQ(result_of(rondel_file_read(file, got, sizeof got, 500, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_read(file, got, 3, 1, RONDEL_FUTURE)), 3);
    CHECK_EQ(memcmp(got, "ell", 3), 0);
    CHECK_EQ(result_of(rondel_file_write(file, NULL, 0, 0, RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("a"), "hello");
    close_now(file);
    CHECK_EQ(rondel_kind(file), RONDEL_EGONE);
    files_end(loop);
}

TEST(an_offset_leaves_the_position_where_it_is) {
    rondel_loop loop = files_begin();
    char got[8] = "";
    put_file("a", "0123456789");
    rondel_file file = open_now(loop, "a", READ | WRITE);
    CHECK_EQ(result_of(rondel_file_read(file, got, 2, RONDEL_POSITION, RONDEL_FUTURE)), 2);
    CHECK_EQ(result_of(rondel_file_read(file, got, 2, 6, RONDEL_FUTURE)), 2);
    CHECK_EQ(result_of(rondel_file_write(file, "AB", 2, 8, RONDEL_FUTURE)), 2);
    CHECK_EQ(result_of(rondel_file_read(file, got, 3, RONDEL_POSITION, RONDEL_FUTURE)), 3);
    CHECK_EQ(memcmp(got, "234", 3), 0);
    CHECK_EQ(result_of(rondel_file_write(file, "x", 1, RONDEL_POSITION, RONDEL_FUTURE)), 1);
    CHECK_STR(file_text("a"), "01234x67AB");
    close_now(file);
    files_end(loop);
}

TEST(appending_writes_at_the_end_in_the_order_of_the_calls) {
    enum { WRITES = 200 };
    rondel_loop loop = files_begin();
    rondel_future writes[WRITES];
    char expected[WRITES * 4 + 8] = "first ", words[WRITES][8];
    put_file("a", "first ");
    rondel_file file = open_now(loop, "a", RONDEL_OPEN_APPEND);
    for (int i = 0; i < WRITES; i++) {
        snprintf(words[i], sizeof words[i], "%03d ", i);
        strcat(expected, words[i]);
        /* An offset means nothing to a file that appends. */
        writes[i] = rondel_file_write(file, words[i], 4, i % 2 ? 0 : RONDEL_POSITION, RONDEL_FUTURE);
    }
    CHECK_EQ(result_of(rondel_gather(writes, WRITES, NULL, RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("a"), expected);
    close_now(file);
    files_end(loop);
}

/* Large and small ones in turn: side by side, a small one would overtake. */
static size_t piece_size(int i) { return i % 8 ? 4 : 100000; }

TEST(what_is_at_the_position_runs_in_the_order_of_the_calls) {
    enum { PIECES = 80 };
    rondel_loop loop = files_begin();
    rondel_future pending[PIECES];
    static char out[PIECES * 100000], in[PIECES * 100000];
    for (size_t i = 0; i < sizeof out; i++) out[i] = (char)(i * 37 + i / 1000);
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    size_t all = 0;
    for (int i = 0; i < PIECES; all += piece_size(i), i++)
        pending[i] = rondel_file_write(file, out + all, piece_size(i), RONDEL_POSITION, RONDEL_FUTURE);
    CHECK_EQ(result_of(rondel_gather(pending, PIECES, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_read(file, in, sizeof in, 0, RONDEL_FUTURE)), all);
    CHECK_EQ(memcmp(in, out, all), 0);
    close_now(file);
    file = open_now(loop, "a", READ);
    memset(in, 0, sizeof in);
    all = 0;
    for (int i = 0; i < PIECES; all += piece_size(i), i++)
        pending[i] = rondel_file_read(file, in + all, piece_size(i), RONDEL_POSITION, RONDEL_FUTURE);
    CHECK_EQ(result_of(rondel_gather(pending, PIECES, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(memcmp(in, out, all), 0);
    close_now(file);
    files_end(loop);
}

TEST(many_at_offsets_run_side_by_side) {
    enum { PIECES = 1000 };
    rondel_loop loop = files_begin();
    rondel_future pending[PIECES];
    static int64_t numbers[PIECES], got[PIECES];
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    for (int i = PIECES - 1; i >= 0; i--) {
        numbers[i] = i * INT64_C(123456789);
        pending[i] = rondel_file_write(file, &numbers[i], 8, i * 8, RONDEL_FUTURE);
    }
    CHECK_EQ(rondel_is_active(file), 1);
    CHECK_EQ(result_of(rondel_gather(pending, PIECES, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_is_active(file), 0);
    for (int i = 0; i < PIECES; i++) pending[i] = rondel_file_read(file, &got[i], 8, i * 8, RONDEL_FUTURE);
    CHECK_EQ(result_of(rondel_gather(pending, PIECES, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(memcmp(numbers, got, sizeof got), 0);
    close_now(file);
    files_end(loop);
}

TEST(several_pieces_are_one_read_or_write) {
    rondel_loop loop = files_begin();
    char a[3] = "", b[4] = "", c[100] = "";
    const rondel_buffer out[] = {{"ab", 2}, {NULL, 0}, {"cdefg", 5}, {"h", 1}};
    rondel_room in[] = {{a, 2}, {b, 3}, {c, sizeof c}};
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    CHECK_EQ(result_of(rondel_file_writev(file, out, 4, RONDEL_POSITION, RONDEL_FUTURE)), 8);
    CHECK_EQ(result_of(rondel_file_writev(file, out, 1, 8, RONDEL_FUTURE)), 2);
    CHECK_EQ(result_of(rondel_file_writev(file, NULL, 0, 0, RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("a"), "abcdefghab");
    CHECK_EQ(result_of(rondel_file_readv(file, in, 3, 0, RONDEL_FUTURE)), 10);
    CHECK_STR(a, "ab");
    CHECK_STR(b, "cde");
    CHECK_STR(c, "fghab");
    CHECK_EQ(result_of(rondel_file_readv(file, in, 1, RONDEL_POSITION, RONDEL_FUTURE)), 2); /* at 8, by the first write */
    CHECK_STR(a, "ab");
    rondel_buffer many[1024];
    for (int i = 0; i < 1024; i++) many[i].bytes = "x", many[i].length = 1;
    CHECK_EQ(result_of(rondel_file_writev(file, many, 1024, 0, RONDEL_FUTURE)), 1024);
    CHECK_EQ(size_of_file("a"), 1024);
    CHECK_EQ(rondel_file_writev(file, many, 1025, 0, RONDEL_FUTURE), RONDEL_EINVAL);
    close_now(file);
    files_end(loop);
}

TEST(more_than_the_system_takes_at_once_is_written_whole) {
    int64_t size = test_scale(64 << 20, 1 << 20) + 12345;
    rondel_loop loop = files_begin();
    char *bytes = malloc((size_t)size), *got = malloc((size_t)size);
    for (int64_t i = 0; i < size; i++) bytes[i] = (char)(i * 31 + i / 4096);
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    CHECK_EQ(result_of(rondel_file_write(file, bytes, (size_t)size, 0, RONDEL_FUTURE)), size);
    CHECK_EQ(result_of(rondel_file_read(file, got, (size_t)size, 0, RONDEL_FUTURE)), size);
    CHECK_EQ(memcmp(bytes, got, (size_t)size), 0);
    close_now(file);
    free(bytes), free(got);
    files_end(loop);
}

static void *drain(void *arg) {
    static char bytes[1 << 16];
    int64_t *all = arg, fd = *all;
    ssize_t n;
    *all = 0;
    while ((n = read((int)fd, bytes, sizeof bytes)) > 0) *all += n;
    close((int)fd);
    return NULL;
}

TEST(what_is_taken_in_parts_is_written_whole) {
    rondel_loop loop = files_begin();
    enum { LENGTH = 1 << 20 };
    char *bytes = calloc(1, LENGTH);
    const rondel_buffer pieces[] = {{bytes, 1000}, {bytes, LENGTH - 1}, {bytes, 77}};
    int ends[2];
    pthread_t thread;
    CHECK_EQ(pipe(ends), 0); /* takes some tens of kibibytes at a time */
    int64_t read_there = ends[0];
    REQUIRE_EQ(pthread_create(&thread, NULL, drain, &read_there), 0);
    rondel_file file = rondel_file_open_fd(loop, ends[1]);
    CHECK_EQ(result_of(rondel_file_write(file, bytes, LENGTH, RONDEL_POSITION, RONDEL_FUTURE)), LENGTH);
    CHECK_EQ(result_of(rondel_file_writev(file, pieces, 3, RONDEL_POSITION, RONDEL_FUTURE)), LENGTH + 1076);
    close_now(file);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(read_there, 2 * LENGTH + 1076);
    free(bytes);
    files_end(loop);
}

TEST(fstat_tells_what_is_so) {
    rondel_loop loop = files_begin();
    rondel_stat about;
    struct stat truth;
    put_file("a", "12345");
    rondel_file file = open_now(loop, "a", READ);
    memset(&about, 0xff, sizeof about);
    CHECK_EQ(result_of(rondel_file_fstat(file, &about, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat(in_folder("a"), &truth), 0);
    CHECK_EQ(about.type, RONDEL_FILE_REGULAR);
    CHECK_EQ(about.mode, truth.st_mode);
    CHECK_EQ(about.size, 5);
    CHECK_EQ(about.ino, truth.st_ino);
    CHECK_EQ(about.dev, truth.st_dev);
    CHECK_EQ(about.nlink, 1);
    CHECK_EQ(about.uid, getuid());
    CHECK_EQ(about.gid, truth.st_gid);
    CHECK_EQ(about.blocks, truth.st_blocks);
    CHECK_EQ(about.blksize, truth.st_blksize);
    CHECK_EQ(about.mtime, truth.st_mtim.tv_sec * RONDEL_SECOND + truth.st_mtim.tv_nsec);
    CHECK_EQ(about.atime, truth.st_atim.tv_sec * RONDEL_SECOND + truth.st_atim.tv_nsec);
    CHECK_EQ(about.ctime, truth.st_ctim.tv_sec * RONDEL_SECOND + truth.st_ctim.tv_nsec);
    CHECK(about.birthtime == RONDEL_TIME_OMIT || (about.birthtime > 0 && about.birthtime <= about.ctime));
    for (int i = 0; i < 5; i++) CHECK_EQ(about.reserved[i], 0);
    close_now(file);
    files_end(loop);
}

TEST(truncate_cuts_off_and_fills_up_with_zeros) {
    rondel_loop loop = files_begin();
    char got[8] = "";
    put_file("a", "12345");
    rondel_file file = open_now(loop, "a", READ | WRITE);
    CHECK_EQ(result_of(rondel_file_truncate(file, 2, RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("a"), "12");
    CHECK_EQ(result_of(rondel_file_truncate(file, 6, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_read(file, got, 8, 0, RONDEL_FUTURE)), 6);
    CHECK_EQ(memcmp(got, "12\0\0\0\0", 6), 0);
    CHECK_EQ(rondel_file_truncate(file, -1, RONDEL_FUTURE), RONDEL_EINVAL);
    close_now(file);
    file = open_now(loop, "a", READ);
    CHECK_EQ(result_of(rondel_file_truncate(file, 0, RONDEL_FUTURE)), RONDEL_EINVAL); /* not open to write */
    CHECK_EQ(size_of_file("a"), 6);
    close_now(file);
    files_end(loop);
}

TEST(sync_brings_what_was_written_to_the_disk) {
    rondel_loop loop = files_begin();
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    CHECK_EQ(result_of(rondel_file_write(file, "x", 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(result_of(rondel_file_datasync(file, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_sync(file, RONDEL_FUTURE)), 0);
    close_now(file);
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    file = rondel_file_open_fd(loop, ends[1]);
    CHECK_EQ(result_of(rondel_file_sync(file, RONDEL_FUTURE)), RONDEL_EINVAL); /* a pipe has no disk */
    close_now(file);
    close(ends[0]);
    files_end(loop);
}

TEST(permissions_owner_and_times_are_set_through_an_open_file) {
    rondel_loop loop = files_begin();
    struct stat about;
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    CHECK_EQ(result_of(rondel_file_fchmod(file, 0640, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_fchown(file, -1, (int64_t)getgid(), RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_futime(file, 1500 * RONDEL_MS, -1500 * RONDEL_MS, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat(in_folder("a"), &about), 0);
    CHECK_EQ(about.st_mode & 07777, 0640);
    CHECK_EQ(about.st_gid, getgid());
    CHECK_EQ(about.st_atim.tv_sec, 1);
    CHECK_EQ(about.st_atim.tv_nsec, 500000000);
    CHECK_EQ(about.st_mtim.tv_sec, -2); /* before 1970 */
    CHECK_EQ(about.st_mtim.tv_nsec, 500000000);
    CHECK_EQ(rondel_file_fchmod(file, 010000, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_fchmod(file, -1, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_fchown(file, -2, -1, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_fchown(file, -1, INT64_C(1) << 32, RONDEL_FUTURE), RONDEL_EINVAL);
    close_now(file);
    files_end(loop);
}

TEST(the_farthest_offsets_are_answered_by_the_system) {
    rondel_loop loop = files_begin();
    char byte = 'x';
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    const int64_t far[] = {INT64_MAX, INT64_MAX - 1};
    for (int i = 0; i < 2; i++) {
        int64_t result = result_of(rondel_file_write(file, &byte, 1, far[i], RONDEL_FUTURE));
        CHECK(result == RONDEL_EFBIG || result == RONDEL_EINVAL);
        result = result_of(rondel_file_read(file, &byte, 1, far[i], RONDEL_FUTURE));
        CHECK(result == 0 || result == RONDEL_EINVAL);
    }
    int64_t hole = INT64_C(5) << 32; /* beyond what 32 bits count */
    CHECK_EQ(result_of(rondel_file_write(file, "far", 3, hole, RONDEL_FUTURE)), 3);
    CHECK_EQ(size_of_file("a"), hole + 3);
    char got[4] = "";
    CHECK_EQ(result_of(rondel_file_read(file, got, 4, hole, RONDEL_FUTURE)), 3);
    CHECK_STR(got, "far");
    close_now(file);
    files_end(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    char byte = 'x';
    const char *path = in_folder("a");
    const int bad_flags[] = {0, CREATE, WRITE | RONDEL_OPEN_EXCLUSIVE, READ | RONDEL_OPEN_TRUNCATE, READ | 512, -1,
                             INT32_MIN, RONDEL_OPEN_SYNC};
    for (size_t i = 0; i < sizeof bad_flags / sizeof *bad_flags; i++)
        CHECK_EQ(rondel_file_open(loop, path, bad_flags[i], 0644, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_open(loop, NULL, READ, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_open(loop, path, WRITE | CREATE, 010000, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_open(loop, path, WRITE | CREATE, -1, see, &seen), RONDEL_EINVAL);
    rondel_file file = open_now(loop, "a", READ | WRITE | CREATE);
    CHECK_EQ(rondel_file_read(file, NULL, 1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_read(file, &byte, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_read(file, &byte, (size_t)-1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_read(file, &byte, 1, -2, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_read(file, &byte, 1, INT64_MIN, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_write(file, NULL, 1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_write(file, &byte, (size_t)-1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_write(file, &byte, 1, -2, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_readv(file, NULL, 1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_readv(file, NULL, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_writev(file, NULL, 1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_writev(file, NULL, (size_t)-1, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_fstat(file, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(size_of_file("a"), 0);
    close_now(file);
    CHECK_EQ(seen.calls, 0);
    files_end(loop);
}

static void read_then_close(rondel_handle future, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    rondel_file file = rondel_future_origin(future);
    CHECK_EQ(result, 1);
    CHECK_EQ(rondel_kind(file), RONDEL_KIND_FILE);
    CHECK_EQ(rondel_close(file), 0);
    seen->calls++;
}

TEST(operations_tell_by_functions_too) {
    rondel_loop loop = files_begin();
    struct seen opened = {0, 0, 0}, got = {0, 0, 0};
    char byte = 0;
    put_file("a", "x");
    CHECK(rondel_file_open(loop, in_folder("a"), READ, 0, see, &opened) > 0);
    CHECK_EQ(opened.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(opened.calls, 1);
    CHECK(rondel_file_read(opened.result, &byte, 1, 0, read_then_close, &got) > 0);
    CHECK_EQ(got.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(got.calls, 1);
    CHECK_EQ(byte, 'x');
    files_end(loop);
}

static int64_t copy_in_a_task(void *arg) {
    rondel_loop loop = *(rondel_loop *)arg;
    char bytes[4];
    int64_t n, all = 0;
    rondel_file from = rondel_await(rondel_file_open(loop, in_folder("a"), READ, 0, RONDEL_FUTURE));
    rondel_file to = rondel_await(rondel_file_open(loop, in_folder("b"), WRITE | CREATE, 0644, RONDEL_FUTURE));
    while ((n = rondel_await(rondel_file_read(from, bytes, 4, RONDEL_POSITION, RONDEL_FUTURE))) > 0)
        all += rondel_await(rondel_file_write(to, bytes, (size_t)n, RONDEL_POSITION, RONDEL_FUTURE));
    CHECK_EQ(rondel_await(rondel_file_close(from, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_await(rondel_file_close(to, RONDEL_FUTURE)), 0);
    return n < 0 ? n : all;
}

TEST(a_task_awaits_them) {
    rondel_loop loop = files_begin();
    put_file("a", "0123456789");
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, copy_in_a_task, &loop)), 10);
    CHECK_STR(file_text("b"), "0123456789");
    files_end(loop);
}

TEST(they_are_handed_out_to_who_pulls) {
    rondel_loop loop = files_begin();
    rondel_completion out[4];
    int mark;
    put_file("a", "x");
    CHECK(rondel_file_open(loop, in_folder("a"), READ, 0, rondel_enqueue, &mark) > 0);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK(out[0].user_data == &mark);
    rondel_file file = out[0].result;
    CHECK_EQ(rondel_kind(file), RONDEL_KIND_FILE);
    CHECK(rondel_file_close(file, rondel_enqueue, &mark) > 0);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].result, 0);
    CHECK_EQ(rondel_next(loop, out, 4, 0), 0);
    files_end(loop);
}

TEST_MAIN(RUN(what_was_written_is_read_again), RUN(an_offset_leaves_the_position_where_it_is),
          RUN(appending_writes_at_the_end_in_the_order_of_the_calls),
          RUN(what_is_at_the_position_runs_in_the_order_of_the_calls), RUN(many_at_offsets_run_side_by_side),
          RUN(several_pieces_are_one_read_or_write), RUN(more_than_the_system_takes_at_once_is_written_whole),
          RUN(what_is_taken_in_parts_is_written_whole), RUN(fstat_tells_what_is_so),
          RUN(truncate_cuts_off_and_fills_up_with_zeros), RUN(sync_brings_what_was_written_to_the_disk),
          RUN(permissions_owner_and_times_are_set_through_an_open_file),
          RUN(the_farthest_offsets_are_answered_by_the_system), RUN(what_makes_no_sense_is_refused),
          RUN(operations_tell_by_functions_too), RUN(a_task_awaits_them), RUN(they_are_handed_out_to_who_pulls))
