/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Folders that are removed with all that is in them. */
#include "support/test.h"

#include "support/files.h"

TEST(a_whole_folder_is_removed_and_links_are_not_followed) {
    if (ON_WINDOWS) SKIP("makes links and FIFOs");
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("kept"), 0700), 0);
    put_file("kept/file", "x");
    CHECK_EQ(mkdir(in_folder("tree"), 0700), 0);
    CHECK_EQ(mkdir(in_folder("tree/a"), 0700), 0);
    put_file("tree/a/file", "x"), put_file("tree/file", "x");
    CHECK_EQ(symlink("../../kept", in_folder("tree/a/link")), 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), 0);
    CHECK_EQ(names_in(in_folder("tree")), -1);
    CHECK_STR(file_text("kept/file"), "x");
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), RONDEL_ENOENT);
    files_end(loop);
}

TEST(what_is_no_folder_is_not_removed_but_a_link) {
    if (ON_WINDOWS) SKIP("makes links");
    rondel_loop loop = files_begin();
    put_file("file", "x");
    CHECK_EQ(mkdir(in_folder("kept"), 0700), 0);
    put_file("kept/file", "x");
    CHECK_EQ(symlink("kept", in_folder("link")), 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("file"), RONDEL_FUTURE)), RONDEL_ENOTDIR);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("link"), RONDEL_FUTURE)), 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("none"), RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, "", RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(names_in(files_folder), 2);
    CHECK_STR(file_text("kept/file"), "x");
    files_end(loop);
}

TEST(every_kind_of_name_goes) {
    if (ON_WINDOWS) SKIP("makes links and FIFOs");
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("tree"), 0700), 0);
    CHECK_EQ(mkdir(in_folder("tree/empty"), 0), 0); /* may not be looked into, and need not */
    CHECK_EQ(mkdir(in_folder("tree/full"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("tree/full/fifo"), 0600), 0);
    CHECK_EQ(symlink("none", in_folder("tree/full/dangling")), 0);
    CHECK_EQ(symlink(".", in_folder("tree/full/self")), 0);
    put_file("tree/full/..x", ""), put_file("tree/\xff odd\nname", "");
    CHECK_EQ(chmod(in_folder("tree/full/..x"), 0), 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), 0);
    CHECK_EQ(names_in(files_folder), 0);
    files_end(loop);
}

/* Each level has a file and the next one, and its name is long: paths this long are refused everywhere. */
TEST(a_tree_may_be_deeper_than_paths_and_descriptors_reach) {
    if (ON_WINDOWS) SKIP("makes it by openat");
    enum { DEEP = 3000 };
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("tree"), 0700), 0);
    int at = open(in_folder("tree"), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < DEEP; i++) {
        int file = openat(at, "file", O_WRONLY | O_CREAT, 0600);
        CHECK(file >= 0);
        close(file);
        CHECK_EQ(mkdirat(at, "one-of-many", 0700), 0);
        CHECK_EQ(mkdirat(at, "beside", 0700), 0);
        int next = openat(at, "one-of-many", O_RDONLY | O_DIRECTORY);
        CHECK(next >= 0);
        close(at);
        at = next;
    }
    close(at);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), 0);
    CHECK_EQ(names_in(files_folder), 0);
    files_end(loop);
}

TEST(cancelled_it_leaves_what_it_has_not_removed_yet) {
    rondel_loop loop = files_begin();
    int left = -1;
    /* It may be through before it hears of it: then once more, with more to do. */
    for (int count = 2000; left < 0 && count < 1000000; count *= 4) {
        struct seen seen = {0, 0, 0};
        char name[64];
        CHECK_EQ(mkdir(in_folder("tree"), 0700), 0);
        for (int i = 0; i < count; i++) {
            snprintf(name, sizeof name, "tree/%d", i);
            close(open(in_folder(name), O_WRONLY | O_CREAT, 0600));
        }
        rondel_future future = rondel_dir_remove_all(loop, in_folder("tree"), see, &seen);
        while (names_in(in_folder("tree")) == count) sched_yield();
        CHECK_EQ(rondel_cancel(future), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, RONDEL_ECANCELED);
        left = names_in(in_folder("tree"));
        CHECK(left < count);
    }
    CHECK(left > 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), 0);
    files_end(loop);
}

TEST(it_stops_at_what_it_may_not_remove) {
    if (ON_WINDOWS) SKIP("folders have no modes");
    if (geteuid() == 0) SKIP("root may");
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("tree"), 0700), 0);
    CHECK_EQ(mkdir(in_folder("tree/a"), 0700), 0);
    put_file("tree/a/file", "x");
    CHECK_EQ(chmod(in_folder("tree/a"), 0500), 0);
    CHECK_EQ(result_of(rondel_dir_remove_all(loop, in_folder("tree"), RONDEL_FUTURE)), RONDEL_EACCES);
    CHECK_STR(file_text("tree/a/file"), "x");
    files_end(loop);
}

TEST_MAIN(RUN(a_whole_folder_is_removed_and_links_are_not_followed), RUN(what_is_no_folder_is_not_removed_but_a_link),
          RUN(every_kind_of_name_goes), RUN(a_tree_may_be_deeper_than_paths_and_descriptors_reach),
          RUN(cancelled_it_leaves_what_it_has_not_removed_yet), RUN(it_stops_at_what_it_may_not_remove))
