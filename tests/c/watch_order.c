/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watched folders: in which order is told what happens in one turn. Whoever keeps a copy of a folder does to it what is
 * told, one after the other. */
#include "support/test.h"

#include "support/watch.h"

#ifdef __linux__
#define ONLY_ON_LINUX
#else
#define ONLY_ON_LINUX SKIP("elsewhere the system's own threads tell, each in an order of its own")
#endif

static struct diary diary;

/* Where it was told of last; -1 if not at all. */
static int64_t last_of(const char *name, int64_t what) {
    for (int64_t i = diary.count - 1; i >= 0; i--)
        if (!strcmp(diary.told[i].path, name) && diary.told[i].what & what) return i;
    return -1;
}

static void follow(const char *name) {
    begin_diary(&diary, rondel_loop_new(), name, RONDEL_WATCH_RECURSIVE);
}

/* The last that is told is that this was removed. */
static void ends_with_removed(const char *name) {
    until_told(&diary, name, RONDEL_WATCH_REMOVED);
    until_quiet(&diary);
    CHECK_EQ(last_of(name, RONDEL_WATCH_REMOVED), diary.count - 1);
    if (last_of(name, RONDEL_WATCH_REMOVED) != diary.count - 1) print_diary(&diary);
    end_diary(&diary);
}

TEST(a_folder_that_was_changed_is_removed_after_what_was_moved_out_of_it) {
    ONLY_ON_LINUX;
    make_room();
    make_folder("folder");
    make_folder("folder/inner");
    follow("");
    CHECK_EQ(chmod(in_room("folder"), 0755), 0);
    move("folder/inner", "inner");
    take_away("folder");
    ends_with_removed("folder");
}

TEST(a_folder_that_was_renamed_is_removed_after_what_was_moved_out_of_it) {
    ONLY_ON_LINUX;
    make_room();
    make_folder("old");
    make_folder("old/inner");
    follow("");
    move("old", "new");
    move("new/inner", "inner");
    take_away("new");
    ends_with_removed("new");
}

/* What is in the new folder is told after that the old one has gone: it is what there is in the end. */
static void comes_after_the_old_folder(const char *name) {
    const int64_t leaves = RONDEL_WATCH_REMOVED | RONDEL_WATCH_RENAMED;
    until_told(&diary, name, RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK(last_of("watched", leaves) >= 0);
    CHECK(last_of(name, RONDEL_WATCH_CREATED) > last_of("watched", leaves));
    if (last_of(name, RONDEL_WATCH_CREATED) < last_of("watched", leaves)) print_diary(&diary);
    /* And it is watched. */
    append_to(name);
    until_told(&diary, name, RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(what_is_in_a_folder_that_was_made_anew_is_told_after_the_old_one_has_gone) {
    ONLY_ON_LINUX;
    make_room();
    make_folder("watched");
    follow("watched");
    take_away("watched");
    make_folder("watched");
    make_file("watched/file");
    comes_after_the_old_folder("watched/file");
}

TEST(what_is_in_a_folder_that_was_made_anew_twice_is_told_after_both_have_gone) {
    ONLY_ON_LINUX;
    make_room();
    make_folder("watched");
    follow("watched");
    move("watched", "old");
    make_folder("watched");
    take_away("watched");
    make_folder("watched");
    make_folder("watched/inner");
    make_file("watched/inner/file");
    comes_after_the_old_folder("watched/inner/file");
}

TEST(what_is_in_a_folder_that_takes_anothers_place_is_told_after_that_one_has_left) {
    ONLY_ON_LINUX;
    for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
        make_room();
        make_folder("watched");
        make_folder("elsewhere");
        make_folder("elsewhere/new");
        make_file("elsewhere/new/file");
        if (!elsewhere) move("elsewhere/new", "new");
        follow("watched");
        move("watched", elsewhere ? "elsewhere/old" : "old");
        move(elsewhere ? "elsewhere/new" : "new", "watched");
        comes_after_the_old_folder("watched/file");
    }
}

TEST(what_is_in_a_folder_that_leaves_and_comes_back_is_told_after_that) {
    ONLY_ON_LINUX;
    make_room();
    make_folder("watched");
    make_folder("elsewhere");
    make_folder("elsewhere/new");
    make_folder("elsewhere/new/inner");
    make_file("elsewhere/new/inner/file");
    follow("watched");
    move("watched", "elsewhere/old");
    move("elsewhere/new", "watched");
    move("watched", "elsewhere/older");
    move("elsewhere/older", "watched");
    comes_after_the_old_folder("watched/inner/file");
}

TEST_MAIN(RUN(a_folder_that_was_changed_is_removed_after_what_was_moved_out_of_it),
          RUN(a_folder_that_was_renamed_is_removed_after_what_was_moved_out_of_it),
          RUN(what_is_in_a_folder_that_was_made_anew_is_told_after_the_old_one_has_gone),
          RUN(what_is_in_a_folder_that_was_made_anew_twice_is_told_after_both_have_gone),
          RUN(what_is_in_a_folder_that_takes_anothers_place_is_told_after_that_one_has_left),
          RUN(what_is_in_a_folder_that_leaves_and_comes_back_is_told_after_that))
