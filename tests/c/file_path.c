/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files by their paths: what is known of them, names, links, permissions, times. */
#include "support/test.h"

#include "support/files.h"

#include <limits.h>
#include <sys/statvfs.h>

/* The bytes of a future that is done, as a C string of its own; takes the future. */
static const char *text_of(rondel_future future) {
    static char texts[4][4096];
    static int next;
    char *text = texts[next++ % 4];
    const uint8_t *bytes = NULL;
    rondel_loop loop = rondel_loop_of(future);
    CHECK_EQ(rondel_retain(future), 0);
    int64_t result = rondel_run_until(loop, future);
    snprintf(text, sizeof texts[0], "%s", rondel_error_name(result));
    if (result >= 0) {
        CHECK_EQ(rondel_future_bytes(future, &bytes), result);
        CHECK_EQ(bytes[result], 0); /* so that it is a C string */
        snprintf(text, sizeof texts[0], "%s", (const char *)bytes);
    }
    CHECK_EQ(rondel_release(future), 0);
    return text;
}

static rondel_stat stat_now(rondel_loop loop, const char *path) {
    rondel_stat about;
    memset(&about, 0, sizeof about);
    CHECK_EQ(result_of(rondel_file_stat(loop, path, &about, RONDEL_FUTURE)), 0);
    return about;
}

static int64_t in_ns(struct timespec time) { return time.tv_sec * RONDEL_SECOND + time.tv_nsec; }

TEST(stat_tells_what_is_so_of_everything) {
    if (ON_QEMU) SKIP("qemu puts a folder of its own in the place of /");
    rondel_loop loop = files_begin();
    rondel_stat about;
    put_file("file", "12345");
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(symlink("file", in_folder("link")), 0);
    const char *const paths[] = {in_folder("file"), in_folder("folder"), in_folder("fifo"), in_folder("link"),
                                 "/dev/null", "/"};
    const int64_t types[] = {RONDEL_FILE_REGULAR, RONDEL_FILE_FOLDER, RONDEL_FILE_FIFO, RONDEL_FILE_LINK,
                             RONDEL_FILE_CHARACTER, RONDEL_FILE_FOLDER};
    for (int i = 0; i < 6; i++) {
        struct stat truth;
        CHECK_EQ(lstat(paths[i], &truth), 0);
        memset(&about, 0xff, sizeof about);
        CHECK_EQ(result_of(rondel_file_lstat(loop, paths[i], &about, RONDEL_FUTURE)), 0);
        CHECK_EQ(about.type, types[i]);
        CHECK_EQ(about.mode, truth.st_mode);
        CHECK_EQ(about.size, truth.st_size);
        CHECK_EQ(about.dev, truth.st_dev);
        CHECK_EQ(about.ino, truth.st_ino);
        CHECK_EQ(about.nlink, truth.st_nlink);
        CHECK_EQ(about.uid, truth.st_uid);
        CHECK_EQ(about.gid, truth.st_gid);
        CHECK_EQ(about.rdev, truth.st_rdev);
        CHECK_EQ(about.blksize, truth.st_blksize);
        CHECK_EQ(about.blocks, truth.st_blocks);
        CHECK_EQ(about.atime, in_ns(truth.st_atim));
        CHECK_EQ(about.mtime, in_ns(truth.st_mtim));
        CHECK_EQ(about.ctime, in_ns(truth.st_ctim));
    }
    CHECK_EQ(stat_now(loop, in_folder("link")).type, RONDEL_FILE_REGULAR); /* followed */
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("none"), &about, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("file/x"), &about, RONDEL_FUTURE)), RONDEL_ENOTDIR);
    CHECK_EQ(symlink("none", in_folder("dangling")), 0);
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("dangling"), &about, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_lstat(loop, in_folder("dangling"), &about, RONDEL_FUTURE)), 0);
    files_end(loop);
}

TEST(a_failed_stat_leaves_the_place_alone) {
    rondel_loop loop = files_begin();
    rondel_stat about;
    memset(&about, 0x11, sizeof about);
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("none"), &about, RONDEL_FUTURE)), RONDEL_ENOENT);
    for (size_t i = 0; i < sizeof about; i++) CHECK_EQ(((unsigned char *)&about)[i], 0x11);
    files_end(loop);
}

TEST(a_path_may_die_as_soon_as_the_call_returns) {
    rondel_loop loop = files_begin();
    rondel_stat about;
    char path[512];
    put_file("a", "12345");
    snprintf(path, sizeof path, "%s", in_folder("a"));
    rondel_future stat = rondel_file_stat(loop, path, &about, RONDEL_FUTURE);
    memset(path, '?', sizeof path);
    CHECK_EQ(result_of(stat), 0);
    CHECK_EQ(about.size, 5);
    files_end(loop);
}

TEST(names_are_any_bytes) {
    rondel_loop loop = files_begin();
    rondel_stat about;
    const char *const names[] = {"with space", "\xff\xfe not utf-8", "new\nline", "-rf", "\xc3\xa4\xf0\x9f\xa6\x80", "*?[",
                                 ".hidden", "ends.with.dot."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rondel_file file = open_now(loop, names[i], RONDEL_OPEN_WRITE | RONDEL_OPEN_CREATE);
        close_now(file);
        CHECK_EQ(result_of(rondel_file_stat(loop, in_folder(names[i]), &about, RONDEL_FUTURE)), 0);
        CHECK_EQ(symlink(names[i], in_folder("to")), 0);
        CHECK_STR(text_of(rondel_file_readlink(loop, in_folder("to"), RONDEL_FUTURE)), names[i]);
        CHECK(strstr(text_of(rondel_file_realpath(loop, in_folder("to"), RONDEL_FUTURE)), names[i]) != NULL);
        CHECK_EQ(unlink(in_folder("to")), 0);
    }
    char longest[256];
    memset(longest, 'n', 255);
    longest[255] = 0;
    close_now(open_now(loop, longest, RONDEL_OPEN_WRITE | RONDEL_OPEN_CREATE));
    files_end(loop);
}

TEST(unlink_removes_a_name) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(symlink("folder", in_folder("link")), 0);
    CHECK_EQ(result_of(rondel_file_unlink(loop, in_folder("a"), RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_unlink(loop, in_folder("a"), RONDEL_FUTURE)), RONDEL_ENOENT);
    int64_t folder = result_of(rondel_file_unlink(loop, in_folder("folder"), RONDEL_FUTURE));
    CHECK(folder == RONDEL_EISDIR || folder == RONDEL_EPERM);
    CHECK_EQ(result_of(rondel_file_unlink(loop, in_folder("link"), RONDEL_FUTURE)), 0);
    CHECK_EQ(names_in(files_folder), 1);
    files_end(loop);
}

TEST(rename_moves_and_replaces) {
    rondel_loop loop = files_begin();
    put_file("a", "a"), put_file("b", "b");
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(result_of(rondel_file_rename(loop, in_folder("a"), in_folder("b"), RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("b"), "a");
    CHECK_EQ(result_of(rondel_file_rename(loop, in_folder("b"), in_folder("folder/c"), RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("folder/c"), "a");
    CHECK_EQ(result_of(rondel_file_rename(loop, in_folder("none"), in_folder("b"), RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(mkdir(in_folder("empty"), 0700), 0);
    CHECK_EQ(result_of(rondel_file_rename(loop, in_folder("folder/c"), in_folder("empty"), RONDEL_FUTURE)),
             RONDEL_EISDIR);
    CHECK_EQ(result_of(rondel_file_rename(loop, in_folder("folder"), in_folder("other"), RONDEL_FUTURE)), 0);
    CHECK_STR(file_text("other/c"), "a");
    files_end(loop);
}

TEST(links_of_both_kinds) {
    rondel_loop loop = files_begin();
    put_file("a", "text");
    CHECK_EQ(result_of(rondel_file_link(loop, in_folder("a"), in_folder("b"), RONDEL_FUTURE)), 0);
    CHECK_EQ(stat_now(loop, in_folder("a")).nlink, 2);
    CHECK_EQ(result_of(rondel_file_link(loop, in_folder("a"), in_folder("b"), RONDEL_FUTURE)), RONDEL_EEXIST);
    CHECK_EQ(result_of(rondel_file_link(loop, in_folder("none"), in_folder("c"), RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_symlink(loop, "a", in_folder("s"), 0, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_symlink(loop, "a", in_folder("s"), 0, RONDEL_FUTURE)), RONDEL_EEXIST);
    CHECK_STR(file_text("s"), "text");
    CHECK_EQ(result_of(rondel_file_symlink(loop, "no such", in_folder("t"), RONDEL_SYMLINK_FOLDER, RONDEL_FUTURE)), 0);
    CHECK_STR(text_of(rondel_file_readlink(loop, in_folder("t"), RONDEL_FUTURE)), "no such");
    CHECK_STR(text_of(rondel_file_readlink(loop, in_folder("a"), RONDEL_FUTURE)), "RONDEL_EINVAL");
    CHECK_STR(text_of(rondel_file_readlink(loop, in_folder("none"), RONDEL_FUTURE)), "RONDEL_ENOENT");
    files_end(loop);
}

TEST(a_long_link_is_read_whole) {
    rondel_loop loop = files_begin();
    char target[4001];
    memset(target, 'x', sizeof target - 1);
    target[sizeof target - 1] = 0;
    if (symlink(target, in_folder("long")) == 0)
        CHECK_STR(text_of(rondel_file_readlink(loop, in_folder("long"), RONDEL_FUTURE)), target);
    files_end(loop);
}

TEST(realpath_is_without_links_and_dots) {
    rondel_loop loop = files_begin();
    char truth[PATH_MAX];
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    put_file("folder/a", "x");
    CHECK_EQ(symlink("folder/./../folder", in_folder("link")), 0);
    CHECK(realpath(in_folder("folder/a"), truth) != NULL);
    CHECK_STR(text_of(rondel_file_realpath(loop, in_folder("link/../link//a"), RONDEL_FUTURE)), truth);
    CHECK_STR(text_of(rondel_file_realpath(loop, in_folder("none"), RONDEL_FUTURE)), "RONDEL_ENOENT");
    CHECK_STR(text_of(rondel_file_realpath(loop, "/", RONDEL_FUTURE)), "/");
    files_end(loop);
}

TEST(access_tells_what_this_user_may) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    CHECK_EQ(chmod(in_folder("a"), 0600), 0);
    const char *path = in_folder("a");
    CHECK_EQ(result_of(rondel_file_access(loop, path, 0, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_access(loop, path, RONDEL_ACCESS_READ | RONDEL_ACCESS_WRITE, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_access(loop, path, RONDEL_ACCESS_EXECUTE, RONDEL_FUTURE)), RONDEL_EACCES);
    CHECK_EQ(result_of(rondel_file_chmod(loop, path, 0100, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_access(loop, path, RONDEL_ACCESS_EXECUTE, RONDEL_FUTURE)), 0);
    if (getuid() != 0)
        CHECK_EQ(result_of(rondel_file_access(loop, path, RONDEL_ACCESS_READ, RONDEL_FUTURE)), RONDEL_EACCES);
    CHECK_EQ(result_of(rondel_file_access(loop, in_folder("none"), 0, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(rondel_file_access(loop, path, 8, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_access(loop, path, -1, RONDEL_FUTURE), RONDEL_EINVAL);
    files_end(loop);
}

TEST(permissions_and_owners_are_set) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    CHECK_EQ(symlink("a", in_folder("link")), 0);
    CHECK_EQ(symlink("none", in_folder("dangling")), 0);
    CHECK_EQ(result_of(rondel_file_chmod(loop, in_folder("link"), 0751, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat_now(loop, in_folder("a")).mode & 07777, 0751);
    CHECK_EQ(result_of(rondel_file_chmod(loop, in_folder("dangling"), 0700, RONDEL_FUTURE)), RONDEL_ENOENT);
    const int64_t uid = (int64_t)getuid(), gid = (int64_t)getgid();
    CHECK_EQ(result_of(rondel_file_chown(loop, in_folder("a"), uid, gid, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_chown(loop, in_folder("a"), -1, -1, RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_file_chown(loop, in_folder("dangling"), uid, gid, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_file_lchown(loop, in_folder("dangling"), uid, gid, RONDEL_FUTURE)), 0);
    if (uid == 0) {
        CHECK_EQ(result_of(rondel_file_chown(loop, in_folder("link"), 12345, 54321, RONDEL_FUTURE)), 0);
        CHECK_EQ(result_of(rondel_file_lchown(loop, in_folder("link"), 7, -1, RONDEL_FUTURE)), 0);
        rondel_stat about = stat_now(loop, in_folder("a"));
        CHECK_EQ(about.uid, 12345);
        CHECK_EQ(about.gid, 54321);
        CHECK_EQ(result_of(rondel_file_lstat(loop, in_folder("link"), &about, RONDEL_FUTURE)), 0);
        CHECK_EQ(about.uid, 7);
    } else {
        CHECK_EQ(result_of(rondel_file_chown(loop, in_folder("a"), 0, 0, RONDEL_FUTURE)), RONDEL_EPERM);
    }
    const int64_t bad[] = {-2, INT64_C(0xffffffff), INT64_C(1) << 32, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rondel_file_chown(loop, in_folder("a"), bad[i], -1, RONDEL_FUTURE), RONDEL_EINVAL);
        CHECK_EQ(rondel_file_lchown(loop, in_folder("a"), -1, bad[i], RONDEL_FUTURE), RONDEL_EINVAL);
    }
    CHECK_EQ(rondel_file_chmod(loop, in_folder("a"), 010000, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_chmod(loop, in_folder("a"), -1, RONDEL_FUTURE), RONDEL_EINVAL);
    files_end(loop);
}

TEST(times_are_set_to_the_nanosecond) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    CHECK_EQ(symlink("a", in_folder("link")), 0);
    const int64_t times[] = {0, 1, 1234567890123456789, -1, -1500 * RONDEL_MS, 999999999};
    const char *path = in_folder("a");
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(result_of(rondel_file_utime(loop, path, times[i], times[5 - i], RONDEL_FUTURE)), 0);
        rondel_stat about = stat_now(loop, path);
        CHECK_EQ(about.atime, times[i]);
        CHECK_EQ(about.mtime, times[5 - i]);
    }
    CHECK_EQ(result_of(rondel_file_utime(loop, path, 5, RONDEL_TIME_OMIT, RONDEL_FUTURE)), 0);
    rondel_stat about = stat_now(loop, path);
    CHECK_EQ(about.atime, 5);
    CHECK_EQ(about.mtime, times[0]);
    struct timespec before;
    put_file("now", "x"); /* what the file system takes for the present */
    CHECK_EQ(clock_gettime(CLOCK_REALTIME, &before), 0);
    CHECK_EQ(result_of(rondel_file_utime(loop, path, RONDEL_TIME_OMIT, RONDEL_TIME_NOW, RONDEL_FUTURE)), 0);
    about = stat_now(loop, path);
    CHECK_EQ(about.atime, 5);
    CHECK(about.mtime >= stat_now(loop, in_folder("now")).mtime);
    CHECK_EQ(result_of(rondel_file_lutime(loop, in_folder("link"), 7 * RONDEL_SECOND, 8 * RONDEL_SECOND, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat_now(loop, path).atime, 5);
    CHECK_EQ(result_of(rondel_file_lstat(loop, in_folder("link"), &about, RONDEL_FUTURE)), 0);
    CHECK_EQ(about.mtime, 8 * RONDEL_SECOND);
    CHECK_EQ(result_of(rondel_file_utime(loop, in_folder("none"), 0, 0, RONDEL_FUTURE)), RONDEL_ENOENT);
    files_end(loop);
}

TEST(a_birth_is_no_later_than_the_last_change) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    rondel_stat about = stat_now(loop, in_folder("a"));
    if (about.birthtime == RONDEL_TIME_OMIT) {
        files_end(loop);
        SKIP("no birth times here");
    }
    int64_t born = about.birthtime;
    CHECK(born <= about.ctime);
    CHECK_EQ(result_of(rondel_file_utime(loop, in_folder("a"), 0, 0, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat_now(loop, in_folder("a")).birthtime, born);
    files_end(loop);
}

TEST(statfs_tells_of_the_file_system) {
    rondel_loop loop = files_begin();
    rondel_statfs about;
    struct statvfs truth;
    memset(&about, 0xff, sizeof about);
    CHECK_EQ(result_of(rondel_file_statfs(loop, files_folder, &about, RONDEL_FUTURE)), 0);
    CHECK_EQ(statvfs(files_folder, &truth), 0);
    CHECK_EQ(about.block_size, truth.f_frsize);
    CHECK_EQ(about.blocks, truth.f_blocks);
    CHECK_EQ(about.files, truth.f_files);
    CHECK_EQ(about.name_max, truth.f_namemax);
    CHECK(about.blocks_free <= about.blocks);
    CHECK(about.blocks_available <= about.blocks_free);
    CHECK(about.files_free <= about.files);
    for (int i = 0; i < 4; i++) CHECK_EQ(about.reserved[i], 0);
    CHECK_EQ(result_of(rondel_file_statfs(loop, in_folder("none"), &about, RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(rondel_file_statfs(loop, "/", NULL, RONDEL_FUTURE), RONDEL_EINVAL);
    files_end(loop);
}

TEST(bytes_are_had_of_a_future_that_has_some) {
    rondel_loop loop = files_begin();
    const uint8_t *bytes = NULL;
    rondel_future path = rondel_file_realpath(loop, "/", RONDEL_FUTURE);
    CHECK_EQ(rondel_future_bytes(path, &bytes), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_bytes(path, NULL), 1);
    CHECK_EQ(rondel_future_bytes(path, &bytes), 1);
    CHECK_STR((const char *)bytes, "/");
    CHECK_EQ(rondel_dir_entry(path, 0, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_release(path), 0);
    CHECK_EQ(rondel_future_bytes(path, &bytes), RONDEL_EGONE);
    rondel_future failed = rondel_file_realpath(loop, in_folder("none"), RONDEL_FUTURE);
    rondel_future other = rondel_file_access(loop, "/", 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_bytes(failed, &bytes), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_bytes(other, &bytes), RONDEL_EKIND);
    CHECK_EQ(rondel_release(failed), 0);
    CHECK_EQ(rondel_release(other), 0);
    rondel_future cancelled = rondel_file_realpath(loop, "/", RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_bytes(cancelled, &bytes), RONDEL_EINVAL);
    CHECK_EQ(rondel_release(cancelled), 0);
    files_end(loop);
}

static void take_bytes(rondel_handle future, int64_t result, void *user_data) {
    const uint8_t *bytes = NULL;
    CHECK_EQ(rondel_future_bytes(future, &bytes), result);
    snprintf(user_data, 64, "%s", (const char *)bytes);
}

TEST(bytes_are_there_in_the_callback) {
    rondel_loop loop = files_begin();
    char text[64] = "";
    CHECK_EQ(symlink("where it leads", in_folder("link")), 0);
    CHECK(rondel_file_readlink(loop, in_folder("link"), take_bytes, text) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(text, "where it leads");
    files_end(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    rondel_stat about;
    const char *path = in_folder("a");
    CHECK_EQ(rondel_file_stat(loop, NULL, &about, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_stat(loop, path, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_lstat(loop, NULL, &about, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_lstat(loop, path, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_realpath(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_readlink(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_unlink(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_rename(loop, NULL, path, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_rename(loop, path, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_link(loop, NULL, path, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_link(loop, path, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_symlink(loop, NULL, path, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_symlink(loop, path, NULL, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_symlink(loop, path, path, 2, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_symlink(loop, path, path, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_access(loop, NULL, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_chmod(loop, NULL, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_chown(loop, NULL, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_lchown(loop, NULL, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_utime(loop, NULL, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_lutime(loop, NULL, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_file_statfs(loop, NULL, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(names_in(files_folder), 0);
    files_end(loop);
}

TEST_MAIN(RUN(stat_tells_what_is_so_of_everything), RUN(a_failed_stat_leaves_the_place_alone),
          RUN(a_path_may_die_as_soon_as_the_call_returns), RUN(names_are_any_bytes), RUN(unlink_removes_a_name),
          RUN(rename_moves_and_replaces), RUN(links_of_both_kinds), RUN(a_long_link_is_read_whole),
          RUN(realpath_is_without_links_and_dots), RUN(access_tells_what_this_user_may),
          RUN(permissions_and_owners_are_set), RUN(times_are_set_to_the_nanosecond),
          RUN(a_birth_is_no_later_than_the_last_change), RUN(statfs_tells_of_the_file_system),
          RUN(bytes_are_had_of_a_future_that_has_some), RUN(bytes_are_there_in_the_callback),
          RUN(what_makes_no_sense_is_refused))
