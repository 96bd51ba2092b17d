/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Folders, what is in them, and names made up for what is to be there. */
#include "support/test.h"

#include "support/files.h"
#include "support/steps.h"

TEST(folders_are_made_and_removed) {
    if (ON_WINDOWS) SKIP("folders have no modes, and a path through a file is merely not found");
    rondel_loop loop = files_begin();
    struct stat about;
    CHECK_EQ(result_of(rondel_dir_make(loop, in_folder("a"), 0777, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat(in_folder("a"), &about), 0);
    CHECK(S_ISDIR(about.st_mode));
    CHECK_EQ(about.st_mode & 0777, 0755); /* the mask is 022 */
    CHECK_EQ(result_of(rondel_dir_make(loop, in_folder("a"), 0700, RONDEL_FUTURE)), RONDEL_EEXIST);
    CHECK_EQ(result_of(rondel_dir_make(loop, in_folder("b/c"), 0700, RONDEL_FUTURE)), RONDEL_ENOENT);
    put_file("a/file", "x");
    CHECK_EQ(result_of(rondel_dir_make(loop, in_folder("a/file/b"), 0700, RONDEL_FUTURE)), RONDEL_ENOTDIR);
    CHECK_EQ(result_of(rondel_dir_remove(loop, in_folder("a"), RONDEL_FUTURE)), RONDEL_ENOTEMPTY);
    CHECK_EQ(result_of(rondel_dir_remove(loop, in_folder("a/file"), RONDEL_FUTURE)), RONDEL_ENOTDIR);
    CHECK_EQ(unlink(in_folder("a/file")), 0);
    CHECK_EQ(result_of(rondel_dir_remove(loop, in_folder("a"), RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_dir_remove(loop, in_folder("a"), RONDEL_FUTURE)), RONDEL_ENOENT);
    files_end(loop);
}

TEST(those_above_are_made_too) {
    if (ON_WINDOWS) SKIP("folders have no modes, and a path through a file is merely not found");
    rondel_loop loop = files_begin();
    struct stat about;
    CHECK_EQ(result_of(rondel_dir_make_all(loop, in_folder("a/b//c/./d/"), 0700, RONDEL_FUTURE)), 0);
    CHECK_EQ(stat(in_folder("a/b/c/d"), &about), 0);
    CHECK_EQ(stat(in_folder("a"), &about), 0);
    CHECK_EQ(about.st_mode & 07777, 0700);
    CHECK_EQ(result_of(rondel_dir_make_all(loop, in_folder("a/b/c/d"), 0700, RONDEL_FUTURE)), 0); /* it is there */
    CHECK_EQ(result_of(rondel_dir_make_all(loop, "", 0700, RONDEL_FUTURE)), RONDEL_ENOENT);
    put_file("file", "x");
    CHECK_EQ(result_of(rondel_dir_make_all(loop, in_folder("file"), 0700, RONDEL_FUTURE)), RONDEL_EEXIST);
    CHECK_EQ(result_of(rondel_dir_make_all(loop, in_folder("file/a/b"), 0700, RONDEL_FUTURE)), RONDEL_ENOTDIR);
    files_end(loop);
}

TEST(many_may_make_the_same_folders_at_once) {
    enum { TIMES = 50 };
    rondel_loop loop = files_begin();
    rondel_future pending[TIMES];
    for (int i = 0; i < TIMES; i++) pending[i] = rondel_dir_make_all(loop, in_folder("a/b/c/d/e/f"), 0700, RONDEL_FUTURE);
    CHECK_EQ(result_of(rondel_gather(pending, TIMES, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(names_in(in_folder("a/b/c/d/e")), 1);
    files_end(loop);
}

TEST(a_scan_finds_each_name_once_with_its_type) {
    if (ON_WINDOWS) SKIP("makes links and FIFOs");
    rondel_loop loop = files_begin();
    rondel_dirent entry;
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(symlink("none", in_folder("link")), 0);
    put_file("A", "x"), put_file(".hidden", ""), put_file("\xff odd\nname", "");
    const char *const names[] = {".hidden", "A", "fifo", "folder", "link", "\xff odd\nname"};
    const int64_t types[] = {RONDEL_FILE_REGULAR, RONDEL_FILE_REGULAR, RONDEL_FILE_FIFO, RONDEL_FILE_FOLDER,
                             RONDEL_FILE_LINK, RONDEL_FILE_REGULAR};
    rondel_future scan = rondel_dir_scan(loop, files_folder, RONDEL_FUTURE);
    CHECK_EQ(rondel_dir_entry(scan, 0, &entry), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(scan), 6);
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(rondel_dir_entry(scan, i, &entry), 0);
        CHECK_STR(entry.name, names[i]);
        CHECK_EQ(entry.length, strlen(names[i]));
        CHECK(entry.type == types[i] || entry.type == RONDEL_FILE_UNKNOWN);
    }
    CHECK_EQ(rondel_dir_entry(scan, 6, &entry), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_entry(scan, (size_t)-1, &entry), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_entry(scan, 0, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_bytes(scan, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_release(scan), 0);
    CHECK_EQ(rondel_dir_entry(scan, 0, &entry), RONDEL_EGONE);
    files_end(loop);
}

TEST(a_scan_of_what_has_no_names) {
    if (ON_WINDOWS) SKIP("a path through a file is merely not found");
    rondel_loop loop = files_begin();
    rondel_dirent entry;
    put_file("file", "x");
    CHECK_EQ(mkdir(in_folder("empty"), 0700), 0);
    rondel_future empty = rondel_dir_scan(loop, in_folder("empty"), RONDEL_FUTURE);
    rondel_future none = rondel_dir_scan(loop, in_folder("none"), RONDEL_FUTURE);
    rondel_future file = rondel_dir_scan(loop, in_folder("file"), RONDEL_FUTURE);
    rondel_future cancelled = rondel_dir_scan(loop, in_folder("empty"), RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(empty), 0);
    CHECK_EQ(rondel_future_result(none), RONDEL_ENOENT);
    CHECK_EQ(rondel_future_result(file), RONDEL_ENOTDIR);
    CHECK_EQ(rondel_future_result(cancelled), RONDEL_ECANCELED);
    const rondel_future all[] = {empty, none, file, cancelled};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rondel_dir_entry(all[i], 0, &entry), RONDEL_EINVAL);
        CHECK_EQ(rondel_release(all[i]), 0);
    }
    files_end(loop);
}

TEST(a_scan_of_many_names_loses_none) {
    rondel_loop loop = files_begin();
    rondel_dirent entry;
    int64_t count = test_scale(5000, 200);
    char name[32], before[32] = "";
    for (int64_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%06d", (int)((i * 7919) % count));
        close(open(in_folder(name), O_WRONLY | O_CREAT, 0600));
    }
    rondel_future scan = rondel_dir_scan(loop, files_folder, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(scan), names_in(files_folder));
    for (int64_t i = 0; i < rondel_future_result(scan); i++) {
        CHECK_EQ(rondel_dir_entry(scan, (size_t)i, &entry), 0);
        CHECK(strcmp(before, entry.name) < 0);
        snprintf(before, sizeof before, "%s", entry.name);
    }
    CHECK_EQ(rondel_release(scan), 0);
    files_end(loop);
}

static void note_path(rondel_handle future, int64_t result, void *user_data) {
    const uint8_t *bytes = NULL;
    CHECK(result > 0);
    CHECK(rondel_future_bytes(future, &bytes) > 0);
    snprintf(user_data, 512, "%s", (const char *)bytes);
}

TEST(temporary_folders_are_new_and_private) {
    if (ON_WINDOWS) SKIP("folders have no modes");
    rondel_loop loop = files_begin();
    char paths[20][512];
    struct stat about;
    for (int i = 0; i < 20; i++) CHECK(rondel_dir_make_temp(loop, in_folder("t-XXXXXX"), note_path, paths[i]) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(strlen(paths[i]), strlen(in_folder("t-XXXXXX")));
        CHECK_EQ(strncmp(paths[i], in_folder("t-"), strlen(in_folder("t-"))), 0);
        CHECK(!strstr(paths[i], "XXXXXX"));
        CHECK_EQ(stat(paths[i], &about), 0);
        CHECK(S_ISDIR(about.st_mode));
        CHECK_EQ(about.st_mode & 07777, 0700);
        for (int j = 0; j < i; j++) CHECK(strcmp(paths[i], paths[j]) != 0);
    }
    CHECK_EQ(result_of(rondel_dir_make_temp(loop, in_folder("none/XXXXXX"), RONDEL_FUTURE)), RONDEL_ENOENT);
    files_end(loop);
}

TEST(temporary_files_are_open_new_and_private) {
    if (ON_WINDOWS) SKIP("files have no modes");
    rondel_loop loop = files_begin();
    char path[512] = "", byte = 0;
    struct stat about;
    rondel_future future = rondel_file_make_temp(loop, in_folder("XXXXXX"), RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    rondel_file file = rondel_future_result(future);
    note_path(future, file, path);
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(rondel_kind(file), RONDEL_KIND_FILE);
    CHECK_EQ(stat(path, &about), 0);
    CHECK_EQ(about.st_mode & 07777, 0600);
    CHECK_EQ(result_of(rondel_file_write(file, "x", 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(result_of(rondel_file_read(file, &byte, 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(byte, 'x');
    close_now(file);
    CHECK(rondel_file_make_temp(loop, in_folder("XXXXXX"), NULL, NULL) > 0); /* closed at once */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    files_end(loop);
}

/* The name was told to nobody, so nobody could remove it. */
TEST(what_was_made_under_a_new_name_goes_when_it_is_given_up) {
    for (int freed = 0; freed < 2; freed++) {
        rondel_loop loop = files_begin();
        struct seen file = {0, 0, 0}, folder = {0, 0, 0};
        int64_t done = done_so_far();
        rondel_future first = rondel_file_make_temp(loop, in_folder("XXXXXX"), see, &file);
        rondel_future second = rondel_dir_make_temp(loop, in_folder("XXXXXX"), see, &folder);
        wait_for_done(done + 2);
        CHECK_EQ(names_in(files_folder), 2);
        if (!freed) {
            CHECK_EQ(rondel_cancel(first), 0);
            CHECK_EQ(rondel_cancel(second), 0);
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
            CHECK_EQ(names_in(files_folder), 0); /* by the time that it is told */
        }
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), freed ? 3 : 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(names_in(files_folder), 0);
        CHECK_EQ(file.calls, 1);
        CHECK_EQ(folder.calls, 1);
        CHECK_EQ(file.result, RONDEL_ECANCELED);
        CHECK_EQ(folder.result, RONDEL_ECANCELED);
        files_remove_all(files_folder);
    }
}

TEST(names_made_up_and_given_up_at_any_moment_are_told_or_gone) {
    rondel_loop loop = files_begin();
    uint64_t random = 88172645463325252u;
    int64_t left = 0;
    for (int64_t i = test_scale(2000, 100); i > 0; i--) {
        struct seen seen = {0, 0, 0};
        rondel_future future = rondel_dir_make_temp(loop, in_folder("XXXXXX"), see, &seen);
        busy_for((int64_t)(next_random(&random) % 60000));
        if (next_random(&random) % 2) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        for (int j = 0; j < 3 && !seen.calls; j++) {
            rondel_cancel(future);
            CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        }
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 1);
        CHECK(seen.result > 0 || seen.result == RONDEL_ECANCELED);
        left += seen.result > 0;
        CHECK_EQ(names_in(files_folder), left);
        if (left == 50) {
            files_remove_all(files_folder);
            CHECK_EQ(mkdir(files_folder, 0700), 0);
            left = 0;
        }
    }
    files_end(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    const char *path = in_folder("a");
    const char *const templates[] = {NULL, "", "XXXXX", "XXXXXXa", "/tmp/XXXXXX/"};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rondel_dir_make_temp(loop, templates[i], see, &seen), RONDEL_EINVAL);
        CHECK_EQ(rondel_file_make_temp(loop, templates[i], see, &seen), RONDEL_EINVAL);
    }
    CHECK_EQ(rondel_dir_make(loop, NULL, 0700, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_make(loop, path, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_make(loop, path, 010000, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_make_all(loop, NULL, 0700, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_make_all(loop, path, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_remove(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_remove_all(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_scan(loop, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(names_in(files_folder), 0);
    files_end(loop);
}

TEST_MAIN(RUN(folders_are_made_and_removed), RUN(those_above_are_made_too),
          RUN(many_may_make_the_same_folders_at_once), RUN(a_scan_finds_each_name_once_with_its_type),
          RUN(a_scan_of_what_has_no_names), RUN(a_scan_of_many_names_loses_none),
          RUN(temporary_folders_are_new_and_private), RUN(temporary_files_are_open_new_and_private),
          RUN(what_was_made_under_a_new_name_goes_when_it_is_given_up),
          RUN(names_made_up_and_given_up_at_any_moment_are_told_or_gone), RUN(what_makes_no_sense_is_refused))
