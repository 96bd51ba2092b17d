/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watched folders: what is made, changed, renamed and removed in them, and below them. */
#include "support/test.h"

#include "support/watch.h"

static struct diary diary;

static void watch_room(int flags) {
    make_room();
    begin_diary(&diary, rondel_loop_new(), "", flags);
}

TEST(a_file_that_is_made_changed_and_removed_is_told) {
    watch_room(0);
    make_file("a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED | RONDEL_WATCH_MODIFIED);
    forget(&diary);
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_MODIFIED);
    forget(&diary);
    take_away("a");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED);
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_REMOVED);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_change_of_mode_is_one_of_attributes) {
    if (ON_WINDOWS) SKIP("files have no modes");
    watch_room(0);
    make_file("a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED | RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    forget(&diary);
    CHECK_EQ(chmod(in_room("a"), 0644), 0);
    until_told(&diary, "a", RONDEL_WATCH_ATTRIBUTES);
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_ATTRIBUTES);
    end_diary(&diary);
}

TEST(what_happens_before_the_first_turn_is_told) {
    watch_room(0);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        make_file(name);
    }
    until_told(&diary, "99", RONDEL_WATCH_CREATED);
    CHECK_EQ(different(&diary), 100);
    if (!ON_WINDOWS) CHECK_EQ(diary.calls, 1); /* all in one turn */
    end_diary(&diary);
}

TEST(a_turn_tells_once_of_each_path) {
    if (ON_WINDOWS) SKIP("a thread tells, in as many turns as it takes");
    watch_room(0);
    make_file("a");
    for (int i = 0; i < 1000; i++) append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED | RONDEL_WATCH_MODIFIED);
    CHECK_EQ(diary.calls, 1);
    CHECK_EQ(diary.count, 1);
    until_quiet(&diary);
    CHECK_EQ(diary.calls, 1);
    end_diary(&diary);
}

TEST(a_rename_is_one_change_with_both_names) {
    watch_room(0);
    make_file("old");
    until_told(&diary, "old", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    forget(&diary);
    move("old", "new");
    until_renamed(&diary, "old", "new");
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_RENAMED);
    CHECK_EQ(diary.count, 1);
    forget(&diary);
    /* What comes under the old name is another file; the new name goes on. */
    make_file("old");
    append_to("new");
    move("new", "newer");
    move("old", "new");
    until_renamed(&diary, "old", "new");
    CHECK_EQ(was_renamed(&diary, "new", "newer"), 1);
    CHECK(told_of(&diary, "old") & RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(what_is_moved_in_is_created_and_what_is_moved_out_is_removed) {
    make_room();
    make_folder("watched");
    make_folder("elsewhere");
    make_file("elsewhere/a");
    begin_diary(&diary, rondel_loop_new(), "watched", 0);
    move("elsewhere/a", "watched/a");
    until_told(&diary, "watched/a", RONDEL_WATCH_CREATED);
    move("watched/a", "elsewhere/b");
    until_told(&diary, "watched/a", RONDEL_WATCH_REMOVED);
    CHECK_EQ(different(&diary), 1);
    CHECK_EQ(diary.what, RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
    end_diary(&diary);
}

TEST(folders_below_are_not_told_of_unless_asked_for) {
    make_room();
    make_folder("below");
    begin_diary(&diary, rondel_loop_new(), "", 0);
    make_file("below/a");
    make_file("b");
    until_told(&diary, "b", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(everything_below_is_told_of_when_asked_for) {
    if (ON_WINE) SKIP("wine tells of nothing in folders that are older than the watch");
    make_room();
    make_folder("a");
    make_folder("a/b");
    make_folder("a/b/c");
    make_file("a/b/c/old");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    make_file("a/b/c/new");
    append_to("a/b/c/old");
    take_away("a/b/c/new");
    until_told(&diary, "a/b/c/new", RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
    CHECK(told_of(&diary, "a/b/c/old") & RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 2);
    forget(&diary);
    move("a/b/c/old", "a/old");
    until_renamed(&diary, "a/b/c/old", "a/old");
    end_diary(&diary);
}

TEST(new_folders_are_watched_with_all_that_is_in_them) {
    watch_room(RONDEL_WATCH_RECURSIVE);
    for (int i = 0; i < 50; i++) { /* in one go: what is in them is there before anybody could watch it */
        char name[64];
        snprintf(name, sizeof name, "%d", i);
        make_folder(name);
        snprintf(name, sizeof name, "%d/inner", i);
        make_folder(name);
        snprintf(name, sizeof name, "%d/inner/file", i);
        make_file(name);
    }
    until_told(&diary, "49/inner/file", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 150);
    for (int i = 0; i < 50; i++) {
        char name[64];
        snprintf(name, sizeof name, "%d/inner/file", i);
        CHECK(told_of(&diary, name) & RONDEL_WATCH_CREATED);
    }
    forget(&diary);
    append_to("7/inner/file");
    until_told(&diary, "7/inner/file", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(a_folder_that_is_renamed_is_followed_by_its_new_name) {
    if (ON_WINE) SKIP("wine tells of nothing in folders that are older than the watch");
    make_room();
    make_folder("old");
    make_folder("old/inner");
    make_file("old/inner/a");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    move("old", "new");
    until_renamed(&diary, "old", "new");
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    append_to("new/inner/a");
    until_told(&diary, "new/inner/a", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(told_of(&diary, "old/inner/a"), 0);
    /* Again, and at once something in it. */
    move("new", "newer");
    append_to("newer/inner/a");
    until_renamed(&diary, "new", "newer");
    until_told(&diary, "newer/inner/a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(a_folder_moved_out_is_watched_no_more) {
    if (ON_WINDOWS) SKIP("of what is in a folder that is moved in nothing is told");
    make_room();
    make_folder("watched");
    make_folder("watched/inner");
    make_folder("elsewhere");
    begin_diary(&diary, rondel_loop_new(), "watched", RONDEL_WATCH_RECURSIVE);
    move("watched/inner", "elsewhere/inner");
    until_told(&diary, "watched/inner", RONDEL_WATCH_REMOVED);
    forget(&diary);
    make_file("elsewhere/inner/a");
    make_file("watched/b");
    until_told(&diary, "watched/b", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    /* And back in: it is a new one, with what is in it. */
    forget(&diary);
    move("elsewhere/inner", "watched/back");
    until_told(&diary, "watched/back", RONDEL_WATCH_CREATED);
    until_told(&diary, "watched/back/a", RONDEL_WATCH_CREATED);
    append_to("watched/back/a");
    until_told(&diary, "watched/back/a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

/* Whether it was told of in this place among all; -1 if not at all. */
static int64_t place_of(const char *name, int64_t what) {
    for (int64_t i = 0; i < diary.count; i++)
        if (!strcmp(diary.told[i].path, name) && diary.told[i].what & what) return i;
    return -1;
}

TEST(a_folder_moved_out_is_watched_no_more_though_its_parent_is_renamed_next) {
    if (ON_WINDOWS) SKIP("of what is in a folder that is moved in nothing is told");
    make_room();
    make_folder("watched");
    make_folder("watched/old");
    make_folder("watched/old/inner");
    make_folder("watched/old/inner/deep");
    make_folder("elsewhere");
    begin_diary(&diary, rondel_loop_new(), "watched", RONDEL_WATCH_RECURSIVE);
    move("watched/old/inner", "elsewhere/inner");
    move("watched/old", "watched/new");
    until_renamed(&diary, "watched/old", "watched/new");
    CHECK_EQ(place_of("watched/old/inner", RONDEL_WATCH_REMOVED), 0);
    CHECK_EQ(place_of("watched/new", RONDEL_WATCH_RENAMED), 1);
    until_quiet(&diary);
    forget(&diary);
    make_file("elsewhere/inner/a");
    make_file("elsewhere/inner/deep/a");
    make_file("watched/new/b");
    until_told(&diary, "watched/new/b", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_folder_moved_out_and_in_again_in_one_go_is_told_with_what_is_in_it) {
    if (ON_WINDOWS) SKIP("of what is in a folder that is moved in nothing is told");
    make_room();
    make_folder("watched");
    make_folder("watched/old");
    make_folder("watched/old/inner");
    make_file("watched/old/inner/a");
    make_folder("elsewhere");
    begin_diary(&diary, rondel_loop_new(), "watched", RONDEL_WATCH_RECURSIVE);
    move("watched/old", "elsewhere/old");
    move("elsewhere/old", "watched/new");
    until_told(&diary, "watched/new/inner/a", RONDEL_WATCH_CREATED);
    until_told(&diary, "watched/new/inner", RONDEL_WATCH_CREATED);
    CHECK_EQ(place_of("watched/old", RONDEL_WATCH_REMOVED), 0);
    CHECK_EQ(place_of("watched/new", RONDEL_WATCH_CREATED), 1);
    CHECK_EQ(different(&diary), 4);
    forget(&diary);
    append_to("watched/new/inner/a");
    until_told(&diary, "watched/new/inner/a", RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_folder_moved_into_one_that_was_just_made_is_told_by_its_new_name_alone) {
    if (ON_WINDOWS) SKIP("of what is in a folder that is moved in nothing is told");
    make_room();
    make_folder("old");
    make_folder("old/inner");
    make_file("old/inner/a");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    make_folder("new");
    move("old/inner", "new/inner");
    until_told(&diary, "new/inner/a", RONDEL_WATCH_CREATED);
    until_told(&diary, "old/inner", RONDEL_WATCH_REMOVED);
    until_quiet(&diary);
    forget(&diary);
    append_to("new/inner/a");
    until_told(&diary, "new/inner/a", RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    CHECK_EQ(diary.count, 1);
    end_diary(&diary);
}

TEST(what_comes_under_a_name_that_was_left_is_told_after_that) {
    if (ON_WINDOWS) SKIP("a thread tells, in as many turns as it takes");
    make_room();
    make_folder("a");
    make_file("a/x");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    append_to("a/x");
    move("a", "b");
    make_folder("a");
    make_file("a/x");
    until_told(&diary, "a/x", RONDEL_WATCH_CREATED);
    CHECK_EQ(place_of("a/x", RONDEL_WATCH_MODIFIED), 0);
    CHECK_EQ(place_of("b", RONDEL_WATCH_RENAMED), 1);
    CHECK_EQ(place_of("a", RONDEL_WATCH_CREATED), 2);
    CHECK_EQ(place_of("a/x", RONDEL_WATCH_CREATED), 3);
    end_diary(&diary);
}

TEST(links_below_are_not_followed) {
    if (ON_WINDOWS) SKIP("makes links");
    make_room();
    make_folder("watched");
    make_folder("elsewhere");
    CHECK_EQ(symlink(in_room("elsewhere"), in_room("watched/link")), 0);
    begin_diary(&diary, rondel_loop_new(), "watched", RONDEL_WATCH_RECURSIVE);
    make_file("elsewhere/a");
    make_file("watched/b");
    until_told(&diary, "watched/b", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_folder_removed_and_made_again_is_watched_again) {
    if (ON_WINE) SKIP("wine keeps a folder that is removed until nobody watches it any more");
    for (int recursive = 0; recursive < 2; recursive++) {
        make_room();
        make_folder("watched");
        make_folder("watched/inner");
        begin_diary(&diary, rondel_loop_new(), "watched", recursive ? RONDEL_WATCH_RECURSIVE : 0);
        take_away("watched/inner");
        take_away("watched");
        until_told(&diary, "watched", RONDEL_WATCH_REMOVED);
        CHECK(told_of(&diary, "watched/inner") & RONDEL_WATCH_REMOVED);
        until_quiet(&diary);
        forget(&diary);
        make_folder("watched");
        make_file("watched/early");
        until_told(&diary, "watched", RONDEL_WATCH_CREATED);
        until_told(&diary, "watched/early", RONDEL_WATCH_CREATED);
        make_file("watched/late");
        until_told(&diary, "watched/late", RONDEL_WATCH_CREATED);
        /* In one go. */
        forget(&diary);
        take_away("watched/early");
        take_away("watched/late");
        take_away("watched");
        make_folder("watched");
        until_told(&diary, "watched", RONDEL_WATCH_REMOVED | RONDEL_WATCH_CREATED);
        make_file("watched/again");
        until_told(&diary, "watched/again", RONDEL_WATCH_CREATED);
        end_diary(&diary);
    }
}

TEST(a_folder_renamed_away_is_told_with_its_new_name_and_watched_no_more) {
    if (ON_WINDOWS) SKIP("what happens in the next folder of that name before it is watched is not told");
    make_room();
    make_folder("watched");
    begin_diary(&diary, rondel_loop_new(), "watched", 0);
    move("watched", "away");
    until_renamed(&diary, "watched", "away");
    make_file("away/a");
    make_folder("watched");
    make_file("watched/b");
    until_told(&diary, "watched/b", RONDEL_WATCH_CREATED);
    CHECK_EQ(told_of(&diary, "away/a"), 0);
    CHECK_EQ(told_of(&diary, "watched/a"), 0);
    end_diary(&diary);
}

TEST(the_folder_itself_can_change) {
    if (ON_WINDOWS) SKIP("folders have no modes");
    watch_room(RONDEL_WATCH_RECURSIVE);
    make_folder("inner");
    until_told(&diary, "inner", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    forget(&diary);
    CHECK_EQ(chmod(in_room(""), 0755), 0);
    CHECK_EQ(chmod(in_room("inner"), 0755), 0);
    until_told(&diary, "inner", RONDEL_WATCH_ATTRIBUTES);
    until_told(&diary, "", RONDEL_WATCH_ATTRIBUTES);
    until_quiet(&diary);
    CHECK_EQ(diary.count, 2);
    end_diary(&diary);
}

TEST(a_folder_below_that_may_be_looked_into_only_later_is_watched_from_then) {
    if (geteuid() == 0) SKIP("root may look into everything");
    watch_room(RONDEL_WATCH_RECURSIVE);
    CHECK_EQ(mkdir(in_room("closed"), 0300), 0);
    make_file("closed/early");
    until_told(&diary, "closed", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(chmod(in_room("closed"), 0700), 0);
    until_told(&diary, "closed/early", RONDEL_WATCH_CREATED);
    make_file("closed/late");
    until_told(&diary, "closed/late", RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(names_of_any_bytes_come_as_they_are) {
    if (ON_WINDOWS) SKIP("not all bytes make a name");
    watch_room(0);
    const char *const names[] = {"with space", "line\nbreak", "\xff\xfe not utf-8", "caf\xc3\xa9"};
    for (int i = 0; i < 4; i++) make_file(names[i]);
    for (int i = 0; i < 4; i++) until_told(&diary, names[i], RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(paths_are_told_as_the_watched_one_was_given) {
    char before[PATH_MAX], path[PATH_MAX];
    struct seen seen = {0, 0, 0};
    const char *const given[] = {".", "sub", "./sub/", "sub/..", "sub/../sub"};
    make_room();
    make_folder("sub");
    REQUIRE(getcwd(before, sizeof before) != NULL);
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(chdir(room), 0);
        rondel_path_watch watch = rondel_watch_start(loop, given[i], 0, see, &seen);
        CHECK(watch > 0);
        CHECK_EQ(rondel_watch_root(watch, path, sizeof path), strlen(given[i]));
        CHECK_STR(path, given[i]);
        CHECK_EQ(rondel_watch_root(watch, path, strlen(given[i])), RONDEL_ENOBUFS);
        make_file(i == 0 || i == 3 ? "file" : "sub/file");
        CHECK_EQ(chdir("/"), 0); /* the folder is watched wherever the process goes */
        while (rondel_watch_count(watch) == 0) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
        CHECK(rondel_watch_path(watch, 0, path, sizeof path) > 0);
        put_slashes(path);
        CHECK_STR(path, i == 0 ? "./file" : i == 1 ? "sub/file" : i == 2 ? "./sub/file" : i == 3 ? "sub/../file" : "sub/../sub/file");
        take_away(i == 0 || i == 3 ? "file" : "sub/file");
        CHECK_EQ(rondel_close(watch), 0);
    }
    CHECK_EQ(chdir(before), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST_MAIN(RUN(a_file_that_is_made_changed_and_removed_is_told),
          RUN(a_change_of_mode_is_one_of_attributes), RUN(what_happens_before_the_first_turn_is_told),
          RUN(a_turn_tells_once_of_each_path), RUN(a_rename_is_one_change_with_both_names),
          RUN(what_is_moved_in_is_created_and_what_is_moved_out_is_removed),
          RUN(folders_below_are_not_told_of_unless_asked_for), RUN(everything_below_is_told_of_when_asked_for),
          RUN(new_folders_are_watched_with_all_that_is_in_them), RUN(a_folder_that_is_renamed_is_followed_by_its_new_name),
          RUN(a_folder_moved_out_is_watched_no_more),
          RUN(a_folder_moved_out_is_watched_no_more_though_its_parent_is_renamed_next),
          RUN(a_folder_moved_out_and_in_again_in_one_go_is_told_with_what_is_in_it),
          RUN(a_folder_moved_into_one_that_was_just_made_is_told_by_its_new_name_alone),
          RUN(what_comes_under_a_name_that_was_left_is_told_after_that),
          RUN(links_below_are_not_followed),
          RUN(a_folder_removed_and_made_again_is_watched_again),
          RUN(a_folder_renamed_away_is_told_with_its_new_name_and_watched_no_more), RUN(the_folder_itself_can_change),
          RUN(a_folder_below_that_may_be_looked_into_only_later_is_watched_from_then),
          RUN(names_of_any_bytes_come_as_they_are), RUN(paths_are_told_as_the_watched_one_was_given))
