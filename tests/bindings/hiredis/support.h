/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of the hiredis adapter share. RONDEL_REDIS_PORT names a real server, which is started anew when it dies
 * (run.py does both). */
#ifndef REDIS_TEST_SUPPORT_H
#define REDIS_TEST_SUPPORT_H

#include "../../c/support/test.h"

#include <hiredis/rondel.h>

#include <netinet/in.h>
#include <sys/socket.h>

static inline int port_of_server(void) {
    const char *text = getenv("RONDEL_REDIS_PORT");
    return text ? atoi(text) : 0;
}

/* What a connection's own callbacks were told. */
struct life {
    int64_t connected, refused, ended, broken;
};

static inline void on_connect(const redisAsyncContext *redis, int status) {
    struct life *life = redis->data;
    status == REDIS_OK ? life->connected++ : life->refused++;
}

static inline void on_disconnect(const redisAsyncContext *redis, int status) {
    struct life *life = redis->data;
    status == REDIS_OK ? life->ended++ : life->broken++;
}

static inline redisAsyncContext *open_redis(rondel_loop loop, struct life *life) {
    redisAsyncContext *redis = redisAsyncConnect("127.0.0.1", port_of_server());
    CHECK(redis != NULL && !redis->err);
    CHECK_EQ(redisRondelAttach(redis, loop), REDIS_OK);
    redis->data = life;
    CHECK_EQ(redisAsyncSetConnectCallback(redis, on_connect), REDIS_OK);
    CHECK_EQ(redisAsyncSetDisconnectCallback(redis, on_disconnect), REDIS_OK);
    return redis;
}

/* What the callback of one command was told. */
struct told {
    int64_t calls, missing;
    long long number;
    char text[64];
    int type;
};

static inline void on_reply(redisAsyncContext *redis, void *data, void *user_data) {
    struct told *told = user_data;
    redisReply *reply = data;
    (void)redis;
    told->calls++;
    if (reply == NULL) {
        told->missing++;
        return;
    }
    told->type = reply->type;
    told->number = reply->integer;
    told->text[0] = 0;
    if (reply->str) snprintf(told->text, sizeof told->text, "%s", reply->str);
}

#endif
