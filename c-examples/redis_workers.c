/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Works off a queue in Redis, one task a job, or with a few tasks that take turns.
 *
 *     redis_workers [--consumers N] [PORT]          (of a Redis server on this machine; 6379)
 *     redis-cli LPUSH jobs 300 100 200 stop         (each job: so many milliseconds of work)
 *     redis-cli LRANGE results 0 -1
 *
 * The master blocks on BRPOP: only itself, not the thread. For each job it spawns a task on the same loop, so all of
 * them are at work at once, and each reports back when it is done. With --consumers there is no master: each consumer
 * blocks on the queue by itself, on a connection of its own, and does what it gets before it takes the next.
 * Ends at "stop", at Ctrl-C (1), or with the server (1). */
#include <hiredis/rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shop {
    int port, consumers;
    redisAsyncContext *reports; /* shared by all workers */
    int64_t working, done;
    rondel_future quiet;        /* the master waits for this at the end */
    rondel_future *tasks;       /* of the consumers */
    int64_t problem;            /* the first of them that failed, why */
};

struct worker {
    struct shop *shop;
    int number;
    int64_t ms;
};

/* A server that is not there shows with the first command. */
static int64_t dial(const struct shop *shop, redisAsyncContext **redis) {
    *redis = redisAsyncConnect("127.0.0.1", shop->port);
    if (*redis == NULL) return RONDEL_ENOMEM;
    if (!(*redis)->err && redisRondelAttachAt(redis, rondel_loop_current()) == REDIS_OK) return 0;
    redisAsyncFree(*redis);
    *redis = NULL;
    return RONDEL_ENOTCONN;
}

static void hang_up(redisAsyncContext *redis) {
    if (redis) redisAsyncFree(redis); /* one that broke is NULL by now */
}

/* Blocks until there is a job: its milliseconds, or -1 for "stop". Gives 0 or what went wrong. */
static int64_t next_job(redisAsyncContext *redis, int64_t *ms) {
    redisReply *reply;
    int64_t result = rondel_await(rondel_redis_command(redis, &reply, "BRPOP jobs 0"));
    if (result == REDIS_REPLY_ARRAY && reply->elements == 2) {
        const char *text = reply->element[1]->str;
        *ms = strcmp(text, "stop") ? strtoll(text, NULL, 10) : -1;
        result = 0;
    } else if (result >= 0) {
        result = RONDEL_EPROTO;
    }
    freeReplyObject(reply);
    return result;
}

static int64_t do_job(struct shop *shop, int number, int64_t ms) {
    printf("worker %d: begins a job of %" PRId64 " ms\n", number, ms);
    int64_t result = rondel_sleep(ms * RONDEL_MS); /* the work */
    if (result >= 0) result = rondel_await(rondel_redis_command(shop->reports, NULL, "RPUSH results %lld", (long long)ms));
    if (result >= 0) {
        shop->done++;
        printf("worker %d: done with the job of %" PRId64 " ms\n", number, ms);
    }
    return result;
}

/* ---- One task a job ---- */

static int64_t work(void *arg) {
    struct worker *worker = arg;
    return do_job(worker->shop, worker->number, worker->ms);
}

/* Called once for every task: also for one that failed, or was cancelled before it began. */
static void on_worked(rondel_future task, int64_t result, void *user_data) {
    struct worker *worker = user_data;
    struct shop *shop = worker->shop;
    (void)task, (void)result;
    free(worker);
    if (--shop->working == 0) rondel_future_set(shop->quiet, 0); /* refused while the master does not wait for it */
}

static int64_t spawn_worker(struct shop *shop, int number, int64_t ms) {
    struct worker *worker = malloc(sizeof *worker);
    if (worker == NULL) return RONDEL_ENOMEM;
    worker->shop = shop;
    worker->number = number;
    worker->ms = ms;
    rondel_future task = rondel_task_spawn(rondel_loop_current(), work, worker);
    if (task < 0) {
        free(worker);
        return task;
    }
    shop->working++;
    rondel_future_then(task, on_worked, worker);
    return rondel_release(task); /* it runs on by itself */
}

static int64_t run_master(struct shop *shop) {
    redisAsyncContext *jobs; /* its own: who blocks on a connection, blocks it */
    int64_t result = dial(shop, &jobs), ms = 0;
    for (int number = 1; result >= 0; number++) {
        result = next_job(jobs, &ms);
        if (result < 0 || ms < 0) break;
        result = spawn_worker(shop, number, ms);
    }
    hang_up(jobs);
    if (result >= 0 && shop->working > 0) {
        shop->quiet = rondel_future_new(rondel_loop_current());
        result = rondel_await(shop->quiet);
    }
    return result;
}

/* ---- Consumers ---- */

/* One for all: a consumer that fails ends the others. */
static void fail(struct shop *shop, int64_t problem) {
    if (shop->problem == 0) shop->problem = problem;
    for (int i = 0; i < shop->consumers; i++)
        if (shop->tasks[i] > 0 && shop->tasks[i] != rondel_task_current()) rondel_cancel(shop->tasks[i]);
}

static int64_t consume(void *arg) {
    struct worker *worker = arg;
    redisAsyncContext *jobs;
    int64_t result = dial(worker->shop, &jobs), ms = 0;
    while (result >= 0 && ms >= 0) {
        result = next_job(jobs, &ms);
        if (result >= 0 && ms >= 0) result = do_job(worker->shop, worker->number, ms);
    }
    /* The others are to stop too. */
    if (result >= 0) result = rondel_await(rondel_redis_command(jobs, NULL, "LPUSH jobs stop"));
    hang_up(jobs);
    if (result < 0) fail(worker->shop, result);
    return result;
}

static int64_t run_consumers(struct shop *shop) {
    struct worker *workers = calloc((size_t)shop->consumers, sizeof *workers);
    shop->tasks = calloc((size_t)shop->consumers, sizeof *shop->tasks);
    if (workers == NULL || shop->tasks == NULL) shop->consumers = 0, shop->problem = RONDEL_ENOMEM;
    for (int i = 0; i < shop->consumers; i++) {
        workers[i].shop = shop;
        workers[i].number = i + 1;
        shop->tasks[i] = rondel_task_spawn(rondel_loop_current(), consume, &workers[i]);
        if (shop->tasks[i] < 0) fail(shop, shop->tasks[i]);
    }
    /* Ctrl-C cancels this task, and so the consumer that it waits for just now, which ends the others. */
    for (int i = 0; i < shop->consumers; i++) rondel_await(shop->tasks[i]);
    free(workers);
    free(shop->tasks);
    return shop->problem;
}

static int64_t run_shop(void *arg) {
    struct shop *shop = arg;
    int64_t result = dial(shop, &shop->reports);
    if (result >= 0) result = rondel_await(rondel_redis_command(shop->reports, NULL, "PING"));
    if (result >= 0) {
        printf("waiting for jobs\n");
        result = shop->consumers > 0 ? run_consumers(shop) : run_master(shop);
    }
    hang_up(shop->reports);
    return result;
}

int main(int argc, char **argv) {
    struct shop shop = {.port = 6379};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--consumers") && i + 1 < argc)
            shop.consumers = atoi(argv[++i]);
        else if ((shop.port = atoi(argv[i])) <= 0)
            return fprintf(stderr, "usage: redis_workers [--consumers N] [PORT]\n"), 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(run_shop, &shop);
    printf("%" PRId64 " jobs done\n", shop.done);
    if (result < 0) fprintf(stderr, "redis_workers: %s\n", rondel_error_message(result));
    return result < 0;
}
