/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Child processes: environment, folder, identity, signals, and kernels that know no pidfds. */
#include "support/child.h"
#include "support/process.h"

#include <grp.h>
#if defined(__linux__) && defined(__x86_64__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* ---- Environment, arguments, folder ---- */

TEST(arguments_arrive_as_they_are) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "for a; do printf '[%s]' \"$a\"; done");
    command.argv[4] = "";
    command.argv[5] = "two words \"quoted\" \\ $HOME";
    command.argv[6] = "\xc3\xa9\xff\n";
    CHECK_STR(said_by(loop, &command, 1), "[][two words \"quoted\" \\ $HOME][\xc3\xa9\xff\n]");
    free_childless(loop);
}

TEST(without_arguments_it_gets_its_name) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "");
    command.options.file = "pwd";
    command.options.argv = NULL;
    command.options.cwd = "/usr";
    CHECK_STR(said_by(loop, &command, 1), "/usr");
    free_childless(loop);
}

TEST(the_environment_is_inherited_or_given) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    const char *env[] = {"RONDEL_TEST_GIVEN=yes", "EMPTY=", NULL}, *nothing[] = {NULL};
    CHECK_EQ(setenv("RONDEL_TEST_OWN", "kept", 1), 0);
    CHECK_STR(output_of(loop, "echo $RONDEL_TEST_OWN"), "kept");
    command_of(&command, "echo ${RONDEL_TEST_OWN-none} $RONDEL_TEST_GIVEN [${EMPTY-unset}]")->env = env;
    CHECK_STR(said_by(loop, &command, 1), "none yes []");
    command_of(&command, "")->env = nothing;
    command.options.file = "/usr/bin/env";
    command.argv[1] = NULL;
    if (!ON_VALGRIND) CHECK_STR(said_by(loop, &command, 1), "");
    CHECK_EQ(unsetenv("RONDEL_TEST_OWN"), 0);
    free_childless(loop);
}

static void write_script(const char *path, const char *text, int mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    CHECK_EQ(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

TEST(a_name_is_searched_in_the_path_it_gets) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char one[] = "/tmp/rondel-one-XXXXXX", two[] = "/tmp/rondel-two-XXXXXX", file[64], other[64], path[128];
    const char *env[] = {path, NULL};
    REQUIRE(mkdtemp(one) && mkdtemp(two));
    snprintf(file, sizeof file, "%s/rondel-said", one);
    snprintf(other, sizeof other, "%s/rondel-said", two);
    write_script(file, "#!/bin/sh\necho one\n", 0700);
    write_script(other, "#!/bin/sh\necho two\n", 0700);
    command_of(&command, "")->env = env;
    command.options.file = "rondel-said";
    command.argv[1] = NULL;
    snprintf(path, sizeof path, "PATH=/nowhere:%s:%s", one, two);
    CHECK_STR(said_by(loop, &command, 1), "one");
    CHECK_EQ(chmod(file, 0600), 0); /* what may not be run is passed over */
    memset(command.stdio, 0, sizeof command.stdio);
    CHECK_STR(said_by(loop, &command, 1), "two");
    CHECK_EQ(unlink(other), 0); /* but remembered */
    memset(command.stdio, 0, sizeof command.stdio);
    CHECK_EQ(rondel_process_spawn(loop, &command.options, NULL, NULL), RONDEL_EACCES);
    snprintf(path, sizeof path, "PATH=");
    CHECK_EQ(chmod(file, 0700), 0);
    memset(command.stdio, 0, sizeof command.stdio);
    command.options.cwd = one; /* an empty one is the folder it starts in */
    CHECK_STR(said_by(loop, &command, 1), "one");
    command.options.cwd = "/";
    memset(command.stdio, 0, sizeof command.stdio);
    snprintf(path, sizeof path, "NOPATH=");
    CHECK_EQ(rondel_process_spawn(loop, &command.options, NULL, NULL), RONDEL_ENOENT);
    unlink(file), rmdir(one), rmdir(two);
    free_childless(loop);
}

TEST(a_relative_program_is_meant_from_its_folder) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char folder[] = "/tmp/rondel-process-XXXXXX", file[64];
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(file, sizeof file, "%s/here", folder);
    write_script(file, "#!/bin/sh\npwd\n", 0700);
    command_of(&command, "")->cwd = folder;
    command.options.file = "./here";
    command.argv[1] = NULL;
    CHECK_STR(said_by(loop, &command, 1), folder);
    unlink(file), rmdir(folder);
    free_childless(loop);
}

/* ---- Who it is ---- */

TEST(a_detached_one_leads_a_session_and_another_a_group) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    const char *script = "read a b c d group session rest < /proc/self/stat; echo $(($$ == group)) $(($$ == session))";
    CHECK_STR(output_of(loop, script), "0 0");
    /* The stat is of the shell itself: read is no process of its own. */
    command_of(&command, script)->flags = RONDEL_PROCESS_DETACHED;
    CHECK_STR(said_by(loop, &command, 1), "1 1");
    command_of(&command, script)->flags = RONDEL_PROCESS_GROUP;
    CHECK_STR(said_by(loop, &command, 1), "1 0");
    free_childless(loop);
}

TEST(one_may_join_the_group_of_another) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char expected[32];
    command_of(&command, "read line")->flags = RONDEL_PROCESS_GROUP;
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    rondel_process leader = spawn_command(loop, &command, NULL, NULL);
    command_of(&command, "read a b c d group rest < /proc/self/stat; echo $group")->flags = RONDEL_PROCESS_GROUP;
    command.options.process_group = (int32_t)rondel_process_pid(leader);
    snprintf(expected, sizeof expected, "%d", command.options.process_group);
    CHECK_STR(said_by(loop, &command, 1), expected);
    CHECK_EQ(rondel_close(rondel_process_stream(leader, 0)), 0);
    CHECK_EQ(end_of(leader), 1);
    command_of(&command, "true")->flags = RONDEL_PROCESS_GROUP;
    command.options.process_group = INT32_MAX;
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EPERM);
    free_childless(loop);
}

TEST(the_umask_is_its_own) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    mode_t own = umask(022);
    CHECK_STR(output_of(loop, "umask"), "0022");
    command_of(&command, "umask")->flags = RONDEL_PROCESS_UMASK;
    command.options.umask = 0137;
    CHECK_STR(said_by(loop, &command, 1), "0137");
    CHECK_EQ(umask(own), 022); /* ours is as it was */
    free_childless(loop);
}

static const char *const identity = "id -u; id -g; id -G";

TEST(root_may_give_it_another_group_and_further_ones) {
    if (getuid() != 0) SKIP("not root");
    rondel_loop loop = rondel_loop_new();
    struct command command;
    const uint32_t groups[] = {1234, 2345};
    command_of(&command, identity)->flags = RONDEL_PROCESS_GID;
    command.options.gid = 65533;
    CHECK_STR(said_by(loop, &command, 1), "0\n65533\n65533"); /* and has none of root's groups */
    command_of(&command, identity)->flags = RONDEL_PROCESS_GID | RONDEL_PROCESS_GROUPS;
    command.options.gid = 65533;
    command.options.groups = groups, command.options.group_count = 2;
    CHECK_STR(said_by(loop, &command, 1), "0\n65533\n65533 1234 2345");
    CHECK_EQ(getgid(), 0); /* nothing of this was done to us */
    free_childless(loop);
}

TEST(root_may_give_it_another_user) {
    if (getuid() != 0) SKIP("not root");
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "exit 3")->flags = RONDEL_PROCESS_UID;
    command.options.uid = 65534;
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    if (process == RONDEL_EACCES) {
        free_childless(loop);
        SKIP("nobody else may run programs here");
    }
    CHECK_EQ(end_of(process), 3);
    command_of(&command, identity)->flags = RONDEL_PROCESS_UID;
    command.options.uid = 65534;
    CHECK_STR(said_by(loop, &command, 1), "65534\n0\n0");
    CHECK_EQ(getuid(), 0);
    free_childless(loop);
}

static int be_nobody(void *arg) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    (void)arg;
    if (getuid() == 0) CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    command_of(&command, "true")->flags = RONDEL_PROCESS_UID;
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EPERM);
    command_of(&command, "true")->flags = RONDEL_PROCESS_GID;
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EPERM);
    command_of(&command, "true")->flags = RONDEL_PROCESS_GROUPS;
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EPERM);
    command_of(&command, "exit 3")->flags = RONDEL_PROCESS_UID; /* what it is already, it may be */
    command.options.uid = (uint32_t)getuid();
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    if (process != RONDEL_EACCES) CHECK_EQ(end_of(process), 3); /* where nobody may run programs */
    free_childless(loop);
    return 0;
}

TEST(others_may_not_and_are_told) {
    struct child child;
    child_start(&child, be_nobody, NULL);
    child_ends_with(&child, 0);
}

/* ---- Signals ---- */

static void no_handler(int signum) { (void)signum; }

TEST(signals_are_as_by_default) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    sigset_t set, before;
    CHECK(signal(SIGUSR1, no_handler) != SIG_ERR);
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    sigemptyset(&set), sigaddset(&set, SIGUSR2);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    command_of(&command, "");
    command.options.file = "sed"; /* which handles none itself */
    command.argv[0] = "sed", command.argv[1] = "-n", command.argv[2] = "/^Sig[BIC]/p", command.argv[3] = "/proc/self/status";
    CHECK_STR(said_by(loop, &command, 1),
              "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000");
    memset(command.stdio, 0, sizeof command.stdio);
    command.options.flags = RONDEL_PROCESS_KEEP_SIGNALS; /* SIGUSR2 is bit 11, SIGHUP bit 0; a handler cannot be kept */
    CHECK_STR(said_by(loop, &command, 1),
              "SigBlk:\t0000000000000800\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000");
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
    CHECK_EQ(sigismember(&set, SIGUSR2), 1); /* and ours are as they were */
    CHECK_EQ(sigismember(&set, SIGTERM), 0);
    CHECK(signal(SIGUSR1, SIG_DFL) == no_handler);
    CHECK(signal(SIGHUP, SIG_DFL) == SIG_IGN);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    free_childless(loop);
}

static volatile sig_atomic_t storm_count;

static void count_storm(int signum) {
    (void)signum;
    storm_count++;
}

static void *blow_storm(void *arg) {
    while (!__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST)) kill(getpid(), SIGUSR1);
    return NULL;
}

/* A handler of ours that ran in the child would run in our memory. */
TEST(signals_that_rain_on_us_do_not_reach_the_child_on_its_way) {
    rondel_loop loop = rondel_loop_new();
    pthread_t thread;
    int done = 0;
    CHECK(signal(SIGUSR1, count_storm) != SIG_ERR);
    REQUIRE_EQ(pthread_create(&thread, NULL, blow_storm, &done), 0);
    while (!storm_count) sched_yield();
    for (int64_t i = test_scale(100, 10); i > 0; i--) CHECK_EQ(status_of(loop, "exit 5"), 5);
    __atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(signal(SIGUSR1, SIG_DFL) == count_storm);
    free_childless(loop);
}

/* ---- Kernels of old ---- */

#if defined(__linux__) && defined(__x86_64__)
/* From now on this process sees a kernel without pidfds and close_range. */
static int forget_pidfds(void) {
    const uint32_t number = offsetof(struct seccomp_data, nr), first = offsetof(struct seccomp_data, args[0]);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, first),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1000 /* CLONE_PIDFD */, 0, 5),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 434 /* pidfd_open */, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 424 /* pidfd_send_signal */, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436 /* close_range */, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int pidfds_in_use(void) {
    int count = 0;
    for (int fd = 0; fd < 64; fd++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) > 0) count += strstr(target, "pidfd") != NULL;
    }
    return count;
}

static int old_kernel(void *arg) {
    struct seen told = {0, 0, 0}, exits[20];
    (void)arg;
    CHECK(forget_pidfds());
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    memset(exits, 0, sizeof exits);
    CHECK_EQ(status_of(loop, "exit 7"), 7);
    CHECK_EQ(status_of(loop, "kill -9 $$"), RONDEL_EXIT_SIGNAL + SIGKILL);
    CHECK_EQ(spawn_script(loop, "exit 7", RONDEL_FUTURE), RONDEL_EINVAL);
    rondel_signal watcher = rondel_signal_start(loop, SIGCHLD, see, &told);
    CHECK_EQ(rondel_unref(watcher), 0);
    for (int i = 0; i < 20; i++) CHECK(spawn_script(i % 2 ? loop : other, "exit 4", close_source, NULL) > 0);
    rondel_process killed = spawn_script(loop, "exec sleep 1000", see, &exits[0]);
    CHECK_EQ(pidfds_in_use(), 0);
    CHECK_EQ(rondel_process_kill(killed, SIGTERM), 0);
    pid_t own = fork();
    if (own == 0) _exit(9);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_run(other, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(exits[0].result, RONDEL_EXIT_SIGNAL + SIGTERM);
    CHECK_EQ(end_of(killed), RONDEL_EXIT_SIGNAL + SIGTERM);
    CHECK(told.calls > 0);
    int status = 0;
    CHECK_EQ(waitpid(own, &status, 0), own); /* it was left to us */
    CHECK_EQ(WEXITSTATUS(status), 9);
    rondel_process left = spawn_script(loop, "exec sleep 1000", see, &exits[1]);
    int64_t pid = rondel_process_pid(left);
    CHECK_EQ(rondel_close(left), 0);
    CHECK_EQ(kill((pid_t)pid, SIGKILL), 0);
    while (kill((pid_t)pid, 0) == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(exits[1].calls, 0);
    CHECK_EQ(rondel_close(watcher), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    struct sigaction action;
    CHECK_EQ(sigaction(SIGCHLD, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL); /* with the last child our handler goes */
    free_childless(loop);
    free_childless(other);
    return 0;
}
#endif

TEST(a_kernel_without_pidfds_will_do) {
#if defined(__linux__) && defined(__x86_64__)
    if (ON_VALGRIND) SKIP("valgrind lets no filter near its own calls");
    struct child child;
    child_start(&child, old_kernel, NULL);
    child_ends_with(&child, 0);
#else
    SKIP("for Linux on x86-64");
#endif
}

TEST_MAIN(RUN(arguments_arrive_as_they_are), RUN(without_arguments_it_gets_its_name),
          RUN(the_environment_is_inherited_or_given), RUN(a_name_is_searched_in_the_path_it_gets),
          RUN(a_relative_program_is_meant_from_its_folder), RUN(a_detached_one_leads_a_session_and_another_a_group),
          RUN(one_may_join_the_group_of_another), RUN(the_umask_is_its_own),
          RUN(root_may_give_it_another_group_and_further_ones), RUN(root_may_give_it_another_user), RUN(others_may_not_and_are_told),
          RUN(signals_are_as_by_default), RUN(signals_that_rain_on_us_do_not_reach_the_child_on_its_way),
          RUN(a_kernel_without_pidfds_will_do))
