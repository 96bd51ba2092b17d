/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Look-ups by the system's own resolver, which asks a name server that does not answer. The child that does so has a
 * network and a resolv.conf of its own; whatever waited for the resolver would wait for minutes.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* unshare */
#endif
#include "support/child.h"
#include "support/net.h"

#ifdef __linux__
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum { CANNOT = 77, LOOK_UPS = 40 };

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    int written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* Lets this process alone see another file at `path`. */
static int put_in_place(const char *folder, const char *path, const char *text) {
    char own[128];
    snprintf(own, sizeof own, "%s/%s", folder, strrchr(path, '/') + 1);
    return write_file(own, text) && mount(own, path, NULL, MS_BIND, NULL) == 0;
}

/* A network with nothing but a loopback, and a resolver that asks there. */
static int move_out(const char *folder) {
    char map[64];
    const unsigned user = geteuid(), group = getegid();
    struct ifreq request;
    if (unshare((user ? CLONE_NEWUSER : 0) | CLONE_NEWNS | CLONE_NEWNET) != 0) return 0;
    if (user) {
        snprintf(map, sizeof map, "0 %u 1", user);
        if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map)) return 0;
        snprintf(map, sizeof map, "0 %u 1", group);
        if (!write_file("/proc/self/gid_map", map)) return 0;
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return 0;
    if (!put_in_place(folder, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")) return 0;
    if (access("/etc/nsswitch.conf", F_OK) == 0 &&
        !put_in_place(folder, "/etc/nsswitch.conf", "hosts: files dns\nservices: files\n"))
        return 0;
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    int up = any >= 0 && ioctl(any, SIOCSIFFLAGS, &request) == 0;
    close(any);
    return up;
}

static int name_server(void) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, "127.0.0.1", 53);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0) return fd;
    return -1;
}

struct question {
    unsigned char bytes[512];
    ssize_t length;
    char host[256]; /* the first part of the name alone */
    int type;
    struct sockaddr_storage from;
    socklen_t size;
};

static void next_question(int server, struct question *question) {
    question->size = sizeof question->from;
    do
        question->length = recvfrom(server, question->bytes, sizeof question->bytes, 0,
                                    (struct sockaddr *)&question->from, &question->size);
    while (question->length < 0 && errno == EINTR);
    CHECK(question->length > 17);
    snprintf(question->host, sizeof question->host, "%.*s", question->bytes[12], (const char *)question->bytes + 13);
    ssize_t at = 12;
    while (at < question->length && question->bytes[at]) at += question->bytes[at] + 1;
    question->type = at + 2 < question->length ? question->bytes[at + 2] : 0;
}

/* An IPv4 address; to whoever asks for another kind, that there is none. */
static void answer(int server, struct question *question) {
    static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77};
    size_t length = 12;
    while (question->bytes[length]) length += question->bytes[length] + 1u;
    length += 5;
    memcpy(question->bytes + 2, "\x81\x80\0\1\0\0\0\0\0\0", 10);
    if (question->type == 1) {
        question->bytes[7] = 1;
        memcpy(question->bytes + length, record, sizeof record);
        length += sizeof record;
    }
    CHECK_EQ(sendto(server, question->bytes, length, 0, (struct sockaddr *)&question->from, question->size), length);
}

static int64_t seven(void *arg) {
    (void)arg;
    return 7;
}

static int ask_in_vain(void *arg) {
    if (!move_out(arg)) return CANNOT;
    int server = name_server();
    if (server < 0) return CANNOT;
    rondel_loop loop = rondel_loop_new();
    static struct question question;
    struct seen seen[LOOK_UPS];
    rondel_future futures[LOOK_UPS];
    rondel_address address = {4, 80, 0, {192, 0, 2, 1}};
    rondel_stat status;
    char host[64];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < LOOK_UPS; i++) {
        snprintf(host, sizeof host, "host%d.example.test", i);
        if (i % 4 == 0) futures[i] = rondel_tcp_connect(loop, host, 80, see, &seen[i]);
        else if (i % 4 == 1) futures[i] = rondel_resolve_name(loop, &address, 0, see, &seen[i]);
        else futures[i] = rondel_resolve(loop, host, "80", 0, see, &seen[i]);
        CHECK(futures[i] > 0);
    }
    /* As many as there may be at a time wait for the server. */
    const int64_t threads = rondel_pool_lane_size(RONDEL_POOL_NAMES, 0);
    while (rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_QUEUED) > LOOK_UPS - threads) sched_yield();
    for (int64_t i = 0; i < threads; i++) next_question(server, &question);

    /* Nothing else is held up. */
    CHECK_EQ(rondel_run_until(loop, rondel_work(loop, seven, NULL, RONDEL_FUTURE)), 7);
    CHECK_EQ(rondel_run_until(loop, rondel_file_stat(loop, "/", &status, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_resolve(loop, "192.0.2.1", "80", 0, RONDEL_FUTURE)), 1);
    CHECK(rondel_run_until(loop, rondel_resolve(loop, "localhost", "80", 0, RONDEL_FUTURE)) >= 1);
    CHECK(rondel_run_until(loop, rondel_resolve(loop, "app.localhost", "80", 0, RONDEL_FUTURE)) >= 1);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_resolve(loop, "late.test", "80", 0, RONDEL_FUTURE), RONDEL_MS)),
             RONDEL_ETIMEDOUT);

    /* Cancelled, each is over at once, and gives its place to another. */
    for (int i = 0; i < LOOK_UPS; i++) {
        CHECK_EQ(seen[i].calls, 0);
        CHECK_EQ(rondel_cancel(futures[i]), 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < LOOK_UPS; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, RONDEL_ECANCELED);
    }
    rondel_future fresh = rondel_resolve(loop, "fresh.test", "80", RONDEL_RESOLVE_IPV4, RONDEL_FUTURE);
    do next_question(server, &question);
    while (strcmp(question.host, "fresh"));
    answer(server, &question);
    CHECK_EQ(rondel_retain(fresh), 0);
    CHECK_EQ(rondel_run_until(loop, fresh), 1);
    CHECK_EQ(rondel_resolve_addr(fresh, 0, &address), 0);
    CHECK(!memcmp(address.bytes, "\xc0\0\2\x4d", 4));
    CHECK_EQ(rondel_release(fresh), 0);

    /* A loop that is freed does not wait for them either. */
    struct seen left = {0, 0, 0};
    CHECK(rondel_resolve(loop, "left.test", "80", 0, see, &left) > 0);
    do next_question(server, &question);
    while (strcmp(question.host, "left"));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(left.calls, 1);
    CHECK_EQ(left.result, RONDEL_ECANCELED);
    /* The threads still wait: what they have is no leak. */
    if (!test_failures) raise(SIGKILL);
    return 1;
}
#endif

TEST(a_name_server_that_does_not_answer_holds_up_nobody) {
#ifdef __linux__
    static struct child child;
    char folder[] = "/tmp/rondel-names-XXXXXX", path[64];
    REQUIRE(mkdtemp(folder) != NULL);
    child_start(&child, ask_in_vain, folder);
    child_end(&child);
    const char *files[] = {"resolv.conf", "nsswitch.conf"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    CHECK_EQ(rmdir(folder), 0);
    if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == CANNOT) SKIP("needs a network of its own");
    CHECK(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL);
    if (!WIFSIGNALED(child.status)) fprintf(stderr, "    the child said:\n%s\n", child.said);
#else
    SKIP("needs a network of its own");
#endif
}

TEST_MAIN(RUN(a_name_server_that_does_not_answer_holds_up_nobody))
