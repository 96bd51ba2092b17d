/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of local sockets share: a folder of their own for paths, and plain sockets that play the other side.
 */
#ifndef RONDEL_TEST_LOCAL_H
#define RONDEL_TEST_LOCAL_H

#include "net.h"

#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A path in a folder of this process's own. One name at a time lives: the next call overwrites it. The folder goes with
 * local_done. */
static char local_folder[64];

static inline const char *local_path(const char *name) {
    static char paths[4][200];
    static int next;
    char *path = paths[next = (next + 1) % 4];
    if (!local_folder[0]) {
        snprintf(local_folder, sizeof local_folder, "/tmp/rondel-local-XXXXXX");
        CHECK(mkdtemp(local_folder) != NULL);
    }
    snprintf(path, sizeof paths[0], "%s/%s", local_folder, name);
    return path;
}

/* Checks that nothing was left behind: the folder is empty. */
static inline void local_done(void) {
    if (local_folder[0]) CHECK_EQ(rmdir(local_folder), 0);
    local_folder[0] = 0;
}

static inline int local_exists(const char *path) {
    struct stat stat;
    return lstat(path, &stat) == 0;
}

/* An address as rondel_pipe_listen takes it. */
static inline socklen_t local_address(struct sockaddr_un *out, const char *name) {
    size_t length = strlen(name);
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, name, length);
    if (name[0] == '@') out->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@'));
}

/* A plain socket that is bound and, if `backlog` is not negative, listens. */
static inline int local_listener(const char *name, int backlog) {
    struct sockaddr_un address;
    socklen_t size = local_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || (backlog >= 0 && listen(fd, backlog) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A plain, blocking connection. */
static inline int local_dial(const char *name) {
    struct sockaddr_un address;
    socklen_t size = local_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A pipe handle of the loop and the plain, blocking socket at its other end. */
static inline rondel_pipe local_stream(rondel_loop loop, int *peer) {
    int fds[2] = {-1, -1};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    rondel_pipe stream = rondel_pipe_open(loop, fds[0]);
    CHECK(stream > 0);
    *peer = fds[1];
    return stream;
}

/* What a listener told. */
struct local_accepted {
    int64_t count;
    int64_t errors;
    int64_t last_error;
    rondel_pipe peers[64];
};

static inline void local_keep(rondel_handle server, int64_t peer, void *user_data) {
    struct local_accepted *accepted = user_data;
    (void)server;
    if (peer < 0) {
        accepted->errors++;
        accepted->last_error = peer;
        return;
    }
    CHECK_EQ(rondel_kind(peer), RONDEL_KIND_PIPE);
    if (accepted->count < 64) accepted->peers[accepted->count] = peer;
    else CHECK_EQ(rondel_close(peer), 0);
    accepted->count++;
}

/* The end of a test: nothing but the loop itself is left in it, and no file. */
static inline void local_end(rondel_loop loop) {
    CHECK_EQ(rondel_loop_free(loop), 0);
    local_done();
}

#endif
