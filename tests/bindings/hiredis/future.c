/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commands of hiredis as futures, for tasks and for whoever waits. */
#include "support.h"


TEST(a_future_gives_the_reply_and_its_type) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisReply *reply;
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "DEL list")), REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "RPUSH list %s %s", "a", "b")),
             REDIS_REPLY_INTEGER);
    CHECK_EQ(reply->integer, 2);
    freeReplyObject(reply);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "LRANGE list 0 -1")), REDIS_REPLY_ARRAY);
    CHECK_EQ(reply->elements, 2);
    CHECK_STR(reply->element[1]->str, "b");
    freeReplyObject(reply);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "GET no_such_key")), REDIS_REPLY_NIL);
    freeReplyObject(reply);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, NULL, "GET list")), RONDEL_EPROTO);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "GET list")), RONDEL_EPROTO);
    CHECK(reply != NULL && strstr(reply->str, "WRONGTYPE") != NULL);
    freeReplyObject(reply);
    redisAsyncFree(redis);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_has_no_single_reply_is_refused) {
    static const char *const formats[] = {"SUBSCRIBE a", "psubscribe %s", "UnSubscribe", "PUNSUBSCRIBE %s",
                                          "SSUBSCRIBE a", "MONITOR", "%s a"};
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisReply *reply;
    redisAsyncContext *redis = open_redis(loop, &life);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        CHECK_EQ(rondel_redis_command(redis, &reply, formats[i], "subscribe"), RONDEL_EINVAL);
    CHECK_EQ(rondel_redis_command(redis, &reply, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_redis_command(redis, &reply, "GET %z", 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_redis_command(NULL, &reply, "PING"), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    /* The word in another place is harmless. */
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &reply, "ECHO subscribe")), REDIS_REPLY_STRING);
    freeReplyObject(reply);
    /* A connection that ends takes no more, but answers what was sent. */
    rondel_future last = rondel_redis_command(redis, &reply, "PING");
    redisAsyncDisconnect(redis);
    CHECK_EQ(rondel_redis_command(redis, NULL, "PING"), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_run_until(loop, last), REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(life.ended, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_reply_that_nobody_waits_for_any_more_is_dropped) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisReply *reply, *last, *untouched = (redisReply *)1, **place = malloc(sizeof *place);
    redisAsyncContext *redis = open_redis(loop, &life);
    rondel_future cancelled = rondel_redis_command(redis, place, "ECHO cancelled");
    rondel_future released = rondel_redis_command(redis, place, "ECHO released");
    rondel_future late = rondel_timeout(rondel_redis_command(redis, &reply, "BLPOP nothing 0.2"), 20 * RONDEL_MS);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_release(released), 0);
    free(place); /* what was cancelled or released may not be written any more */
    CHECK_EQ(rondel_run_until(loop, cancelled), RONDEL_ECANCELED);
    CHECK_EQ(rondel_run_until(loop, late), RONDEL_ETIMEDOUT);
    CHECK(reply == NULL);
    reply = untouched;
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, &last, "ECHO last")), REDIS_REPLY_STRING);
    CHECK_STR(last->str, "last");
    CHECK(reply == untouched);
    freeReplyObject(last);
    redisAsyncFree(redis);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_context_that_is_freed_cancels_its_futures) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisReply *reply;
    redisAsyncContext *redis = open_redis(loop, &life);
    rondel_future future = rondel_redis_command(redis, &reply, "BRPOP nothing 0");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    redisAsyncFree(redis);
    CHECK_EQ(rondel_future_result(future), RONDEL_ECANCELED);
    CHECK(reply == NULL);
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Tasks ---- */

enum { CONSUMERS = 4 };

struct market {
    rondel_loop loop;
    struct life life;
    int64_t jobs, eaten[CONSUMERS], sum;
};

struct consumer {
    struct market *market;
    int64_t *eaten;
};

static int64_t produce(void *arg) {
    struct market *market = arg;
    redisAsyncContext *redis = open_redis(market->loop, &market->life);
    int64_t result = 0;
    for (int64_t i = 1; i <= market->jobs && result >= 0; i++)
        result = rondel_await(rondel_redis_command(redis, NULL, "LPUSH market %lld", (long long)i));
    for (int i = 0; i < CONSUMERS && result >= 0; i++)
        result = rondel_await(rondel_redis_command(redis, NULL, "LPUSH market 0"));
    redisAsyncFree(redis);
    return result;
}

static int64_t consume(void *arg) {
    struct consumer *consumer = arg;
    struct market *market = consumer->market;
    redisAsyncContext *redis = open_redis(market->loop, &market->life);
    int64_t result, job = 1;
    while (job > 0) {
        redisReply *reply;
        result = rondel_await(rondel_redis_command(redis, &reply, "BRPOP market 0"));
        job = result == REDIS_REPLY_ARRAY ? atoll(reply->element[1]->str) : 0;
        if (job > 0) ++*consumer->eaten, market->sum += job;
        freeReplyObject(reply);
    }
    redisAsyncFree(redis);
    return result;
}

TEST(tasks_block_on_a_queue_and_nobody_else_does) {
    rondel_loop loop = rondel_loop_new();
    struct market market = {loop, {0, 0, 0, 0}, test_scale(2000, 100), {0}, 0};
    struct consumer consumers[CONSUMERS];
    struct life life = {0, 0, 0, 0};
    rondel_future tasks[CONSUMERS + 1];
    int64_t eaten = 0;
    redisAsyncContext *redis = open_redis(loop, &life);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(redis, NULL, "DEL market")), REDIS_REPLY_INTEGER);
    redisAsyncFree(redis);
    for (int i = 0; i < CONSUMERS; i++) {
        consumers[i].market = &market;
        consumers[i].eaten = &market.eaten[i];
        tasks[i] = rondel_task_spawn(loop, consume, &consumers[i]);
    }
    tasks[CONSUMERS] = rondel_task_spawn(loop, produce, &market);
    for (int i = 0; i < CONSUMERS; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), REDIS_REPLY_ARRAY);
    CHECK_EQ(rondel_run_until(loop, tasks[CONSUMERS]), REDIS_REPLY_INTEGER);
    for (int i = 0; i < CONSUMERS; i++) {
        CHECK(market.eaten[i] > 0);
        eaten += market.eaten[i];
    }
    CHECK_EQ(eaten, market.jobs);
    CHECK_EQ(market.sum, market.jobs * (market.jobs + 1) / 2);
    CHECK_EQ(market.life.connected, CONSUMERS + 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t pop_for_ever(void *arg) {
    redisReply *reply;
    int64_t result = rondel_await(rondel_redis_command(arg, &reply, "BRPOP nothing 0"));
    freeReplyObject(reply);
    return result;
}

TEST(a_task_that_is_cancelled_stops_waiting_for_its_reply) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisAsyncContext *redis = open_redis(loop, &life);
    rondel_future task = rondel_task_spawn(loop, pop_for_ever, redis);
    while (!life.connected) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(task, 30 * RONDEL_MS)), RONDEL_ETIMEDOUT);
    redisAsyncFree(redis);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_server_that_dies_ends_what_tasks_wait_for) {
    rondel_loop loop = rondel_loop_new();
    struct life life = {0, 0, 0, 0};
    redisReply *reply;
    redisAsyncContext *redis = open_redis(loop, &life);
    rondel_future task = rondel_task_spawn(loop, pop_for_ever, redis);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    redisAsyncContext *other = open_redis(loop, &life);
    CHECK_EQ(rondel_run_until(loop, rondel_redis_command(other, &reply, "INFO server")), REDIS_REPLY_STRING);
    const char *line = strstr(reply->str, "process_id:");
    REQUIRE(line != NULL);
    CHECK_EQ(kill(atoi(line + strlen("process_id:")), SIGKILL), 0);
    freeReplyObject(reply);
    int64_t result = rondel_run_until(loop, task);
    CHECK(result == RONDEL_EOF || result == RONDEL_ECONNRESET);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(life.broken, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Last, as it leaves no server behind for a moment. */
TEST_MAIN(RUN(a_future_gives_the_reply_and_its_type), RUN(what_has_no_single_reply_is_refused),
          RUN(a_reply_that_nobody_waits_for_any_more_is_dropped), RUN(a_context_that_is_freed_cancels_its_futures),
          RUN(tasks_block_on_a_queue_and_nobody_else_does), RUN(a_task_that_is_cancelled_stops_waiting_for_its_reply),
          RUN(a_server_that_dies_ends_what_tasks_wait_for))
