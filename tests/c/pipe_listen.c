/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Listening at paths and abstract names: the names themselves, the files they leave, and who may take whose place.
 */
#include "support/local.h"

#include "support/child.h"

#ifdef __linux__
#define HAS_ABSTRACT 1
#else
#define HAS_ABSTRACT 0
#endif

/* An abstract name of this process's own. */
static const char *abstract(const char *what) {
    static char name[64];
    snprintf(name, sizeof name, "@rondel-test-%ld-%s", (long)getpid(), what);
    return name;
}

TEST(a_server_at_a_path_hears_of_each_connection) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    const char *path = local_path("server");
    rondel_pipe server = NET_START(rondel_pipe_listen(loop, path, local_keep, &accepted));
    REQUIRE(server > 0);
    CHECK_EQ(rondel_kind(server), RONDEL_KIND_PIPE);
    CHECK_EQ(rondel_is_active(server), 1);
    int clients[5];
    for (int i = 0; i < 5; i++) CHECK((clients[i] = local_dial(path)) >= 0);
    REQUIRE(net_run_until(loop, &accepted.count, 5));
    for (int i = 0; i < 5; i++) {
        struct net_op op = {0};
        char room[8];
        CHECK(net_send_text(clients[i], "hello"));
        CHECK(rondel_read_exactly(accepted.peers[i], room, 5, net_done, &op) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, 5);
        CHECK(rondel_write(accepted.peers[i], "back", 4, NULL, NULL) > 0);
        CHECK_EQ(net_receive(clients[i], room, 4), 4);
        close(clients[i]);
    }
    local_end(loop);
    CHECK_EQ(accepted.errors, 0);
}

TEST(a_server_at_an_abstract_name_needs_no_file) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    char text[120];
    int port = 7;
    const char *name = abstract("server");
    if (!HAS_ABSTRACT) {
        CHECK_EQ(rondel_pipe_listen(loop, name, local_keep, &accepted), RONDEL_EOPNOTSUPP);
        CHECK_EQ(rondel_pipe_connect(loop, name, net_never, NULL), RONDEL_EOPNOTSUPP);
        local_end(loop);
        return;
    }
    rondel_pipe server = rondel_pipe_listen(loop, name, local_keep, &accepted);
    REQUIRE(server > 0);
    CHECK_EQ(rondel_local_addr(server, text, sizeof text, &port), (int64_t)strlen(name));
    CHECK_STR(text, name);
    CHECK_EQ(port, 0);
    CHECK_EQ(rondel_pipe_listen(loop, name, local_keep, &accepted), RONDEL_EADDRINUSE);
    int client = local_dial(name);
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    CHECK_EQ(rondel_local_addr(accepted.peers[0], text, sizeof text, NULL), (int64_t)strlen(name));
    CHECK_EQ(rondel_peer_addr(accepted.peers[0], text, sizeof text, NULL), 0);
    CHECK_STR(text, "");
    CHECK_EQ(rondel_close(server), 0);
    CHECK_EQ(local_dial(name), -1); /* the name is free at once */
    close(client);
    local_end(loop);
}

TEST(a_lone_at_sign_is_any_free_name) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    struct local_accepted accepted = {0};
    char one[120] = "", other[120] = "";
    if (HAS_ABSTRACT) {
        rondel_pipe first = rondel_pipe_listen(loop, "@", local_keep, &accepted);
        rondel_pipe second = rondel_pipe_listen(loop, "@", local_keep, &accepted);
        CHECK(rondel_local_addr(first, one, sizeof one, NULL) > 1);
        CHECK(rondel_local_addr(second, other, sizeof other, NULL) > 1);
        CHECK(one[0] == '@' && other[0] == '@' && strcmp(one, other));
        CHECK(rondel_pipe_connect(loop, one, net_done, &op) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(rondel_kind(op.result), RONDEL_KIND_PIPE);
    }
    CHECK(rondel_pipe_connect(loop, "@", net_never, NULL) < 0); /* any free name is nobody's */
    local_end(loop);
}

TEST(names_are_told_as_they_were_given) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    struct local_accepted accepted = {0};
    char text[200];
    const char *path = local_path("named");
    rondel_pipe server = rondel_pipe_listen(loop, path, local_keep, &accepted);
    CHECK_EQ(rondel_local_addr(server, NULL, 0, NULL), (int64_t)strlen(path));
    CHECK_EQ(rondel_local_addr(server, text, sizeof text, NULL), (int64_t)strlen(path));
    CHECK_STR(text, path);
    CHECK_EQ(rondel_local_addr(server, text, strlen(path), NULL), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_local_addr(server, text, strlen(path) + 1, NULL), (int64_t)strlen(path));
    CHECK_EQ(rondel_peer_addr(server, text, sizeof text, NULL), RONDEL_ENOTCONN);
    CHECK(rondel_pipe_connect(loop, path, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    CHECK_EQ(rondel_peer_addr(op.result, text, sizeof text, NULL), (int64_t)strlen(path));
    CHECK_STR(text, path);
    CHECK_EQ(rondel_local_addr(op.result, text, sizeof text, NULL), 0);
    CHECK_EQ(rondel_local_addr(accepted.peers[0], text, sizeof text, NULL), (int64_t)strlen(path));
    rondel_pipe fresh = rondel_pipe_new(loop);
    CHECK_EQ(rondel_local_addr(fresh, text, sizeof text, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_fileno(fresh), RONDEL_ENOTCONN);
    rondel_pipe ends[2];
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, ends), 0);
    CHECK_EQ(rondel_local_addr(ends[0], text, sizeof text, NULL), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_peer_addr(ends[1], text, sizeof text, NULL), RONDEL_ENOTSOCK);
    local_end(loop);
}

/* A name of this many bytes, path or abstract. */
static const char *long_name(size_t length, int is_abstract) {
    static char name[300];
    snprintf(name, sizeof name, "%s/", is_abstract ? abstract("long") : local_path("x"));
    if (!is_abstract) name[strlen(local_folder) + 1] = 0;
    memset(name + strlen(name), 'n', length - strlen(name));
    name[length] = 0;
    return name;
}

TEST(a_name_too_long_is_an_error_and_never_cut_short) {
    rondel_loop loop = rondel_loop_new();
    const size_t most = sizeof ((struct sockaddr_un *)0)->sun_path - 1;
    for (int is_abstract = 0; is_abstract <= HAS_ABSTRACT; is_abstract++) {
        const size_t longest = most;
        char text[200];
        const char *name = long_name(longest, is_abstract);
        rondel_pipe server = rondel_pipe_listen(loop, name, net_never, NULL);
        CHECK(server > 0);
        CHECK_EQ(rondel_local_addr(server, text, sizeof text, NULL), (int64_t)longest);
        CHECK_STR(text, name);
        CHECK_EQ(rondel_close(server), 0);
        const size_t lengths[] = {most + (size_t)is_abstract + 1, most + 50, 290};
        for (int i = 0; i < 3; i++) {
            name = long_name(lengths[i], is_abstract);
            CHECK_EQ(rondel_pipe_listen(loop, name, net_never, NULL), RONDEL_ENAMETOOLONG);
            CHECK_EQ(rondel_pipe_connect(loop, name, net_never, NULL), RONDEL_ENAMETOOLONG);
            rondel_pipe pipe = rondel_pipe_new(loop);
            CHECK_EQ(rondel_pipe_bind(pipe, name), RONDEL_ENAMETOOLONG);
            CHECK_EQ(rondel_close(pipe), 0);
        }
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    local_end(loop);
}

TEST(closing_a_server_removes_its_file) {
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("removed");
    rondel_pipe server = rondel_pipe_listen(loop, path, net_never, NULL);
    CHECK_EQ(local_exists(path), 1);
    CHECK_EQ(rondel_close(server), 0);
    CHECK_EQ(local_exists(path), 0);
    /* Also one that was bound and never listened, and one that its loop takes with it. */
    rondel_pipe bound = rondel_pipe_new(loop);
    CHECK_EQ(rondel_pipe_bind(bound, path), 0);
    CHECK_EQ(local_exists(path), 1);
    CHECK_EQ(rondel_close(bound), 0);
    CHECK_EQ(local_exists(path), 0);
    CHECK(rondel_pipe_listen(loop, path, net_never, NULL) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(local_exists(path), 0);
    local_done();
}

/* As when another process takes over. */
TEST(a_server_that_is_detached_leaves_its_file_and_listens_on) {
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("handed");
    struct net_op accept = {0}, accepted = {0}, closed = {0};
    rondel_pipe server = rondel_pipe_listen(loop, path, NULL, NULL);
    CHECK(rondel_accept(server, net_done, &accept) > 0);
    CHECK_EQ(rondel_on_close(server, net_done, &closed), 0);
    int64_t fd = rondel_detach(server);
    CHECK(fd > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(accept.calls, 1);
    CHECK_EQ(accept.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(local_exists(path), 1);
    /* Who comes in between waits. */
    int client = local_dial(path);
    CHECK(client >= 0);
    loop = rondel_loop_new();
    server = rondel_pipe_open(loop, fd);
    CHECK(server > 0);
    CHECK(rondel_accept(server, net_done, &accepted) > 0);
    REQUIRE(net_run_until(loop, &accepted.calls, 1));
    CHECK(accepted.result > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(local_exists(path), 1);
    close(client);
    unlink(path);
    local_done();
}

TEST(a_file_that_is_another_by_now_is_left_alone) {
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("taken");
    /* Another server. */
    rondel_pipe server = rondel_pipe_listen(loop, path, net_never, NULL);
    CHECK_EQ(unlink(path), 0);
    rondel_pipe other = rondel_pipe_listen(loop, path, net_never, NULL);
    CHECK(other > 0);
    CHECK_EQ(rondel_close(server), 0);
    CHECK_EQ(local_exists(path), 1);
    /* A plain file. */
    CHECK_EQ(unlink(path), 0);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK_EQ(rondel_close(other), 0);
    CHECK_EQ(local_exists(path), 1);
    close(file);
    CHECK_EQ(unlink(path), 0);
    /* Nothing. */
    server = rondel_pipe_listen(loop, path, net_never, NULL);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(rondel_close(server), 0);
    local_end(loop);
}

TEST(a_relative_path_is_removed_also_from_elsewhere) {
    rondel_loop loop = rondel_loop_new();
    char here[1000];
    struct net_op op = {0};
    local_path("");
    REQUIRE(getcwd(here, sizeof here) != NULL);
    CHECK_EQ(chdir(local_folder), 0);
    rondel_pipe server = rondel_pipe_listen(loop, "relative", net_never, NULL);
    CHECK(rondel_pipe_connect(loop, "./relative", net_done, &op) > 0);
    CHECK_EQ(chdir(here), 0);
    CHECK_EQ(local_exists(local_path("relative")), 1);
    CHECK_EQ(rondel_close(server), 0);
    CHECK_EQ(local_exists(local_path("relative")), 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK(op.result > 0);
    /* A path that begins with an @. */
    CHECK_EQ(chdir(local_folder), 0);
    server = rondel_pipe_listen(loop, "./@home", net_never, NULL);
    CHECK_EQ(chdir(here), 0);
    CHECK_EQ(local_exists(local_path("@home")), 1);
    local_end(loop);
}

static int free_the_loop(void *loop) {
    CHECK_EQ(rondel_loop_free(*(rondel_loop *)loop), 0);
    return 0;
}

TEST(a_forked_child_leaves_the_file_to_its_parent) {
    static struct child child;
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("parents");
    CHECK(rondel_pipe_listen(loop, path, net_never, NULL) > 0);
    child_start(&child, free_the_loop, &loop);
    child_ends_with(&child, 0);
    CHECK_EQ(local_exists(path), 1);
    local_end(loop);
}

TEST(a_name_that_is_in_use_is_refused) {
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("used");
    rondel_pipe server = rondel_pipe_listen(loop, path, net_never, NULL);
    CHECK(server > 0);
    CHECK_EQ(rondel_pipe_listen(loop, path, net_never, NULL), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_pipe_listen(loop, "/dev/null", net_never, NULL), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_pipe_listen(loop, "/tmp", net_never, NULL), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_pipe_listen(loop, local_path("no/such/folder"), net_never, NULL), RONDEL_ENOENT);
    CHECK_EQ(rondel_pipe_listen(loop, "/dev/null/x", net_never, NULL), RONDEL_ENOTDIR);
    CHECK_EQ(local_exists(path), 1); /* those that were refused have removed nothing */
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    local_end(loop);
}

TEST(a_stale_file_is_reported_and_replaced_only_if_asked_for) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    const char *path = local_path("stale");
    close(local_listener(path, 1)); /* as a crash leaves it */
    CHECK_EQ(rondel_pipe_listen(loop, path, net_never, NULL), RONDEL_EADDRINUSE);
    CHECK_EQ(local_exists(path), 1);
    rondel_pipe pipe = rondel_pipe_new(loop);
    CHECK_EQ(rondel_pipe_bind(pipe, path), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_pipe_replace(pipe, 1), 0);
    CHECK_EQ(rondel_pipe_replace(pipe, 0), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, path), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_pipe_replace(pipe, 1), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, path), 0);
    CHECK_EQ(rondel_listen(pipe, 0, local_keep, &accepted), 0);
    int client = local_dial(path);
    CHECK(client >= 0);
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    close(client);
    local_end(loop);
}

TEST(nobody_that_lives_is_ever_replaced) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    const char *path = local_path("alive"), *plain = local_path("plain");
    rondel_pipe server = rondel_pipe_listen(loop, path, local_keep, &accepted), pipe = rondel_pipe_new(loop);
    CHECK(server > 0);
    CHECK_EQ(rondel_pipe_replace(pipe, 1), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, path), RONDEL_EADDRINUSE);
    int full = local_listener(plain, 0), waiting = local_dial(plain);
    CHECK_EQ(rondel_pipe_bind(pipe, plain), RONDEL_EADDRINUSE); /* as many wait as may, but there is somebody */
    CHECK_EQ(rondel_pipe_bind(pipe, plain), RONDEL_EADDRINUSE);
    close(full), close(waiting);
    CHECK_EQ(unlink(plain), 0);
    int file = open(plain, O_CREAT | O_WRONLY, 0600);
    CHECK_EQ(rondel_pipe_bind(pipe, plain), RONDEL_EADDRINUSE);
    CHECK_EQ(local_exists(plain), 1);
    close(file);
    CHECK_EQ(unlink(plain), 0);
    CHECK_EQ(symlink("nowhere", plain), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, plain), RONDEL_EADDRINUSE);
    CHECK_EQ(unlink(plain), 0);
    CHECK_EQ(mkdir(plain, 0700), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, plain), RONDEL_EADDRINUSE);
    CHECK_EQ(rmdir(plain), 0);
    int client = local_dial(path); /* and the one that was looked at works */
    CHECK(client >= 0);
    net_settle(loop);
    CHECK(accepted.count >= 1);
    close(client);
    local_end(loop);
}

TEST(the_file_has_the_permissions_asked_for) {
    rondel_loop loop = rondel_loop_new();
    const int modes[] = {0600, 0666, 0777, 0, 01660};
    struct stat stat;
    const char *path = local_path("mode");
    mode_t mask = umask(027);
    for (int i = 0; i < 5; i++) {
        rondel_pipe pipe = rondel_pipe_new(loop);
        CHECK_EQ(rondel_pipe_mode(pipe, modes[i]), 0);
        CHECK_EQ(rondel_pipe_bind(pipe, path), 0);
        CHECK_EQ(lstat(path, &stat), 0);
        CHECK_EQ(stat.st_mode & 07777, modes[i]);
        CHECK(S_ISSOCK(stat.st_mode));
        CHECK_EQ(rondel_pipe_mode(pipe, 0600), RONDEL_EINVAL);
        CHECK_EQ(rondel_pipe_replace(pipe, 1), RONDEL_EINVAL);
        CHECK_EQ(rondel_listen(pipe, 0, net_never, NULL), 0);
        CHECK_EQ(rondel_close(pipe), 0);
    }
    rondel_pipe pipe = rondel_pipe_new(loop);
    CHECK_EQ(rondel_pipe_bind(pipe, path), 0); /* else the umask decides */
    CHECK_EQ(lstat(path, &stat), 0);
    CHECK_EQ(stat.st_mode & 07777, 0750);
    umask(mask);
    const int bad[] = {-1, 010000, INT32_MAX, INT32_MIN};
    rondel_pipe fresh = rondel_pipe_new(loop);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_pipe_mode(fresh, bad[i]), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_mode(fresh, 0600), 0);
    if (HAS_ABSTRACT) CHECK_EQ(rondel_pipe_bind(fresh, abstract("mode")), RONDEL_EINVAL);
    local_end(loop);
}

TEST(nobody_can_connect_before_it_listens) {
    rondel_loop loop = rondel_loop_new();
    struct net_op early = {0}, op = {0};
    const char *path = local_path("steps");
    rondel_pipe pipe = rondel_pipe_new(loop);
    CHECK_EQ(rondel_listen(pipe, 0, net_never, NULL), RONDEL_EINVAL); /* no name yet */
    CHECK_EQ(rondel_accept(pipe, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_write(pipe, "x", 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_bind(pipe, path), 0);
    CHECK_EQ(rondel_pipe_bind(pipe, path), RONDEL_EINVAL);
    CHECK_EQ(rondel_is_active(pipe), 0);
    CHECK(NET_START(rondel_pipe_connect(loop, path, net_done, &early)) > 0);
    REQUIRE(net_run_until(loop, &early.calls, 1));
    CHECK_EQ(early.result, RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_listen(pipe, -1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_listen(pipe, 4, NULL, NULL), 0);
    CHECK_EQ(rondel_listen(pipe, 4, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_bind(pipe, path), RONDEL_EINVAL);
    struct net_op accepted = {0};
    CHECK(NET_START(rondel_accept(pipe, net_done, &accepted)) > 0);
    CHECK(rondel_pipe_connect(loop, path, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &accepted.calls, 1));
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_kind(accepted.result), RONDEL_KIND_PIPE);
    CHECK_EQ(rondel_pipe_bind(accepted.result, path), RONDEL_EISCONN);
    CHECK_EQ(rondel_pipe_mode(accepted.result, 0600), RONDEL_EISCONN);
    local_end(loop);
}

TEST(a_server_that_runs_out_of_descriptors_says_so_and_goes_on) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    struct rlimit old, few;
    const char *path = local_path("few");
    rondel_pipe server = rondel_pipe_listen(loop, path, local_keep, &accepted);
    int client = local_dial(path), next = dup(client);
    CHECK(server > 0);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t)next + 1;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (accepted.errors == 0 && rondel_run(loop, RONDEL_RUN_ONCE) == 1) continue;
    CHECK_EQ(accepted.last_error, RONDEL_EMFILE);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    int second = local_dial(path); /* valgrind, which counts descriptors itself, has closed the first */
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    close(client), close(next), close(second);
    local_end(loop);
}

TEST(an_inherited_listener_accepts_pipes) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    const char *path = local_path("inherited");
    rondel_pipe server = rondel_pipe_open(loop, local_listener(path, 4));
    CHECK(server > 0);
    CHECK_EQ(rondel_listen(server, 0, local_keep, &accepted), 0);
    int client = local_dial(path);
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(local_exists(path), 1); /* it was somebody else who made the file */
    CHECK_EQ(unlink(path), 0);
    close(client);
    local_done();
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe pipe = rondel_pipe_new(loop);
    CHECK_EQ(rondel_pipe_listen(loop, NULL, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_listen(loop, "", net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_listen(loop, local_path("x"), RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(local_exists(local_path("x")), 0);
    CHECK_EQ(rondel_pipe_connect(loop, NULL, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_connect(loop, "", net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_bind(pipe, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_bind(pipe, ""), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_peer_credentials(pipe, NULL, NULL, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    local_end(loop);
}

TEST_MAIN(RUN(a_server_at_a_path_hears_of_each_connection), RUN(a_server_at_an_abstract_name_needs_no_file),
          RUN(a_lone_at_sign_is_any_free_name), RUN(names_are_told_as_they_were_given),
          RUN(a_name_too_long_is_an_error_and_never_cut_short), RUN(closing_a_server_removes_its_file),
          RUN(a_server_that_is_detached_leaves_its_file_and_listens_on),
          RUN(a_file_that_is_another_by_now_is_left_alone), RUN(a_relative_path_is_removed_also_from_elsewhere),
          RUN(a_forked_child_leaves_the_file_to_its_parent), RUN(a_name_that_is_in_use_is_refused),
          RUN(a_stale_file_is_reported_and_replaced_only_if_asked_for), RUN(nobody_that_lives_is_ever_replaced),
          RUN(the_file_has_the_permissions_asked_for), RUN(nobody_can_connect_before_it_listens),
          RUN(a_server_that_runs_out_of_descriptors_says_so_and_goes_on), RUN(an_inherited_listener_accepts_pipes),
          RUN(what_makes_no_sense_is_refused))
