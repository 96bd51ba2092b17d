/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Paths watched by looking again and again. */
#include "support/test.h"

#include "support/steps.h"
#include "support/watch.h"

#include <sys/time.h>

static struct diary diary;

static void poll_path(const char *name, int flags) {
    memset(&diary, 0, sizeof diary);
    diary.loop = rondel_loop_new();
    diary.watch = rondel_watch_poll(diary.loop, in_room(name), flags, RONDEL_MS, on_change, &diary);
    CHECK(diary.watch > 0);
}

TEST(what_is_made_changed_and_removed_is_found) {
    make_room();
    make_file("a");
    make_folder("below");
    poll_path("", 0);
    append_to("a"); /* a longer file, so that the clock of the file system does not matter */
    make_file("b");
    make_file("below/c");
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    until_told(&diary, "b", RONDEL_WATCH_CREATED);
    CHECK_EQ(chmod(in_room("b"), 0644), 0);
    until_told(&diary, "b", RONDEL_WATCH_ATTRIBUTES);
    take_away("a");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED);
    CHECK_EQ(told_of(&diary, "below/c"), 0);
    CHECK_EQ(different(&diary), 2);
    end_diary(&diary);
}

TEST(everything_below_is_found_when_asked_for) {
    make_room();
    make_folder("a");
    poll_path("", RONDEL_WATCH_RECURSIVE);
    make_folder("a/b");
    make_file("a/b/c");
    until_told(&diary, "a/b/c", RONDEL_WATCH_CREATED);
    append_to("a/b/c");
    until_told(&diary, "a/b/c", RONDEL_WATCH_MODIFIED);
    clear_folder(in_room("a"));
    until_told(&diary, "a/b/c", RONDEL_WATCH_REMOVED);
    CHECK(told_of(&diary, "a/b") & RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(a_rename_is_found_with_both_names) {
    make_room();
    make_file("old");
    poll_path("", 0);
    move("old", "new");
    until_renamed(&diary, "old", "new");
    CHECK_EQ(diary.count, 1);
    end_diary(&diary);
}

/* Somebody else renames a file, and a folder with a file, there and back; what a look comes upon half done is not told. */
static void *rename_there_and_back(void *arg) {
    (void)arg;
    for (int64_t i = 0; i < test_scale(4000, 300); i++) {
        move(i % 2 ? "new" : "old", i % 2 ? "old" : "new");
        if (!ON_WINDOWS) move(i % 2 ? "y" : "x", i % 2 ? "x" : "y"); /* there not while it is being read */
        usleep(200);
    }
    return NULL;
}

TEST(what_is_renamed_during_a_look_is_renamed) {
    pthread_t other;
    make_room();
    make_file("old");
    make_folder("x");
    make_file("x/below");
    poll_path("", RONDEL_WATCH_RECURSIVE);
    struct seen ticks = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(diary.loop, RONDEL_MS, RONDEL_MS, see, &ticks);
    CHECK_EQ(pthread_create(&other, NULL, rename_there_and_back, NULL), 0);
    int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE) < done + test_scale(400, 40)) {
        CHECK_EQ(rondel_run(diary.loop, RONDEL_RUN_ONCE), 1);
        CHECK_EQ(diary.what & ~(int64_t)RONDEL_WATCH_RENAMED, 0);
        if (diary.what & ~(int64_t)RONDEL_WATCH_RENAMED) print_diary(&diary);
        forget(&diary);
    }
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK_EQ(rondel_close(timer), 0);
    end_diary(&diary);
}

/* The clock of the file system, by which a look sees that a folder has changed meanwhile, goes by ticks. */
static void until_the_clock_has_gone_on(void) {
    struct stat folder, clock;
    do {
        CHECK_EQ(utimes(in_room("clock"), NULL), 0);
        CHECK_EQ(stat(in_room("many"), &folder), 0);
        CHECK_EQ(stat(in_room("clock"), &clock), 0);
    } while (clock.st_mtim.tv_sec == folder.st_mtim.tv_sec && clock.st_mtim.tv_nsec == folder.st_mtim.tv_nsec);
}

/* Somebody else renames a file now and then, at any point of a look, but not twice in one. */
static void *rename_now_and_then(void *arg) {
    for (int64_t i = 0;; i++) {
        int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
        while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE) < done + 3) usleep(100);
        if (i == test_scale(30, 5)) break;
        until_the_clock_has_gone_on();
        usleep((useconds_t)(i * 37 % 100 * 100));
        move(i % 2 ? "many/another-name" : "many/name", i % 2 ? "many/name" : "many/another-name");
    }
    CHECK_EQ(rondel_future_set_threadsafe(*(rondel_future *)arg, 0), 0);
    return NULL;
}

TEST(a_file_renamed_past_the_reader_of_a_large_folder_is_not_told_as_removed) {
    pthread_t other;
    char name[64];
    make_room();
    make_file("clock");
    make_folder("many");
    for (int i = 0; i < test_scale(2500, 400); i++) {
        snprintf(name, sizeof name, "many/a-name-of-which-few-are-read-at-a-time-%d", i);
        make_file(name);
    }
    make_file("many/name");
    poll_path("many", 0);
    rondel_future renamed = rondel_future_new(diary.loop);
    CHECK_EQ(pthread_create(&other, NULL, rename_now_and_then, &renamed), 0);
    CHECK_EQ(rondel_run_until(diary.loop, renamed), 0);
    CHECK_EQ(diary.what, RONDEL_WATCH_RENAMED);
    CHECK_EQ(diary.count, test_scale(30, 5));
    if (diary.what != RONDEL_WATCH_RENAMED) print_diary(&diary);
    CHECK_EQ(pthread_join(other, NULL), 0);
    end_diary(&diary);
}

/* Each is found again among all that are gone. */
TEST(a_renamed_folder_takes_each_of_its_files_along) {
    const int64_t count = test_scale(3000, 200);
    char old[32], name[32];
    make_room();
    make_folder("x");
    for (int64_t i = 0; i < count; i++) {
        snprintf(old, sizeof old, "x/%d", (int)i);
        make_file(old);
    }
    poll_path("", RONDEL_WATCH_RECURSIVE);
    CHECK_EQ(link(in_room("x/7"), in_room("x/seven")), 0);
    until_told(&diary, "x/seven", RONDEL_WATCH_CREATED);
    forget(&diary);
    take_away("x/9");
    move("x", "y");
    until_renamed(&diary, "x", "y");
    until_told(&diary, "x/9", RONDEL_WATCH_REMOVED);
    for (int64_t i = 0; i < count; i++) {
        snprintf(old, sizeof old, "x/%d", (int)i);
        snprintf(name, sizeof name, "y/%d", (int)i);
        if (i != 7 && i != 9) CHECK_EQ(was_renamed(&diary, old, name), 1);
    }
    CHECK_EQ(was_renamed(&diary, "x/7", "y/7") + was_renamed(&diary, "x/seven", "y/7"), 1);
    CHECK_EQ(was_renamed(&diary, "x/7", "y/seven") + was_renamed(&diary, "x/seven", "y/seven"), 1);
    CHECK_EQ(different(&diary), count + 2);
    end_diary(&diary);
}

TEST(a_file_may_come_and_go) {
    make_room();
    poll_path("a", RONDEL_WATCH_MISSING);
    for (int i = 0; i < 3; i++) {
        forget(&diary);
        make_file("a");
        until_told(&diary, "a", RONDEL_WATCH_CREATED);
        append_to("a");
        until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
        take_away("a");
        until_told(&diary, "a", RONDEL_WATCH_REMOVED);
    }
    /* Another file under the same name. */
    forget(&diary);
    make_file("a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    forget(&diary);
    make_file("b");
    move("b", "a");
    until_told(&diary, "a", RONDEL_WATCH_REMOVED | RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

TEST(a_path_below_what_is_still_a_file_can_be_waited_for) {
    make_room();
    make_file("a");
    poll_path("a/b", RONDEL_WATCH_MISSING);
    take_away("a");
    make_folder("a");
    make_file("a/b");
    until_told(&diary, "a/b", RONDEL_WATCH_CREATED);
    CHECK_EQ(different(&diary), 1);
    end_diary(&diary);
}

TEST(times_that_change_are_a_change) {
    make_room();
    make_file("a");
    poll_path("a", 0);
    struct timeval times[2] = {{1000000000, 0}, {1000000000, 0}};
    CHECK_EQ(utimes(in_room("a"), times), 0);
    until_told(&diary, "a", RONDEL_WATCH_MODIFIED);
    end_diary(&diary);
}

TEST(nothing_is_told_of_what_has_not_changed) {
    make_room();
    make_file("a");
    make_folder("b");
    poll_path("", RONDEL_WATCH_RECURSIVE);
    struct seen ticks = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(diary.loop, RONDEL_MS, RONDEL_MS, see, &ticks);
    int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE) < done + 20)
        CHECK_EQ(rondel_run(diary.loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(diary.calls, 0);
    CHECK_EQ(rondel_close(timer), 0);
    end_diary(&diary);
}

static void close_in_call(rondel_handle watch, int64_t what, void *user_data) {
    see(watch, what, user_data);
    CHECK_EQ(rondel_close(watch), 0);
}

TEST(it_can_be_closed_in_its_call_and_while_it_looks) {
    struct seen seen = {0, 0, 0}, end = {0, 0, 0};
    make_room();
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        make_file(name);
    }
    rondel_loop loop = rondel_loop_new();
    rondel_path_watch watch = rondel_watch_poll(loop, room, 0, RONDEL_MS, close_in_call, &seen);
    CHECK_EQ(rondel_on_close(watch, see, &end), 0);
    take_away("7");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_WATCH_REMOVED);
    CHECK_EQ(end.calls, 1);
    for (int i = 0; i < 20; i++) {
        watch = rondel_watch_poll(loop, room, 0, 1, see, &seen); /* it looks nearly all the time */
        CHECK_EQ(rondel_on_close(watch, see, &end), 0);
        for (int j = 0; j < i; j++) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        CHECK_EQ(rondel_close(watch), 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(end.calls, 21);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST_MAIN(RUN(what_is_made_changed_and_removed_is_found), RUN(everything_below_is_found_when_asked_for),
          RUN(a_rename_is_found_with_both_names),
          RUN(what_is_renamed_during_a_look_is_renamed),
          RUN(a_file_renamed_past_the_reader_of_a_large_folder_is_not_told_as_removed),
          RUN(a_renamed_folder_takes_each_of_its_files_along), RUN(a_file_may_come_and_go), RUN(a_path_below_what_is_still_a_file_can_be_waited_for),
          RUN(times_that_change_are_a_change),
          RUN(nothing_is_told_of_what_has_not_changed), RUN(it_can_be_closed_in_its_call_and_while_it_looks))
