/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watches of paths: what is refused, how they end, many of them, on other threads and in children. */
#include "support/test.h"

#include "support/child.h"
#include "support/steps.h"
#include "support/watch.h"

static struct diary diary;

TEST(what_makes_no_sense_is_refused) {
    make_room();
    make_file("a");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int descriptors = test_open_descriptors();
    CHECK_EQ(rondel_watch_start(loop, NULL, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, "", 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, room, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, room, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, room, 0, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, room, 0, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_start(loop, in_room("b"), 0, see, &seen), RONDEL_ENOENT);
    CHECK_EQ(rondel_watch_start(loop, in_room("b/c"), 0, see, &seen), RONDEL_ENOENT);
    CHECK_EQ(rondel_watch_start(loop, in_room("a/b"), 0, see, &seen), RONDEL_ENOTDIR);
    CHECK_EQ(rondel_watch_start(RONDEL_EBUSY, room, 0, see, &seen), RONDEL_EBUSY);
    CHECK_EQ(rondel_watch_poll(loop, room, 0, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_poll(loop, room, 0, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_poll(loop, in_room("b"), 0, RONDEL_MS, see, &seen), RONDEL_ENOENT);
    CHECK_EQ(test_open_descriptors(), descriptors);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
    leave_room();
}

TEST(a_folder_that_may_not_be_looked_into_is_refused) {
    struct seen seen = {0, 0, 0};
    if (geteuid() == 0) SKIP("root may look into everything");
    make_room();
    make_folder("closed");
    CHECK_EQ(chmod(in_room("closed"), 0), 0);
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_watch_start(loop, in_room("closed"), 0, see, &seen), RONDEL_EACCES);
    CHECK_EQ(rondel_watch_start(loop, in_room("closed"), RONDEL_WATCH_MISSING, see, &seen), RONDEL_EACCES);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST(a_watch_keeps_the_loop_alive_and_says_what_it_is) {
    make_room();
    begin_diary(&diary, rondel_loop_new(), "", 0);
    CHECK_EQ(rondel_kind(diary.watch), RONDEL_KIND_WATCH);
    CHECK_EQ(rondel_is_active(diary.watch), 1);
    CHECK_EQ(rondel_alive(diary.loop), 1);
    CHECK_EQ(rondel_watch_count(diary.watch), 0);
    CHECK_EQ(rondel_watch_what(diary.watch, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_unref(diary.watch), 0);
    CHECK_EQ(rondel_alive(diary.loop), 0);
    CHECK_EQ(rondel_run(diary.loop, RONDEL_RUN_DEFAULT), 0);
    end_diary(&diary);
}

TEST(closed_before_its_turn_it_tells_nothing_but_its_end) {
    struct seen end = {0, 0, 0};
    make_room();
    rondel_loop loop = rondel_loop_new();
    int descriptors = test_open_descriptors();
    begin_diary(&diary, loop, "", 0);
    make_file("a");
    CHECK_EQ(rondel_on_close(diary.watch, see, &end), 0);
    CHECK_EQ(rondel_close(diary.watch), 0);
    CHECK_EQ(test_open_descriptors(), descriptors); /* at once */
    CHECK_EQ(rondel_watch_count(diary.watch), RONDEL_EGONE);
    CHECK_EQ(rondel_close(diary.watch), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(diary.calls, 0);
    CHECK_EQ(end.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(end.calls, 1);
    leave_room();
}

static void close_in_call(rondel_handle watch, int64_t what, void *user_data) {
    struct seen *seen = user_data;
    see(watch, what, seen);
    CHECK_EQ(rondel_close(watch), 0);
    CHECK_EQ(rondel_watch_path(watch, 0, NULL, 0), RONDEL_EGONE);
}

TEST(a_watch_can_be_closed_in_its_own_call) {
    struct seen seen = {0, 0, 0}, end = {0, 0, 0};
    make_room();
    rondel_loop loop = rondel_loop_new();
    rondel_path_watch watch = rondel_watch_start(loop, room, RONDEL_WATCH_RECURSIVE, close_in_call, &seen);
    CHECK_EQ(rondel_on_close(watch, see, &end), 0);
    make_file("a");
    make_file("b");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(end.calls, 1);
    CHECK_EQ(end.source, watch);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

static void start_in_call(rondel_handle watch, int64_t what, void *user_data) {
    struct diary *next = user_data;
    (void)what;
    CHECK_EQ(rondel_close(watch), 0);
    make_file("later");
    begin_diary(next, rondel_loop_of(watch), "", 0);
    make_file("latest");
}

TEST(another_can_be_started_in_a_call) {
    make_room();
    rondel_loop loop = rondel_loop_new();
    diary.loop = loop;
    diary.watch = 0;
    CHECK(rondel_watch_start(loop, room, 0, start_in_call, &diary) > 0);
    make_file("a");
    until_told(&diary, "latest", RONDEL_WATCH_CREATED);
    CHECK_EQ(told_of(&diary, "later"), 0);
    end_diary(&diary);
}

TEST(freeing_the_loop_ends_all_watches_once) {
    enum { SOME = 20 };
    struct seen seen = {0, 0, 0}, end = {0, 0, 0};
    make_room();
    make_folder("a");
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < SOME; i++) {
        rondel_path_watch watch = i % 2 ? rondel_watch_start(loop, room, RONDEL_WATCH_RECURSIVE, see, &seen)
                                        : rondel_watch_poll(loop, room, RONDEL_WATCH_RECURSIVE, RONDEL_MS, see, &seen);
        CHECK_EQ(rondel_on_close(watch, see, &end), 0);
    }
    for (int i = 0; i < 20; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1); /* looks are on their way */
    make_file("a/b");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(end.calls, SOME);
    CHECK_EQ(seen.calls, 0);
    leave_room();
}

TEST(many_watches_of_one_path_are_all_told) {
    enum { MANY = 500 };
    static struct diary diaries[MANY];
    int64_t count = test_scale(MANY, 40);
    make_room();
    make_file("a");
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < count; i++) begin_diary(&diaries[i], loop, i % 2 ? "a" : "", i % 3 ? 0 : RONDEL_WATCH_RECURSIVE);
    append_to("a");
    for (int64_t i = 0; i < count; i++) until_told(&diaries[i], "a", RONDEL_WATCH_MODIFIED);
    /* Those that go take nothing from those that stay. */
    for (int64_t i = 0; i < count; i++)
        if (i % 5) CHECK_EQ(rondel_close(diaries[i].watch), 0);
    append_to("a");
    make_file("a.new");
    move("a.new", "a");
    for (int64_t i = 0; i < count; i += 5) until_renamed(&diaries[i], "a.new", "a");
    for (int64_t i = 0; i < count; i++) CHECK_EQ(was_renamed(&diaries[i], "a.new", "a"), i % 5 == 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

TEST(many_files_of_one_folder_each_have_their_watch) {
    enum { MANY = 2000 };
    static struct seen seen[MANY];
    static rondel_path_watch watches[MANY];
    int64_t count = test_scale(MANY, 200), told;
    char name[32];
    make_room();
    rondel_loop loop = rondel_loop_new();
    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%" PRId64, i);
        make_file(name);
        watches[i] = rondel_watch_start(loop, in_room(name), 0, see, &seen[i]);
        CHECK(watches[i] > 0);
    }
    for (int64_t i = 0; i < count; i += 2) {
        snprintf(name, sizeof name, "%" PRId64, i);
        append_to(name);
    }
    for (told = 0; told < count / 2;) {
        CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
        told = 0;
        for (int64_t i = 0; i < count; i++) told += seen[i].calls;
    }
    for (int64_t i = 0; i < count; i++) CHECK_EQ(seen[i].calls, i % 2 == 0);
    for (int64_t i = 0; i < count; i++) CHECK_EQ(rondel_close(watches[i]), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

/* ---- Pulled, and on other threads ---- */

TEST(completions_that_nobody_has_pulled_are_one) {
    rondel_completion completions[4];
    char path[PATH_MAX];
    int mark;
    make_room();
    rondel_loop loop = rondel_loop_new();
    rondel_path_watch watch = rondel_watch_start(loop, room, 0, rondel_enqueue, &mark);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        make_file(name);
        for (int j = 0; j < 4; j++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    }
    CHECK_EQ(rondel_next(loop, completions, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(completions[0].source, watch);
    CHECK_EQ(completions[0].result, RONDEL_WATCH_CREATED | RONDEL_WATCH_MODIFIED);
    CHECK(completions[0].user_data == &mark);
    CHECK_EQ(rondel_watch_count(watch), 3);
    CHECK(rondel_watch_path(watch, 2, path, sizeof path) > 0);
    CHECK_STR(path, in_room("2"));
    take_away("1");
    CHECK_EQ(rondel_next(loop, completions, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(completions[0].result, RONDEL_WATCH_REMOVED);
    CHECK_EQ(rondel_watch_count(watch), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    leave_room();
}

static struct gate watching = GATE;

static void *watch_on_a_thread(void *arg) {
    struct diary *own = arg;
    rondel_loop loop = rondel_loop_new();
    begin_diary(own, loop, "", RONDEL_WATCH_RECURSIVE);
    gate_pass(&watching);
    until_told(own, "folder/last", RONDEL_WATCH_CREATED);
    CHECK_EQ(rondel_close(own->watch), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return NULL;
}

TEST(loops_on_several_threads_are_each_told) {
    enum { THREADS = 4 };
    static struct diary diaries[THREADS];
    pthread_t threads[THREADS];
    make_room();
    for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, watch_on_a_thread, &diaries[i]), 0);
    gate_wait(&watching, THREADS);
    make_folder("folder");
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "folder/%d", i);
        make_file(name);
    }
    make_file("folder/last");
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(different(&diaries[i]), 202);
        CHECK(!(diaries[i].what & RONDEL_WATCH_OVERFLOW));
    }
    leave_room();
}

static int watch_in_the_child(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_loop_fork(diary.loop), 0);
    until_told(&diary, "", RONDEL_WATCH_OVERFLOW); /* what happened in between is not known */
    forget(&diary);
    make_file("folder/by_child");
    until_told(&diary, "folder/by_child", RONDEL_WATCH_CREATED);
    CHECK_EQ(rondel_loop_free(diary.loop), 0);
    return 0;
}

TEST(a_child_of_a_fork_watches_by_itself) {
    struct child child;
    make_room();
    make_folder("folder");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    child_start(&child, watch_in_the_child, NULL);
    child_ends_with(&child, 0);
    make_file("folder/by_parent");
    until_told(&diary, "folder/by_child", RONDEL_WATCH_CREATED);
    until_told(&diary, "folder/by_parent", RONDEL_WATCH_CREATED);
    CHECK(!(diary.what & RONDEL_WATCH_OVERFLOW));
    end_diary(&diary);
}

TEST_MAIN(RUN(what_makes_no_sense_is_refused), RUN(a_folder_that_may_not_be_looked_into_is_refused),
          RUN(a_watch_keeps_the_loop_alive_and_says_what_it_is), RUN(closed_before_its_turn_it_tells_nothing_but_its_end),
          RUN(a_watch_can_be_closed_in_its_own_call), RUN(another_can_be_started_in_a_call),
          RUN(freeing_the_loop_ends_all_watches_once), RUN(many_watches_of_one_path_are_all_told),
          RUN(many_files_of_one_folder_each_have_their_watch), RUN(completions_that_nobody_has_pulled_are_one),
          RUN(loops_on_several_threads_are_each_told), RUN(a_child_of_a_fork_watches_by_itself))
