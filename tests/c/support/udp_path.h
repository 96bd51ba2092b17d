/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of datagrams by path share: a folder for the paths, and a record of what came.
 */
#ifndef RONDEL_TEST_UDP_PATH_H
#define RONDEL_TEST_UDP_PATH_H

#include "net.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char folder[64];

static inline const char *at(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline rondel_loop begin(void) {
    snprintf(folder, sizeof folder, "/tmp/rondel-udp-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    return rondel_loop_new();
}

/* What is bound removes its file. */
static inline void end(rondel_loop loop) {
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rmdir(folder), 0);
}

/* Datagrams that came, and who sent the last one. */
struct heard {
    int count, batches;
    int64_t bytes, error;
    char last[32], sender[128];
};

static inline void hear(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct heard *heard = user_data;
    if (n < 0) {
        heard->error = n;
        return;
    }
    heard->batches++;
    for (int64_t i = 0; i < n; i++) {
        heard->count++;
        heard->bytes += (int64_t)batch[i].length;
        CHECK_EQ(batch[i].peer.family, 0);
        size_t length = batch[i].length < sizeof heard->last ? batch[i].length : sizeof heard->last - 1;
        memcpy(heard->last, batch[i].bytes, length);
        heard->last[length] = 0;
        CHECK(rondel_udp_sender_path(udp, (size_t)i, heard->sender, sizeof heard->sender) >= 0);
    }
    CHECK_EQ(rondel_udp_sender_path(udp, (size_t)n, NULL, 0), RONDEL_EINVAL);
}

static inline int hear_until(rondel_loop loop, struct heard *heard, int count) {
    for (int i = 0; i < 1000 && heard->count < count; i++) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
    return heard->count == count;
}

static inline int64_t result_of(rondel_future future) {
    return future < 0 ? future : rondel_run_until(rondel_loop_of(future), future);
}

#endif
