/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watched files: it is the path that is watched, whatever file stands there. */
#include "support/test.h"

#include "support/steps.h"
#include "support/watch.h"

static struct diary diary;

static void watch_file(const char *name) {
    make_room();
    make_file(name);
    begin_diary(&diary, rondel_loop_new(), name, 0);
}

TEST(a_change_of_the_file_is_told_and_none_of_its_neighbours) {
    watch_file("a");
    make_file("b");
    append_to("b");
    move("b", "c");
    take_away("c");
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(truncate(in_room("a"), 0), 0);
    CHECK_EQ(chmod(in_room("a"), 0644), 0);
    until_told(&diary, "a", RONDEL_WATCH_ATTRIBUTES);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    CHECK_EQ(diary.what, RONDEL_WATCH_MODIFIED | RONDEL_WATCH_ATTRIBUTES);
    end_diary(&diary);
}

TEST(a_file_that_is_only_read_is_not_told_of) {
    char bytes[8];
    watch_file("a");
    int fd = open(in_room("a"), O_RDONLY);
    CHECK(read(fd, bytes, sizeof bytes) > 0);
    close(fd);
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(diary.what, RONDEL_WATCH_MODIFIED);
    CHECK_EQ(diary.calls, 1);
    end_diary(&diary);
}

TEST(a_file_replaced_by_rename_is_told_and_the_new_one_watched) {
    watch_file("a");
    for (int i = 0; i < 5; i++) { /* as editors do */
        forget(&diary);
        make_file("a.new");
        move("a.new", "a");
        until_renamed(&diary, "a.new", "a");
        until_quiet(&diary);
        CHECK_EQ(diary.count, 1);
        forget(&diary);
        append_to("a");
        until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    }
    end_diary(&diary);
}

TEST(a_file_replaced_from_another_folder_is_created) {
    watch_file("a");
    make_folder("elsewhere");
    make_file("elsewhere/b");
    move("elsewhere/b", "a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_backup_and_a_new_file_are_told) {
    watch_file("a");
    move("a", "a~"); /* as other editors do */
    make_file("a");
    until_renamed(&diary, "a", "a~");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    forget(&diary);
    append_to("a~");
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(a_file_removed_and_made_again_is_told_and_watched) {
    watch_file("a");
    for (int i = 0; i < 5; i++) {
        forget(&diary);
        take_away("a");
        until_told(&diary, "a", RONDEL_WATCH_REMOVED);
        until_quiet(&diary);
        CHECK_EQ(diary.what, RONDEL_WATCH_REMOVED);
        forget(&diary);
        make_file("a");
        until_told(&diary, "a", RONDEL_WATCH_CREATED);
        forget(&diary);
        append_to("a");
        until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    }
    /* In one go. */
    forget(&diary);
    for (int i = 0; i < 10; i++) {
        take_away("a");
        make_file("a");
    }
    until_told(&diary, "a", RONDEL_WATCH_REMOVED | RONDEL_WATCH_CREATED);
    forget(&diary);
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(a_file_moved_elsewhere_is_removed) {
    watch_file("a");
    make_folder("elsewhere");
    move("a", "elsewhere/a");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED);
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_REMOVED);
    forget(&diary);
    append_to("elsewhere/a");
    move("elsewhere/a", "a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(diary.what, RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(a_path_that_is_missing_can_be_waited_for) {
    make_room();
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_watch_start(loop, in_room("not/there/yet"), 0, see, &seen), RONDEL_ENOENT);
    begin_diary(&diary, loop, "not/there/yet", RONDEL_WATCH_MISSING);
    make_folder("not");
    make_folder("not/there");
    make_file("not/there/other");
    make_file("not/there/yet");
    until_told(&diary, "not/there/yet", RONDEL_WATCH_CREATED);
    append_to("not/there/yet");
    until_told(&diary, "not/there/yet", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(different(&diary), 1);
    /* Gone with its folder, and back with it. */
    forget(&diary);
    clear_folder(in_room("not"));
    take_away("not");
    until_told(&diary, "not/there/yet", RONDEL_WATCH_REMOVED);
    until_quiet(&diary);
    forget(&diary);
    for (int slow = 0; slow < 2; slow++) {
        make_folder("not");
        if (slow) until_quiet(&diary);
        make_folder("not/there");
        if (slow) until_quiet(&diary);
        make_file("not/there/yet");
        until_told(&diary, "not/there/yet", RONDEL_WATCH_CREATED);
        clear_folder(in_room("not"));
        take_away("not");
        until_told(&diary, "not/there/yet", RONDEL_WATCH_REMOVED);
        forget(&diary);
    }
    CHECK_EQ(seen.calls, 0);
    end_diary(&diary);
}

/* Moves a whole tree of folders to where a watch is being started, at some moment of that. */
struct mover {
    struct gate begun;
    int64_t wait;
    const char *from, *to;
};

static void *move_the_tree(void *arg) {
    struct mover *mover = arg;
    gate_pass(&mover->begun);
    busy_for(mover->wait);
    CHECK_EQ(rename(mover->from, mover->to), 0);
    return NULL;
}

static void gather(rondel_handle watch, int64_t what, void *user_data) {
    (void)watch;
    *(int64_t *)user_data |= what;
}

/* Each folder of the path is looked for, and may come between that and the watch of the one above it. */
TEST(folders_that_come_while_a_watch_of_a_missing_path_begins_are_not_overlooked) {
    enum { DEPTH = 300 };
    char names[2 * DEPTH + 8] = "ready", path[PATH_MAX];
    uint64_t random = 88172645463325252u;
    make_room();
    make_folder(names);
    for (size_t length = strlen(names); length < sizeof names - 3; length += 2) {
        strcat(names, "/d");
        make_folder(names);
    }
    struct mover mover = {GATE, 0, in_room("ready"), in_room("there")};
    for (int64_t i = test_scale(500, 50); i > 0; i--) {
        pthread_t thread;
        int64_t told = 0;
        rondel_loop loop = rondel_loop_new();
        snprintf(path, sizeof path, "%s/there%s/f", room, names + strlen("ready"));
        mover.begun.passed = 0;
        mover.wait = (int64_t)(next_random(&random) % 500000);
        REQUIRE_EQ(pthread_create(&thread, NULL, move_the_tree, &mover), 0);
        gate_wait(&mover.begun, 1);
        rondel_path_watch watch = rondel_watch_start(loop, path, RONDEL_WATCH_MISSING, gather, &told);
        CHECK(watch > 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
        while (!(told & RONDEL_WATCH_CREATED)) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(unlink(path), 0);
        CHECK_EQ(rename(mover.to, mover.from), 0);
    }
    leave_room();
}

TEST(a_folder_that_is_renamed_takes_its_file_away) {
    make_room();
    make_folder("folder");
    make_file("folder/a");
    begin_diary(&diary, rondel_loop_new(), "folder/a", 0);
    move("folder", "away");
    until_told(&diary, "folder/a", RONDEL_WATCH_REMOVED);
    forget(&diary);
    append_to("away/a");
    move("away", "folder");
    until_told(&diary, "folder/a", RONDEL_WATCH_CREATED);
    append_to("folder/a");
    until_told(&diary, "folder/a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(a_file_whose_folder_is_replaced_is_removed_and_created) {
    for (int moved = 0; moved < 2; moved++) {
        make_room();
        make_folder("folder");
        make_file("folder/a");
        begin_diary(&diary, rondel_loop_new(), "folder/a", 0);
        if (moved) {
            move("folder", "away");
        } else {
            take_away("folder/a");
            take_away("folder");
        }
        make_folder("folder");
        make_file("folder/a");
        until_told(&diary, "folder/a", RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
        until_quiet(&diary);
        forget(&diary);
        if (moved) append_to("away/a");
        append_to("folder/a");
        until_told(&diary, "folder/a", RONDEL_WATCH_MODIFIED);
        until_quiet(&diary);
        CHECK_EQ(diary.what, RONDEL_WATCH_MODIFIED);
        CHECK_EQ(diary.count, 1);
        end_diary(&diary);
    }
}

TEST(a_file_can_become_a_folder_and_the_other_way_round) {
    watch_file("a");
    take_away("a");
    make_folder("a");
    make_file("a/b");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED | RONDEL_WATCH_CREATED);
    until_told(&diary, "a/b", RONDEL_WATCH_CREATED);
    append_to("a/b");
    until_told(&diary, "a/b", RONDEL_WATCH_MODIFIED);
    until_quiet(&diary);
    forget(&diary);
    take_away("a/b");
    take_away("a");
    make_file("a");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED | RONDEL_WATCH_CREATED);
    forget(&diary);
    append_to("a");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

/* ---- Links ---- */

static void point(const char *link, const char *to) { CHECK_EQ(symlink(to, in_room(link)), 0); }

TEST(a_link_is_followed_and_so_is_its_change) {
    make_room();
    make_file("one");
    make_file("two");
    point("link", "one");
    begin_diary(&diary, rondel_loop_new(), "link", 0);
    append_to("one");
    until_told(&diary, "link", RONDEL_WATCH_MODIFIED);
    forget(&diary);
    point("link.new", "two");
    move("link.new", "link");
    until_renamed(&diary, "link.new", "link");
    until_quiet(&diary);
    forget(&diary);
    append_to("one");
    append_to("two");
    until_told(&diary, "link", RONDEL_WATCH_MODIFIED);
    CHECK_EQ(diary.count, 1);
    take_away("link");
    until_told(&diary, "link", RONDEL_WATCH_REMOVED);
    end_diary(&diary);
}

TEST(what_a_link_leads_to_can_be_replaced_and_removed) {
    make_room();
    make_folder("far");
    make_file("far/a");
    point("near", "far/a");
    point("link", "near");
    begin_diary(&diary, rondel_loop_new(), "link", 0);
    make_file("far/b");
    move("far/b", "far/a");
    until_told(&diary, "link", RONDEL_WATCH_CREATED);
    forget(&diary);
    append_to("far/a");
    until_told(&diary, "link", RONDEL_WATCH_MODIFIED);
    forget(&diary);
    take_away("far/a");
    until_told(&diary, "link", RONDEL_WATCH_REMOVED);
    forget(&diary);
    make_file("far/a");
    until_told(&diary, "link", RONDEL_WATCH_CREATED);
    forget(&diary);
    take_away("near");
    until_told(&diary, "link", RONDEL_WATCH_REMOVED);
    make_file("near");
    until_told(&diary, "link", RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(a_link_to_a_folder_is_that_folder) {
    make_room();
    make_folder("one");
    make_folder("two");
    make_file("two/inner");
    point("link", "one");
    begin_diary(&diary, rondel_loop_new(), "link", RONDEL_WATCH_RECURSIVE);
    make_file("one/a");
    until_told(&diary, "link/a", RONDEL_WATCH_CREATED);
    point("link.new", "two");
    move("link.new", "link");
    until_told(&diary, "link/inner", RONDEL_WATCH_CREATED);
    append_to("two/inner");
    until_told(&diary, "link/inner", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(a_link_further_up_is_followed_and_so_is_its_change) {
    make_room();
    make_folder("one");
    make_folder("one/inner");
    make_file("one/inner/a");
    make_folder("two");
    make_folder("two/inner");
    make_file("two/inner/a");
    point("latest", "one");
    point("link", "latest");
    for (int folder = 0; folder < 2; folder++) {
        const char *name = folder ? "link/inner" : "link/inner/a";
        begin_diary(&diary, rondel_loop_new(), name, 0);
        point("link.new", "two");
        move("link.new", "link");
        until_told(&diary, name, RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
        until_quiet(&diary);
        forget(&diary);
        append_to("one/inner/a");
        append_to("two/inner/a");
        until_told(&diary, "link/inner/a", RONDEL_WATCH_MODIFIED);
        CHECK_EQ(diary.count, 1);
        take_away("link");
        until_told(&diary, name, RONDEL_WATCH_REMOVED);
        forget(&diary);
        point("link", "latest");
        until_told(&diary, name, RONDEL_WATCH_CREATED);
        /* What a link leads to is a link that changes, too. */
        forget(&diary);
        point("latest.new", "two");
        move("latest.new", "latest");
        until_told(&diary, name, RONDEL_WATCH_CREATED | RONDEL_WATCH_REMOVED);
        take_away("latest");
        point("latest", "one");
        CHECK_EQ(rondel_close(diary.watch), 0);
        CHECK_EQ(rondel_loop_free(diary.loop), 0);
    }
    leave_room();
}

TEST(a_link_that_comes_to_lead_to_a_folder_below_is_told_once) {
    make_room();
    make_folder("outer");
    make_folder("outer/inner");
    point("link", "outer");
    begin_diary(&diary, rondel_loop_new(), "link", RONDEL_WATCH_RECURSIVE);
    point("link.new", "outer/inner");
    move("link.new", "link");
    until_told(&diary, "link", RONDEL_WATCH_RENAMED);
    until_quiet(&diary);
    CHECK_EQ(diary.count, 1);
    forget(&diary);
    make_file("outer/inner/a");
    make_file("outer/b");
    until_told(&diary, "link/a", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(links_in_a_circle_lead_nowhere) {
    make_room();
    point("a", "b");
    point("b", "a");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_watch_start(loop, in_room("a"), 0, see, &seen), RONDEL_ELOOP);
    begin_diary(&diary, loop, "a", RONDEL_WATCH_MISSING);
    take_away("b");
    make_file("b");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    CHECK_EQ(seen.calls, 0);
    end_diary(&diary);
}

TEST(another_name_of_the_file_changes_it_too) {
    watch_file("a");
    CHECK_EQ(link(in_room("a"), in_room("b")), 0);
    until_told(&diary, "a", RONDEL_WATCH_ATTRIBUTES);
    append_to("b");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    forget(&diary);
    take_away("b");
    until_told(&diary, "a", RONDEL_WATCH_ATTRIBUTES);
    CHECK_EQ(diary.what, RONDEL_WATCH_ATTRIBUTES);
    end_diary(&diary);
}

TEST_MAIN(RUN(a_change_of_the_file_is_told_and_none_of_its_neighbours), RUN(a_file_that_is_only_read_is_not_told_of),
          RUN(a_file_replaced_by_rename_is_told_and_the_new_one_watched),
          RUN(a_file_replaced_from_another_folder_is_created), RUN(a_backup_and_a_new_file_are_told),
          RUN(a_file_removed_and_made_again_is_told_and_watched), RUN(a_file_moved_elsewhere_is_removed),
          RUN(a_path_that_is_missing_can_be_waited_for),
          RUN(folders_that_come_while_a_watch_of_a_missing_path_begins_are_not_overlooked),
          RUN(a_folder_that_is_renamed_takes_its_file_away),
          RUN(a_file_whose_folder_is_replaced_is_removed_and_created),
          RUN(a_file_can_become_a_folder_and_the_other_way_round), RUN(a_link_is_followed_and_so_is_its_change),
          RUN(what_a_link_leads_to_can_be_replaced_and_removed), RUN(a_link_to_a_folder_is_that_folder),
          RUN(a_link_further_up_is_followed_and_so_is_its_change),
          RUN(a_link_that_comes_to_lead_to_a_folder_below_is_told_once),
          RUN(links_in_a_circle_lead_nowhere), RUN(another_name_of_the_file_changes_it_too))
