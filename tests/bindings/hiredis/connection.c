/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* hiredis on a loop: its own callbacks, and connections that end at every moment. */
#include "support.h"

static void on_last_reply(redisAsyncContext *redis, void *data, void *user_data) {
    on_reply(redis, data, user_data);
    redisAsyncDisconnect(redis);
}

TEST(commands_are_answered_and_the_loop_ends_with_the_connection) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told[4];
    memset(told, 0, sizeof told);
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told[0], "FLUSHALL"), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told[1], "SET greeting %s", "hello"), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told[2], "LPUSH greeting x"), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_last_reply, &told[3], "GET greeting"), REDIS_OK);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(told[i].calls, 1);
    CHECK_EQ(told[1].type, REDIS_REPLY_STATUS);
    CHECK_EQ(told[2].type, REDIS_REPLY_ERROR);
    CHECK_STR(told[3].text, "hello");
    CHECK_EQ(life.connected, 1);
    CHECK_EQ(life.ended, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1); /* the loop: nothing of the adapter is left */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct counting {
    int64_t next, left, wrong;
};

static void on_count(redisAsyncContext *redis, void *data, void *user_data) {
    struct counting *counting = user_data;
    redisReply *reply = data;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer != ++counting->next) counting->wrong++;
    if (--counting->left == 0) redisAsyncDisconnect(redis);
}

TEST(pipelined_commands_are_answered_once_and_in_order) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    int64_t count = test_scale(100000, 2000);
    struct counting counting = {0, count, 0};
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncCommand(redis, NULL, NULL, "DEL counter"), REDIS_OK);
    for (int64_t i = 0; i < count; i++)
        CHECK_EQ(redisAsyncCommand(redis, on_count, &counting, "INCR counter"), REDIS_OK);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(counting.next, count);
    CHECK_EQ(counting.left, 0);
    CHECK_EQ(counting.wrong, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct large {
    char *bytes;
    size_t size;
    int64_t same;
};

static void on_large(redisAsyncContext *redis, void *data, void *user_data) {
    struct large *large = user_data;
    redisReply *reply = data;
    large->same = reply && (size_t)reply->len == large->size && !memcmp(reply->str, large->bytes, large->size);
    redisAsyncDisconnect(redis);
}

TEST(values_larger_than_every_buffer_come_back_whole) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct large large = {NULL, (size_t)test_scale(32 << 20, 4 << 20), 0};
    large.bytes = malloc(large.size);
    REQUIRE(large.bytes != NULL);
    for (size_t i = 0; i < large.size; i++) large.bytes[i] = (char)(i * 31 + i / 255);
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncCommand(redis, NULL, NULL, "SET large %b", large.bytes, large.size), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_large, &large, "GET large"), REDIS_OK);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(large.same);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(large.bytes);
}

/* ---- Publish and subscribe ---- */

struct talk {
    redisAsyncContext *speaker;
    int64_t heard, wrong, ended;
};

enum { WORDS = 100 };

static void on_message(redisAsyncContext *redis, void *data, void *user_data) {
    struct talk *talk = user_data;
    redisReply *reply = data;
    if (reply == NULL) {
        talk->ended++;
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
        talk->wrong++;
    } else if (!strcmp(reply->element[0]->str, "subscribe")) {
        for (int i = 0; i < WORDS; i++) redisAsyncCommand(talk->speaker, NULL, NULL, "PUBLISH news %d", i);
    } else if (!strcmp(reply->element[0]->str, "message")) {
        if (atoi(reply->element[2]->str) != talk->heard) talk->wrong++;
        if (++talk->heard == WORDS) {
            redisAsyncCommand(redis, NULL, NULL, "UNSUBSCRIBE news");
            redisAsyncDisconnect(talk->speaker);
        }
    } else if (!strcmp(reply->element[0]->str, "unsubscribe")) {
        redisAsyncDisconnect(redis);
    }
}

TEST(published_messages_are_heard_in_order) {
    rondel_loop loop = rondel_loop_new();
    struct life speaking = {0, 0, 0, 0}, hearing = {0, 0, 0, 0};
    struct talk talk = {open_redis(loop, &speaking), 0, 0, 0};
    redisAsyncContext *hearer = open_redis(loop, &hearing);
    CHECK_EQ(redisAsyncCommand(hearer, on_message, &talk, "SUBSCRIBE news"), REDIS_OK);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(talk.heard, WORDS);
    CHECK_EQ(talk.wrong, 0);
    CHECK_EQ(speaking.ended, 1);
    CHECK_EQ(hearing.ended, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Freed and ended at every moment ---- */

static void free_in_reply(redisAsyncContext *redis, void *data, void *user_data) {
    on_reply(redis, data, user_data);
    redisAsyncFree(redis);
}

TEST(a_context_may_be_freed_in_a_reply_and_the_rest_is_told) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told first = {0, 0, 0, "", 0}, rest = {0, 0, 0, "", 0};
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncCommand(redis, free_in_reply, &first, "PING"), REDIS_OK);
    for (int i = 0; i < 10; i++) CHECK_EQ(redisAsyncCommand(redis, on_reply, &rest, "PING"), REDIS_OK);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(rest.calls, 10);
    CHECK_EQ(rest.missing, 10);
    CHECK_EQ(life.ended, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void free_redis(rondel_handle source, int64_t result, void *redis) {
    (void)source, (void)result;
    redisAsyncFree(redis);
}

TEST(a_context_may_be_freed_outside_hiredis) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told = {0, 0, 0, "", 0};
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "BRPOP nothing 0"), REDIS_OK);
    CHECK(rondel_call_later(loop, 20 * RONDEL_MS, free_redis, redis) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.missing, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_context_that_outlives_its_loop_can_still_be_freed) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told = {0, 0, 0, "", 0};
    redisReply *reply;
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "PING")), REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "BRPOP nothing 0"), REDIS_OK);
    rondel_future future = rondel_redis_command(redis, NULL, "BRPOP nothing 0");
    CHECK(future > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(told.calls, 0);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "PING"), REDIS_OK);
    CHECK_EQ(rondel_redis_command(redis, NULL, "PING"), RONDEL_EGONE);
    redisAsyncFree(redis);
    CHECK_EQ(told.calls, 2);
    CHECK_EQ(told.missing, 2);
    CHECK_EQ(life.ended, 1);
}

/* A context, and the place of it. */
struct placed {
    redisAsyncContext *redis, *place;
    struct told told;
};

/* Whether the place is empty by now is hiredis's to say, but not what else may be in it. */
static void on_placed_reply(redisAsyncContext *redis, void *data, void *user_data) {
    struct placed *placed = user_data;
    on_reply(redis, data, &placed->told);
    CHECK(redis == placed->redis);
    CHECK(placed->place == placed->redis || (data == NULL && placed->place == NULL));
}

static void ask_for_end(redisAsyncContext *redis, void *data, void *user_data) {
    on_placed_reply(redis, data, user_data);
    redisAsyncDisconnect(redis);
}

/* A server that is there for one connection, and hangs up without an answer. */
static int silent_server(int *port) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(bind(server, (struct sockaddr *)&address, size), 0);
    CHECK_EQ(listen(server, 1), 0);
    CHECK_EQ(getsockname(server, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return server;
}

TEST(the_place_of_a_context_is_emptied_whoever_frees_it) {
    enum { DISCONNECTED, ENDED_BY_THE_SERVER, FREED, BROKEN, WAYS };
    for (int way = 0; way < WAYS; way++) {
        rondel_loop loop = rondel_loop_new();
        struct placed placed;
        int port = port_of_server(), server = way == BROKEN ? silent_server(&port) : -1;
        memset(&placed, 0, sizeof placed);
        placed.place = placed.redis = redisAsyncConnect("127.0.0.1", port);
        CHECK_EQ(redisRondelAttachAt(&placed.place, loop), REDIS_OK);
        CHECK_EQ(redisAsyncCommand(placed.redis, way == DISCONNECTED ? ask_for_end : on_placed_reply, &placed,
                                   way == ENDED_BY_THE_SERVER ? "QUIT" : "PING"),
                 REDIS_OK);
        if (way == FREED) redisAsyncFree(placed.redis);
        if (way == BROKEN) {
            while (!(placed.redis->c.flags & REDIS_CONNECTED) && rondel_run(loop, RONDEL_RUN_ONCE) > 0) continue;
            close(accept(server, NULL, NULL));
            close(server);
        }
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(placed.told.calls, 1);
        CHECK_EQ(placed.told.missing, way == FREED || way == BROKEN);
        CHECK(placed.place == NULL);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(attaching_is_refused_twice_and_for_no_loop) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisAsyncContext *redis = open_redis(loop, &life), *other = redisAsyncConnect("127.0.0.1", port_of_server());
    CHECK_EQ(redisRondelAttach(redis, loop), REDIS_ERR);
    CHECK_EQ(redisRondelAttach(other, RONDEL_EBUSY), REDIS_ERR);
    CHECK_EQ(rondel_redis_command(other, NULL, "PING"), RONDEL_EINVAL);
    redisAsyncFree(other);
    redisAsyncFree(redis);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_refused_connection_is_told_to_all_who_wait) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told = {0, 0, 0, "", 0};
    redisReply *reply;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    /* Bound and not listening: nobody else can get the port meanwhile. */
    redisContext *known = redisConnect("127.0.0.1", port_of_server());
    REQUIRE(known != NULL && !known->err);
    CHECK_EQ(getsockname(known->fd, (struct sockaddr *)&address, &size), 0);
    redisAsyncContext *redis = redisAsyncConnect("127.0.0.1", ntohs(((struct sockaddr_in *)&address)->sin_port));
    REQUIRE(redis != NULL);
    redis->data = &life;
    CHECK_EQ(redisRondelAttach(redis, loop), REDIS_OK);
    CHECK_EQ(redisAsyncSetConnectCallback(redis, on_connect), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "PING"), REDIS_OK);
    rondel_future future = rondel_redis_command(redis, &reply, "PING");
    CHECK_EQ(rondel_run_until(loop, future), RONDEL_ECONNREFUSED);
    CHECK(reply == NULL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(life.refused, 1);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.missing, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    redisFree(known);
}

TEST(a_descriptor_closed_by_somebody_ends_the_connection) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told = {0, 0, 0, "", 0};
    redisReply *reply;
    int pipes[2];
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "PING")), REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "BRPOP nothing 0"), REDIS_OK);
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(dup2(pipes[0], redis->c.fd), redis->c.fd); /* and its number is another file's at once */
    int number = redis->c.fd;
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.missing, 1);
    CHECK_EQ(life.broken, 1);
    CHECK_EQ(close(number), 0); /* which was left alone */
    close(pipes[0]), close(pipes[1]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}


/* ---- The server dies ---- */

enum { LIVES = 3 };

struct dying {
    rondel_loop loop;
    struct life life;
    int64_t sent, answered, missing, killed;
    int pid;
};

static void on_dying_reply(redisAsyncContext *redis, void *data, void *user_data) {
    struct dying *dying = user_data;
    (void)redis;
    if (data == NULL) {
        dying->missing++;
    } else if (++dying->answered == 100) {
        dying->killed = kill(dying->pid, SIGKILL) == 0;
    }
}

static void on_info(redisAsyncContext *redis, void *data, void *user_data) {
    struct dying *dying = user_data;
    redisReply *reply = data;
    const char *line = reply && reply->str ? strstr(reply->str, "process_id:") : NULL;
    REQUIRE(line != NULL);
    dying->pid = atoi(line + strlen("process_id:"));
    for (; dying->sent < test_scale(50000, 5000); dying->sent++)
        CHECK_EQ(redisAsyncCommand(redis, on_dying_reply, dying, "INCR dying"), REDIS_OK);
    /* And one that would wait for ever. */
    CHECK_EQ(redisAsyncCommand(redis, on_dying_reply, dying, "BRPOP nothing 0"), REDIS_OK);
    dying->sent++;
}

struct retry {
    rondel_loop loop;
    struct life life;
    int64_t tries;
};

static void on_retry_reply(redisAsyncContext *redis, void *data, void *user_data);

static void try_again(rondel_handle source, int64_t result, void *user_data) {
    struct retry *retry = user_data;
    (void)source, (void)result;
    retry->tries++;
    redisAsyncContext *redis = open_redis(retry->loop, &retry->life);
    CHECK_EQ(redisAsyncCommand(redis, on_retry_reply, retry, "PING"), REDIS_OK);
}

static void on_retry_reply(redisAsyncContext *redis, void *data, void *user_data) {
    struct retry *retry = user_data;
    if (data)
        redisAsyncDisconnect(redis);
    else
        CHECK(rondel_call_later(retry->loop, 20 * RONDEL_MS, try_again, retry) > 0);
}

TEST(a_server_that_dies_leaves_each_command_answered_or_told_once) {
    for (int i = 0; i < LIVES; i++) {
        rondel_loop loop = rondel_loop_new();
        struct dying dying = {loop, {0, 0, 0, 0}, 0, 0, 0, 0, 0};
        struct retry retry = {loop, {0, 0, 0, 0}, 0};
        redisAsyncContext *redis = open_redis(loop, &dying.life);
        CHECK_EQ(redisAsyncCommand(redis, on_info, &dying, "INFO server"), REDIS_OK);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(dying.killed, 1);
        CHECK_EQ(dying.answered + dying.missing, dying.sent);
        CHECK(dying.missing >= 1);
        CHECK_EQ(dying.life.connected, 1);
        CHECK_EQ(dying.life.broken, 1);
        /* The same loop gets on with the next server. */
        CHECK(rondel_call_soon(loop, try_again, &retry) > 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(retry.life.ended, 1);
        CHECK_EQ(retry.life.refused + retry.life.broken, retry.tries - 1);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

#if HIREDIS_MAJOR >= 1
TEST(a_command_that_takes_too_long_is_told_so) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    struct told told = {0, 0, 0, "", 0};
    struct timeval limit = {0, 50000};
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(redisAsyncSetTimeout(redis, limit), REDIS_OK);
    CHECK_EQ(redisAsyncCommand(redis, on_reply, &told, "BRPOP nothing 0"), REDIS_OK);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, NULL, "PING")), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.missing, 1);
    CHECK_EQ(life.broken, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}
#else
TEST(a_command_that_takes_too_long_is_told_so) { SKIP("hiredis before 1.0 has no timeouts of commands"); }
#endif

TEST_MAIN(RUN(commands_are_answered_and_the_loop_ends_with_the_connection),
          RUN(pipelined_commands_are_answered_once_and_in_order), RUN(values_larger_than_every_buffer_come_back_whole),
          RUN(published_messages_are_heard_in_order), RUN(a_context_may_be_freed_in_a_reply_and_the_rest_is_told),
          RUN(a_context_may_be_freed_outside_hiredis), RUN(a_context_that_outlives_its_loop_can_still_be_freed),
          RUN(the_place_of_a_context_is_emptied_whoever_frees_it), RUN(attaching_is_refused_twice_and_for_no_loop), RUN(a_refused_connection_is_told_to_all_who_wait),
          RUN(a_descriptor_closed_by_somebody_ends_the_connection),
          RUN(a_server_that_dies_leaves_each_command_answered_or_told_once),
          RUN(a_command_that_takes_too_long_is_told_so))
