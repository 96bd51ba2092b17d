/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watches of paths when there is too much to tell, or too little left of what the system gives: descriptors, watches. */
#include "support/test.h"

#include "support/child.h"
#include "support/watch.h"

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#define ONLY_ON_LINUX
#else
#define ONLY_ON_LINUX SKIP("elsewhere the system itself knows what is in folders")
#endif

static struct diary diary;

static int64_t system_limit(const char *path) {
    FILE *file = fopen(path, "r");
    long long limit = 0;
    if (file == NULL || fscanf(file, "%lld", &limit) != 1) limit = 0;
    if (file) fclose(file);
    return limit;
}

TEST(what_the_system_could_not_keep_is_told_as_an_overflow) {
    int64_t limit = system_limit("/proc/sys/fs/inotify/max_queued_events");
    if (limit == 0 || limit > 100000) SKIP("the system keeps more than can be done here");
    make_room();
    make_folder("a");
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    for (int64_t i = 0; i < limit; i++) {
        make_folder("b");
        take_away("b");
    }
    make_folder("unseen");
    make_folder("unseen/inner");
    until_told(&diary, "", RONDEL_WATCH_OVERFLOW);
    until_quiet(&diary);
    /* And goes on, with what was made meanwhile. */
    forget(&diary);
    make_file("unseen/inner/c");
    until_told(&diary, "unseen/inner/c", RONDEL_WATCH_CREATED);
    make_file("a/d");
    until_told(&diary, "a/d", RONDEL_WATCH_CREATED);
    end_diary(&diary);
}

/* ---- No descriptors left; each in a child, whose limit is its own ---- */

static struct rlimit limit_before;

/* From here on the process gets `count` descriptors, or fewer, where some further up are open. */
static void leave_descriptors(int count) {
    struct rlimit limit = limit_before;
    int lowest = dup(0);
    CHECK(lowest > 0);
    close(lowest);
    limit.rlim_cur = (rlim_t)(lowest + count);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void give_descriptors_back(void) { CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit_before), 0); }

static void in_child(int (*body)(void *arg)) {
    struct child child;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
    child_start(&child, body, NULL);
    child_ends_with(&child, 0);
}

static int start_without_descriptors(void *arg) {
    struct seen seen = {0, 0, 0};
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    leave_descriptors(0);
    CHECK_EQ(rondel_watch_start(loop, room, 0, see, &seen), RONDEL_EMFILE);
    CHECK_EQ(rondel_watch_poll(loop, room, 0, RONDEL_MS, see, &seen), RONDEL_EMFILE);
    give_descriptors_back();
    begin_diary(&diary, loop, "", 0);
    /* The watches of a loop share one, but folders have to be opened, too. */
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    leave_descriptors(0);
    CHECK_EQ(rondel_watch_start(loop, room, RONDEL_WATCH_RECURSIVE, see, &seen), RONDEL_EMFILE);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    make_folder("folder");
    until_told(&diary, "folder", RONDEL_WATCH_CREATED);
    give_descriptors_back();
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
    return 0;
}

TEST(without_descriptors_it_is_refused_and_works_again) {
    make_room();
    in_child(start_without_descriptors);
    leave_room();
}

static int meet_a_folder_without_descriptors(void *arg) {
    (void)arg;
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    make_folder("folder");
    make_file("folder/unseen");
    leave_descriptors(0);
    until_told(&diary, "folder", RONDEL_WATCH_CREATED);
    until_quiet(&diary);
    give_descriptors_back();
    CHECK_EQ(told_of(&diary, "folder"), RONDEL_WATCH_CREATED | RONDEL_WATCH_OVERFLOW);
    make_folder("another");
    make_file("another/file");
    until_told(&diary, "another/file", RONDEL_WATCH_CREATED);
    CHECK_EQ(rondel_loop_free(diary.loop), 0);
    return 0;
}

TEST(a_folder_that_could_not_be_looked_into_for_want_of_descriptors_is_told_as_an_overflow) {
    ONLY_ON_LINUX;
    make_room();
    in_child(meet_a_folder_without_descriptors);
    leave_room();
}

static void until_looked(int64_t times) {
    int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE) < done + times)
        CHECK(rondel_run(diary.loop, RONDEL_RUN_NOWAIT) >= 0);
}

static int poll_without_descriptors(void *arg) {
    (void)arg;
    memset(&diary, 0, sizeof diary);
    diary.loop = rondel_loop_new();
    diary.watch = rondel_watch_poll(diary.loop, room, RONDEL_WATCH_RECURSIVE, RONDEL_MS, on_change, &diary);
    until_looked(2); /* what a look needs once is there */
    leave_descriptors(0);
    until_looked(3);
    give_descriptors_back();
    until_looked(2);
    CHECK_EQ(diary.calls, 0);
    make_file("folder/another");
    until_told(&diary, "folder/another", RONDEL_WATCH_CREATED);
    CHECK_EQ(different(&diary), 1);
    CHECK_EQ(rondel_loop_free(diary.loop), 0);
    return 0;
}

TEST(a_look_for_which_there_are_no_descriptors_finds_nothing_gone) {
    make_room();
    make_folder("folder");
    make_file("folder/file");
    in_child(poll_without_descriptors);
    leave_room();
}

static void adopt_without_descriptors(void) {
    int64_t forked;
    int left = 0;
    do {
        leave_descriptors(left++);
        forked = rondel_loop_fork(diary.loop);
        give_descriptors_back();
    } while (forked == RONDEL_EMFILE);
    CHECK(left > 1);
    REQUIRE_EQ(forked, 0);
    until_quiet(&diary);
    REQUIRE_EQ(told_of(&diary, ""), RONDEL_WATCH_OVERFLOW);
    make_file("by_child");
    until_told(&diary, "by_child", RONDEL_WATCH_CREATED);
    CHECK_EQ(rondel_loop_free(diary.loop), 0);
}

static int fork_without_descriptors(void *arg) {
    (void)arg;
    adopt_without_descriptors();
    return 0;
}

TEST(a_child_of_a_fork_without_descriptors_is_refused_its_loop_and_can_ask_again) {
    make_room();
    begin_diary(&diary, rondel_loop_new(), "", RONDEL_WATCH_RECURSIVE);
    in_child(fork_without_descriptors);
    until_told(&diary, "by_child", RONDEL_WATCH_CREATED);
    CHECK(!(diary.what & RONDEL_WATCH_OVERFLOW));
    end_diary(&diary);
}

/* ---- No watches left, nor lists of them ---- */

#ifdef __linux__
/* From here on this call fails in this process, as when a limit of its user is reached. */
static void refuse_call(unsigned number, unsigned error) {
    struct sock_filter refuse[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof refuse / sizeof *refuse, refuse};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int live_at_the_limit(void *arg) {
    struct seen seen = {0, 0, 0};
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    begin_diary(&diary, loop, "", RONDEL_WATCH_RECURSIVE);
    refuse_call(SYS_inotify_add_watch, ENOSPC);
    CHECK_EQ(rondel_watch_start(loop, in_room("folder"), 0, see, &seen), RONDEL_ENOSPC);
    /* What there is goes on, and says what it cannot do. */
    make_file("folder/a");
    until_told(&diary, "folder/a", RONDEL_WATCH_CREATED);
    CHECK(!(diary.what & RONDEL_WATCH_OVERFLOW));
    make_folder("folder/new");
    until_told(&diary, "folder/new", RONDEL_WATCH_CREATED | RONDEL_WATCH_OVERFLOW);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
    return 0;
}

TEST(when_no_more_can_be_watched_it_says_so) {
    if (ON_QEMU) SKIP("a filter of system calls goes by the numbers of the machine below");
    make_room();
    make_folder("folder");
    in_child(live_at_the_limit);
    leave_room();
}

static int fork_at_the_limit(void *arg) {
    (void)arg;
    refuse_call(SYS_inotify_init1, EMFILE);
    CHECK_EQ(rondel_loop_fork(diary.loop), RONDEL_EMFILE);
    CHECK_EQ(rondel_loop_free(diary.loop), 0);
    return 0;
}

TEST(a_child_of_a_fork_that_could_not_watch_is_refused_its_loop) {
    if (ON_QEMU) SKIP("a filter of system calls goes by the numbers of the machine below");
    make_room();
    begin_diary(&diary, rondel_loop_new(), "", 0);
    in_child(fork_at_the_limit);
    make_file("a");
    until_told(&diary, "a", RONDEL_WATCH_CREATED);
    end_diary(&diary);
}
#else
TEST(when_no_more_can_be_watched_it_says_so) { SKIP("only Linux counts the watches of a user"); }
TEST(a_child_of_a_fork_that_could_not_watch_is_refused_its_loop) { SKIP("only Linux counts the lists of a user"); }
#endif

TEST_MAIN(RUN(what_the_system_could_not_keep_is_told_as_an_overflow),
          RUN(without_descriptors_it_is_refused_and_works_again),
          RUN(a_folder_that_could_not_be_looked_into_for_want_of_descriptors_is_told_as_an_overflow),
          RUN(a_look_for_which_there_are_no_descriptors_finds_nothing_gone),
          RUN(a_child_of_a_fork_without_descriptors_is_refused_its_loop_and_can_ask_again),
          RUN(when_no_more_can_be_watched_it_says_so), RUN(a_child_of_a_fork_that_could_not_watch_is_refused_its_loop))
