/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * For tests of files that are sent: one of a known pattern, and a stream to send it to. */
#ifndef RONDEL_TEST_SEND_FILE_H
#define RONDEL_TEST_SEND_FILE_H

#include "test.h"

#include "net.h"

enum { SIZE = 300 * 1024 + 17 };

/* A file of the pattern, that nobody else knows of. */
static inline int make_file(size_t size) {
    char name[] = "/tmp/rondel-send-XXXXXX";
    int fd = mkstemp(name);
    uint8_t *bytes = malloc(size + 1);
    CHECK(fd >= 0);
    unlink(name);
    net_fill(bytes, size, 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);
        if (n <= 0) break;
        at += (size_t)n;
    }
    free(bytes);
    return fd;
}

struct sending {
    rondel_loop loop;
    rondel_stream stream;
    int peer, fd;
    rondel_file file;
};

static inline int sending_begin(struct sending *sending, size_t size) {
    sending->loop = rondel_loop_new();
    sending->stream = net_stream(sending->loop, &sending->peer);
    sending->fd = make_file(size);
    sending->file = rondel_file_open_fd(sending->loop, dup(sending->fd));
    CHECK(sending->file > 0);
    return sending->stream > 0 && sending->file > 0;
}

static inline void sending_end(struct sending *sending) {
    CHECK_EQ(rondel_loop_free(sending->loop), 0);
    close(sending->fd);
    if (sending->peer >= 0) close(sending->peer);
}

/* Takes these bytes of the text from the peer. */
static inline void check_text(struct sending *sending, const char *text) {
    char got[64] = "";
    size_t length = strlen(text), at = 0;
    while (at < length) {
        ssize_t n = recv(sending->peer, got + at, length - at, MSG_DONTWAIT);
        if (n > 0) at += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR)) break;
        else rondel_run(sending->loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_STR(got, text);
}

/* Writes more than the connection takes, so that what comes next waits: a connection that took as much as it could may
 * take some more a moment later. Gives how many bytes that were. */
static inline size_t fill_up(struct sending *sending) {
    static char block[4 << 20];
    net_shrink((int)rondel_fileno(sending->stream)), net_shrink(sending->peer);
    CHECK(rondel_write(sending->stream, block, sizeof block, NULL, NULL) > 0);
    CHECK(rondel_write_queue_size(sending->stream) > 0);
    return sizeof block;
}

static inline void drain_fill(struct sending *sending, size_t filled) {
    static char room[65536];
    while (filled > 0) {
        ssize_t n = recv(sending->peer, room, filled < sizeof room ? filled : sizeof room, MSG_DONTWAIT);
        if (n > 0) filled -= (size_t)n;
        else rondel_run(sending->loop, RONDEL_RUN_NOWAIT);
    }
}

#endif
