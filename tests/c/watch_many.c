/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Much that is watched: what an event costs does not grow with what it does not concern. There is so much here that
 * otherwise the tests would not end in their time. */
#include "support/test.h"

#include "support/watch.h"

#ifdef __linux__
#define ONLY_ON_LINUX
#else
#define ONLY_ON_LINUX SKIP("elsewhere the system's own threads tell, which cannot be asked so much of")
#endif

static struct diary diary;

static const char *numbered(const char *kind, int64_t number) {
    static char names[2][64];
    static int next;
    next = !next;
    snprintf(names[next], sizeof names[next], "%s%d", kind, (int)number);
    return names[next];
}

/* So many that the system keeps them all: each is two events. */
enum { RENAMES = 7000 };

static void rename_times(int64_t times, const char *one, const char *other) {
    for (int64_t i = 0; i < times; i++) move(i % 2 ? other : one, i % 2 ? one : other);
}

static void rename_there_and_back(const char *one, const char *other) {
    rename_times(test_scale(RENAMES, 20), one, other);
}

TEST(a_rename_beside_many_watched_files_is_not_searched_for_by_each) {
    ONLY_ON_LINUX;
    const int64_t count = test_scale(10000, 50);
    struct seen seen = {0, 0, 0};
    make_room();
    make_file("one");
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < count; i++)
        CHECK(rondel_watch_start(loop, in_room(numbered("f", i)), RONDEL_WATCH_MISSING, see, &seen) > 0);
    begin_diary(&diary, loop, "last", RONDEL_WATCH_MISSING);
    rename_there_and_back("one", "other");
    make_file("last");
    until_told(&diary, "last", RONDEL_WATCH_CREATED);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(diary.what, RONDEL_WATCH_CREATED);
    /* Each is told of its own. */
    for (int64_t i = 0; i < count / 4; i++) {
        make_file(numbered("f", 4 * i));
        move(numbered("f", 4 * i), numbered("f", 4 * i + 1));
    }
    take_away("last");
    until_told(&diary, "last", RONDEL_WATCH_REMOVED);
    CHECK_EQ(diary.what, RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
    CHECK_EQ(seen.calls, count / 4 * 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST(a_folder_of_many_watched_files_that_is_renamed_is_not_looked_at_by_each_every_time) {
    ONLY_ON_LINUX;
    const int64_t count = test_scale(10000, 50);
    struct seen seen = {0, 0, 0};
    make_room();
    make_folder("one");
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < count; i++)
        CHECK(rondel_watch_start(loop, in_room(numbered("one/f", i)), RONDEL_WATCH_MISSING, see, &seen) > 0);
    begin_diary(&diary, loop, "last", RONDEL_WATCH_MISSING);
    rename_times(test_scale(5000, 20), "one", "other"); /* each is three events */
    make_file("last");
    until_told(&diary, "last", RONDEL_WATCH_CREATED);
    CHECK_EQ(diary.what, RONDEL_WATCH_CREATED);
    CHECK_EQ(seen.calls, 0);
    make_folder("one/f7");
    take_away("last");
    until_told(&diary, "last", RONDEL_WATCH_REMOVED);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_WATCH_CREATED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

/* Several watches of a tree of many folders. What is told of its end is told of all that was before. */
static struct watched_tree {
    rondel_loop loop;
    int64_t folders;
    struct follower {
        int64_t renamed, created, removed, calls;
        int ended;
    } followers[10];
} tree;

static void follow(rondel_handle watch, int64_t what, void *user_data) {
    struct follower *follower = user_data;
    follower->calls++;
    CHECK(!(what & RONDEL_WATCH_OVERFLOW));
    for (int64_t i = 0, count = rondel_watch_count(watch); i < count; i++) {
        char path[PATH_MAX];
        int64_t one = rondel_watch_what(watch, (size_t)i);
        CHECK(rondel_watch_path(watch, (size_t)i, path, sizeof path) > 0);
        follower->renamed += (one & RONDEL_WATCH_RENAMED) != 0;
        follower->created += (one & RONDEL_WATCH_CREATED) != 0;
        follower->removed += (one & RONDEL_WATCH_REMOVED) != 0;
        if (!strcmp(path, in_room("watched/last"))) follower->ended = 1;
    }
}

static void begin_tree(void) {
    memset(&tree, 0, sizeof tree);
    tree.folders = test_scale(6000, 50);
    make_room();
    make_folder("watched");
    for (int64_t i = 0; i < tree.folders; i++) make_folder(numbered("watched/d", i));
    make_folder("watched/d7/inner");
    make_file("watched/d7/inner/file");
    tree.loop = rondel_loop_new();
    for (int i = 0; i < 10; i++) {
        struct follower *follower = &tree.followers[i];
        CHECK(rondel_watch_start(tree.loop, in_room("watched"), RONDEL_WATCH_RECURSIVE, follow, follower) > 0);
    }
}

static void end_tree(void) {
    make_file("watched/last");
    for (int i = 0; i < 10; i++)
        while (!tree.followers[i].ended) CHECK(rondel_run(tree.loop, RONDEL_RUN_ONCE) >= 0);
    CHECK_EQ(rondel_loop_free(tree.loop), 0);
    leave_room();
}

TEST(a_folder_renamed_in_a_large_tree_is_not_looked_for_in_all_of_it) {
    ONLY_ON_LINUX;
    begin_tree();
    rename_there_and_back("watched/d7", "watched/other");
    end_tree();
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(tree.followers[i].renamed, test_scale(RENAMES, 20));
        CHECK_EQ(tree.followers[i].created, 1);
        CHECK_EQ(tree.followers[i].removed, 0);
    }
}

/* ---- More than is read in one turn ---- */

/* The longer a name, the less of what was done with it is read at a time. */
#define LONG_NAME "watched/a-name-that-is-longer-than-forty-eight-bytes-altogether-"

TEST(a_rename_of_which_the_halves_are_read_apart_is_one_change) {
    ONLY_ON_LINUX;
    for (int shifted = 0; shifted < 2; shifted++) { /* by one event */
        struct follower follower = {0, 0, 0, 0, 0};
        make_room();
        make_folder("watched");
        make_file(LONG_NAME "a");
        rondel_loop loop = rondel_loop_new();
        CHECK(rondel_watch_start(loop, in_room("watched"), 0, follow, &follower) > 0);
        if (shifted) CHECK_EQ(chmod(in_room(LONG_NAME "a"), 0644), 0);
        rename_there_and_back(LONG_NAME "a", LONG_NAME "b");
        make_file("watched/last");
        while (!follower.ended) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
        CHECK_EQ(follower.renamed, test_scale(RENAMES, 20));
        CHECK_EQ(follower.created, 1);
        CHECK_EQ(follower.removed, 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        leave_room();
    }
}

TEST(what_was_before_a_watch_began_is_not_told_however_much_it_is) {
    ONLY_ON_LINUX;
    struct seen seen = {0, 0, 0};
    make_room();
    make_folder("watched");
    make_file(LONG_NAME "a");
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_watch_start(loop, in_room("watched"), 0, see, &seen) > 0);
    rename_there_and_back(LONG_NAME "a", LONG_NAME "b");
    begin_diary(&diary, loop, "watched", 0);
    make_file("watched/last");
    until_told(&diary, "watched/last", RONDEL_WATCH_CREATED);
    CHECK_EQ(different(&diary), 1);
    CHECK(seen.calls > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST_MAIN(RUN(a_rename_beside_many_watched_files_is_not_searched_for_by_each),
          RUN(a_folder_of_many_watched_files_that_is_renamed_is_not_looked_at_by_each_every_time),
          RUN(a_folder_renamed_in_a_large_tree_is_not_looked_for_in_all_of_it),
          RUN(a_rename_of_which_the_halves_are_read_apart_is_one_change),
          RUN(what_was_before_a_watch_began_is_not_told_however_much_it_is))
