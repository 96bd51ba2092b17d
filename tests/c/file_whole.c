/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Whole files: read at once, replaced at once so that nobody sees half of one, and copied. */
#include "support/test.h"

#include "support/child.h"
#include "support/files.h"
#include "support/steps.h"

#include <sys/resource.h>

/* What a slurp of a path gives, checked against what should be there; its result. */
static int64_t slurp(rondel_loop loop, const char *path, int64_t most, const char *expected, size_t length) {
    const uint8_t *bytes = NULL;
    rondel_future future = rondel_file_slurp(loop, path, most, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    int64_t result = rondel_future_result(future);
    if (result >= 0) {
        CHECK_EQ(rondel_future_bytes(future, &bytes), result);
        CHECK_EQ(bytes[result], 0);
        CHECK_EQ(result, length);
        CHECK_EQ(memcmp(bytes, expected, length), 0);
    }
    CHECK_EQ(rondel_release(future), 0);
    return result;
}

static int64_t spew(rondel_loop loop, const char *name, const char *text, int mode) {
    return result_of(rondel_file_spew(loop, in_folder(name), text, strlen(text), mode, RONDEL_FUTURE));
}

static int mode_of(const char *name) {
    struct stat about;
    return stat(in_folder(name), &about) == 0 ? (int)(about.st_mode & 07777) : -1;
}

TEST(slurp_reads_all_of_it) {
    rondel_loop loop = files_begin();
    put_file("a", "some text"), put_file("empty", "");
    CHECK_EQ(slurp(loop, in_folder("a"), 0, "some text", 9), 9);
    CHECK_EQ(slurp(loop, in_folder("empty"), 0, "", 0), 0);
    CHECK_EQ(slurp(loop, in_folder("none"), 0, "", 0), RONDEL_ENOENT);
    CHECK_EQ(slurp(loop, files_folder, 0, "", 0), RONDEL_EISDIR);
    size_t length = (size_t)test_scale(20 << 20, 1 << 20) + 4321;
    char *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) bytes[i] = (char)(i * 7 + i / 1000);
    int fd = open(in_folder("big"), O_WRONLY | O_CREAT, 0644);
    CHECK_EQ(write(fd, bytes, length), length);
    close(fd);
    CHECK_EQ(slurp(loop, in_folder("big"), 0, bytes, length), length);
    free(bytes);
    files_end(loop);
}

TEST(slurp_keeps_to_the_limit) {
    rondel_loop loop = files_begin();
    put_file("a", "12345");
    CHECK_EQ(slurp(loop, in_folder("a"), 5, "12345", 5), 5);
    CHECK_EQ(slurp(loop, in_folder("a"), 4, "", 0), RONDEL_EFBIG);
    CHECK_EQ(slurp(loop, in_folder("a"), INT64_MAX, "12345", 5), 5);
    CHECK_EQ(rondel_file_slurp(loop, in_folder("a"), -1, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_slurp(loop, NULL, 0, RONDEL_FUTURE), RONDEL_EINVAL);
    if (access("/dev/zero", R_OK) == 0) CHECK_EQ(slurp(loop, "/dev/zero", 1 << 20, "", 0), RONDEL_EFBIG); /* has no end */
    CHECK_EQ(truncate(in_folder("a"), INT64_C(1) << 42), 0); /* a hole, longer than memory */
    CHECK_EQ(slurp(loop, in_folder("a"), 1 << 20, "", 0), RONDEL_EFBIG);
    files_end(loop);
}

TEST(slurp_reads_what_has_no_size) {
    char truth[4096] = "";
    rondel_loop loop = files_begin();
    int fd = open("/proc/version", O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, truth, sizeof truth);
    if (fd >= 0) close(fd);
    if (length > 0) CHECK_EQ(slurp(loop, "/proc/version", 0, truth, (size_t)length), length);
    CHECK_EQ(slurp(loop, "/dev/null", 0, "", 0), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(slurp(loop, in_folder("fifo"), 0, "", 0), 0); /* nobody writes, and nobody is waited for */
    files_end(loop);
}

TEST(a_slurp_can_be_given_up) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    int fd = open(in_folder("a"), O_WRONLY | O_CREAT, 0644);
    CHECK_EQ(ftruncate(fd, test_scale(INT64_C(1) << 30, 64 << 20)), 0);
    close(fd);
    rondel_future future = rondel_file_slurp(loop, in_folder("a"), 0, see, &seen);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) > 0) sched_yield();
    CHECK_EQ(rondel_cancel(future), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    files_end(loop);
}

TEST(spew_makes_and_replaces) {
    rondel_loop loop = files_begin();
    umask(027);
    CHECK_EQ(spew(loop, "a", "first", 0666), 5);
    CHECK_STR(file_text("a"), "first");
    CHECK_EQ(mode_of("a"), 0640);
    CHECK_EQ(chmod(in_folder("a"), 0604), 0);
    CHECK_EQ(spew(loop, "a", "the second", 0600), 10);
    CHECK_STR(file_text("a"), "the second");
    CHECK_EQ(mode_of("a"), 0604); /* as it was */
    CHECK_EQ(spew(loop, "a", "", 0600), 0);
    CHECK_EQ(size_of_file("a"), 0);
    CHECK_EQ(result_of(rondel_file_spew(loop, in_folder("b"), NULL, 0, 0600, RONDEL_FUTURE)), 0);
    CHECK_EQ(size_of_file("b"), 0);
    CHECK_EQ(names_in(files_folder), 2);
    files_end(loop);
}

TEST(spew_keeps_the_owner_of_what_it_replaces) {
    rondel_loop loop = files_begin();
    struct stat about;
    put_file("a", "x");
    if (chown(in_folder("a"), 12345, 54321) != 0) {
        files_end(loop);
        SKIP("only root can give files away");
    }
    CHECK_EQ(chmod(in_folder("a"), 04711), 0);
    CHECK_EQ(spew(loop, "a", "y", 0600), 1);
    CHECK_EQ(stat(in_folder("a"), &about), 0);
    CHECK_EQ(about.st_uid, 12345);
    CHECK_EQ(about.st_gid, 54321);
    CHECK_EQ(about.st_mode & 07777, 04711);
    files_end(loop);
}

TEST(spew_goes_through_links_and_keeps_them) {
    rondel_loop loop = files_begin();
    struct stat about;
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    put_file("folder/a", "old");
    CHECK_EQ(symlink("folder/link", in_folder("link")), 0);
    CHECK_EQ(symlink("a", in_folder("folder/link")), 0);
    CHECK_EQ(spew(loop, "link", "new", 0600), 3);
    CHECK_STR(file_text("folder/a"), "new");
    CHECK_EQ(lstat(in_folder("link"), &about), 0);
    CHECK(S_ISLNK(about.st_mode));
    CHECK_EQ(symlink("made", in_folder("dangling")), 0);
    CHECK_EQ(spew(loop, "dangling", "new", 0600), 3);
    CHECK_STR(file_text("made"), "new");
    CHECK_EQ(symlink("circle", in_folder("circle")), 0);
    CHECK_EQ(spew(loop, "circle", "new", 0600), RONDEL_ELOOP);
    files_end(loop);
}

TEST(spew_replaces_nothing_but_files) {
    rondel_loop loop = files_begin();
    struct stat about;
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(spew(loop, "folder", "x", 0600), RONDEL_EISDIR);
    CHECK_EQ(spew(loop, "folder/.", "x", 0600), RONDEL_EISDIR);
    CHECK_EQ(spew(loop, "folder/..", "x", 0600), RONDEL_EISDIR);
    CHECK_EQ(spew(loop, "new/", "x", 0600), RONDEL_EISDIR);
    CHECK_EQ(spew(loop, "fifo", "x", 0600), RONDEL_EINVAL);
    CHECK_EQ(result_of(rondel_file_spew(loop, "/dev/null", "x", 1, 0600, RONDEL_FUTURE)), RONDEL_EINVAL);
    CHECK_EQ(stat("/dev/null", &about), 0);
    CHECK(S_ISCHR(about.st_mode));
    CHECK_EQ(spew(loop, "none/a", "x", 0600), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_spew(loop, "", "x", 1, 0600, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(names_in(files_folder), 2);
    CHECK_EQ(names_in(in_folder("folder")), 0);
    files_end(loop);
}

TEST(a_spew_that_fails_leaves_the_old_file_and_nothing_else) {
    rondel_loop loop = files_begin();
    struct rlimit before, small;
    put_file("a", "old");
    char *bytes = calloc(1, 1 << 20);
    CHECK_EQ(signal(SIGXFSZ, SIG_IGN) != SIG_ERR, 1);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000; /* as a full disk */
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    int64_t result = result_of(rondel_file_spew(loop, in_folder("a"), bytes, 1 << 20, 0600, RONDEL_FUTURE));
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    CHECK_EQ(result, RONDEL_EFBIG);
    CHECK_STR(file_text("a"), "old");
    CHECK_EQ(names_in(files_folder), 1);
    free(bytes);
    files_end(loop);
}

TEST(a_spew_given_up_at_any_moment_leaves_the_old_or_the_new) {
    size_t length = (size_t)test_scale(32 << 20, 1 << 20);
    rondel_loop loop = files_begin();
    uint64_t random = 88172645463325252u;
    char *bytes = malloc(length);
    memset(bytes, 'n', length);
    for (int64_t i = test_scale(60, 5); i > 0; i--) {
        struct seen seen = {0, 0, 0};
        put_file("a", "old");
        rondel_future future = rondel_file_spew(loop, in_folder("a"), bytes, length, 0600, see, &seen);
        busy_for((int64_t)(next_random(&random) % 30000000));
        CHECK_EQ(rondel_cancel(future), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, RONDEL_ECANCELED);
        if (size_of_file("a") == 3)
            CHECK_STR(file_text("a"), "old");
        else
            CHECK_EQ(slurp(loop, in_folder("a"), 0, bytes, length), length);
        CHECK_EQ(names_in(files_folder), 1);
    }
    free(bytes);
    files_end(loop);
}

/* Of a cancel before it begins, and one after it is done that comes before the loop knows. */
TEST(what_a_cancel_leaves_of_a_spew_and_a_copy_depends_on_its_time) {
    rondel_loop loop = files_begin();
    struct busy busy;
    struct seen spewed = {0, 0, 0}, copied = {0, 0, 0};
    put_file("a", "old");
    busy_begin(&busy, loop);
    rondel_future spew = rondel_file_spew(loop, in_folder("a"), "new", 3, 0600, see, &spewed);
    rondel_future copy = rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, see, &copied);
    CHECK_EQ(rondel_cancel(spew), 0);
    CHECK_EQ(rondel_cancel(copy), 0);
    busy_let_go(&busy);
    busy_end(&busy);
    CHECK_EQ(spewed.calls + copied.calls, 2);
    CHECK_STR(file_text("a"), "old");
    CHECK_EQ(names_in(files_folder), 1);
    int64_t done = done_so_far();
    spew = rondel_file_spew(loop, in_folder("a"), "new", 3, 0600, see, &spewed);
    wait_for_done(done + 1);
    copy = rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, see, &copied);
    wait_for_done(done + 2);
    CHECK_EQ(rondel_cancel(spew), 0);
    CHECK_EQ(rondel_cancel(copy), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(spewed.calls + copied.calls, 4);
    CHECK_EQ(spewed.result, RONDEL_ECANCELED);
    CHECK_EQ(copied.result, RONDEL_ECANCELED);
    CHECK_STR(file_text("a"), "new");
    CHECK_STR(file_text("b"), "new");
    CHECK_EQ(names_in(files_folder), 2);
    files_end(loop);
}

TEST(a_copy_given_up_at_any_moment_is_whole_or_gone) {
    size_t length = (size_t)test_scale(64 << 20, 1 << 20);
    rondel_loop loop = files_begin();
    uint64_t random = 0x9e3779b97f4a7c15u;
    char *bytes = malloc(length);
    memset(bytes, 'c', length);
    CHECK_EQ(result_of(rondel_file_spew(loop, in_folder("a"), bytes, length, 0600, RONDEL_FUTURE)), length);
    for (int64_t i = test_scale(60, 5); i > 0; i--) {
        struct seen seen = {0, 0, 0};
        rondel_future future = rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, see, &seen);
        busy_for((int64_t)(next_random(&random) % 40000000));
        CHECK_EQ(rondel_cancel(future), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, RONDEL_ECANCELED);
        if (size_of_file("b") == -ENOENT) continue;
        CHECK_EQ(slurp(loop, in_folder("b"), 0, bytes, length), length);
        CHECK_EQ(unlink(in_folder("b")), 0);
    }
    free(bytes);
    files_end(loop);
}

/* Replaces the file again and again by one of another letter, each a number of bytes that the letter tells. */
static int spew_for_ever(void *arg) {
    static char bytes[26 * 40000];
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    for (int i = 0;; i = (i + 1) % 26) {
        size_t length = (size_t)(i + 1) * 40000;
        memset(bytes, 'a' + i, length);
        if (result_of(rondel_file_spew(loop, in_folder("a"), bytes, length, 0600, RONDEL_FUTURE)) < 0) return 1;
        if (i == 1 && write(1, "begun\n", 6) != 6) return 2;
    }
    return 0;
}

TEST(a_program_killed_in_a_spew_leaves_a_whole_file) {
    static struct child child;
    static char bytes[26 * 40000 + 1];
    uint64_t random = 0x9e3779b97f4a7c15u;
    CHECK_EQ(rondel_loop_free(files_begin()), 0); /* the child has its own */
    for (int64_t i = test_scale(40, 3); i > 0; i--) {
        struct timespec moment = {0, (long)(next_random(&random) % 20000000)};
        child_start(&child, spew_for_ever, NULL);
        child_wait_for(&child, "begun");
        nanosleep(&moment, NULL); /* any moment will do */
        CHECK_EQ(kill(child.pid, SIGKILL), 0);
        child_end(&child);
        int fd = open(in_folder("a"), O_RDONLY);
        ssize_t length = read(fd, bytes, sizeof bytes);
        close(fd);
        CHECK(length > 0);
        CHECK_EQ(length, (bytes[0] - 'a' + 1) * 40000);
        for (ssize_t at = 0; at < length; at++)
            if (bytes[at] != bytes[0]) {
                CHECK_EQ(at, length); /* the place where another file goes on */
                break;
            }
    }
    files_remove_all(files_folder);
}

TEST(copy_copies_bytes_and_permissions) {
    rondel_loop loop = files_begin();
    put_file("a", "some text"), put_file("empty", "");
    CHECK_EQ(chmod(in_folder("a"), 0754), 0);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, RONDEL_FUTURE)), 9);
    CHECK_STR(file_text("b"), "some text");
    CHECK_EQ(mode_of("b"), 0754);
    put_file("c", "something much longer that was there before");
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("c"), 0, RONDEL_FUTURE)), 9);
    CHECK_STR(file_text("c"), "some text");
    CHECK_EQ(mode_of("c"), 0754);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("empty"), in_folder("c"), 0, RONDEL_FUTURE)), 0);
    CHECK_EQ(size_of_file("c"), 0);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("b"), RONDEL_COPY_EXCLUSIVE, RONDEL_FUTURE)),
             RONDEL_EEXIST);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("d"), RONDEL_COPY_EXCLUSIVE, RONDEL_FUTURE)), 9);
    files_end(loop);
}

TEST(a_large_copy_is_whole) {
    size_t length = (size_t)test_scale(40 << 20, 1 << 20) + 777;
    rondel_loop loop = files_begin();
    char *bytes = malloc(length);
    for (size_t i = 0; i < length; i++) bytes[i] = (char)(i * 11 + i / 4099);
    CHECK_EQ(result_of(rondel_file_spew(loop, in_folder("a"), bytes, length, 0600, RONDEL_FUTURE)), length);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, RONDEL_FUTURE)), length);
    CHECK_EQ(slurp(loop, in_folder("b"), 0, bytes, length), length);
    int64_t cloned = result_of(rondel_file_copy(loop, in_folder("a"), in_folder("c"), RONDEL_COPY_CLONE, RONDEL_FUTURE));
    if (cloned == (int64_t)length)
        CHECK_EQ(slurp(loop, in_folder("c"), 0, bytes, length), length);
    else
        CHECK(cloned == RONDEL_EOPNOTSUPP || cloned == RONDEL_EINVAL || cloned == RONDEL_ENOTTY || cloned == RONDEL_EXDEV);
    CHECK_EQ(size_of_file("c"), cloned < 0 ? -ENOENT : cloned);
    free(bytes);
    files_end(loop);
}

TEST(a_file_is_not_copied_onto_itself) {
    rondel_loop loop = files_begin();
    put_file("a", "text");
    CHECK_EQ(link(in_folder("a"), in_folder("hard")), 0);
    CHECK_EQ(symlink("a", in_folder("soft")), 0);
    const char *const names[] = {"a", "hard", "soft"};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder(names[i]), 0, RONDEL_FUTURE)), RONDEL_EINVAL);
    CHECK_STR(file_text("a"), "text");
    files_end(loop);
}

TEST(a_copy_that_fails_leaves_nothing_behind) {
    rondel_loop loop = files_begin();
    struct rlimit before, small;
    put_file("a", "text");
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("none"), in_folder("b"), 0, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("folder"), in_folder("b"), 0, RONDEL_FUTURE)), RONDEL_EISDIR);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("fifo"), in_folder("b"), 0, RONDEL_FUTURE)), RONDEL_EINVAL);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("folder"), 0, RONDEL_FUTURE)), RONDEL_EISDIR);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), in_folder("none/b"), 0, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_copy(loop, in_folder("a"), "/dev/full", 0, RONDEL_FUTURE)), RONDEL_ENOSPC);
    CHECK_EQ(truncate(in_folder("a"), 1 << 20), 0);
    CHECK_EQ(signal(SIGXFSZ, SIG_IGN) != SIG_ERR, 1);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    int64_t result = result_of(rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, RONDEL_FUTURE));
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(result == RONDEL_EFBIG || result == 1 << 20); /* shared blocks take no room */
    CHECK_EQ(names_in(files_folder), result < 0 ? 3 : 4);
    files_end(loop);
}

TEST(what_is_made_as_it_is_read_is_copied) {
    rondel_loop loop = files_begin();
    if (access("/proc/version", R_OK) != 0) {
        files_end(loop);
        SKIP("no /proc");
    }
    CHECK(result_of(rondel_file_copy(loop, "/proc/version", in_folder("a"), 0, RONDEL_FUTURE)) > 0);
    CHECK(strstr(file_text("a"), "ersion") != NULL);
    files_end(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    const char *path = in_folder("a");
    CHECK_EQ(rondel_file_spew(loop, NULL, "x", 1, 0600, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_spew(loop, path, NULL, 1, 0600, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_spew(loop, path, "x", (size_t)-1, 0600, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_spew(loop, path, "x", 1, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_spew(loop, path, "x", 1, 010000, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_copy(loop, NULL, path, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_copy(loop, path, NULL, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_copy(loop, path, path, 4, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_copy(loop, path, path, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(names_in(files_folder), 0);
    files_end(loop);
}

TEST_MAIN(RUN(slurp_reads_all_of_it), RUN(slurp_keeps_to_the_limit), RUN(slurp_reads_what_has_no_size),
          RUN(a_slurp_can_be_given_up), RUN(spew_makes_and_replaces), RUN(spew_keeps_the_owner_of_what_it_replaces),
          RUN(spew_goes_through_links_and_keeps_them), RUN(spew_replaces_nothing_but_files),
          RUN(a_spew_that_fails_leaves_the_old_file_and_nothing_else),
          RUN(a_spew_given_up_at_any_moment_leaves_the_old_or_the_new),
          RUN(what_a_cancel_leaves_of_a_spew_and_a_copy_depends_on_its_time),
          RUN(a_copy_given_up_at_any_moment_is_whole_or_gone),
          RUN(a_program_killed_in_a_spew_leaves_a_whole_file), RUN(copy_copies_bytes_and_permissions),
          RUN(a_large_copy_is_whole), RUN(a_file_is_not_copied_onto_itself),
          RUN(a_copy_that_fails_leaves_nothing_behind), RUN(what_is_made_as_it_is_read_is_copied),
          RUN(what_makes_no_sense_is_refused))
