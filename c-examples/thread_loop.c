/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A loop in a thread of its own, fed from another one.
 *
 *     thread_loop
 *
 * While a loop runs, it belongs to the thread that runs it; what others may call ends in _threadsafe. The main
 * thread hands over numbers, each with its own argument; the loop adds them up; then main asks it to stop, joins
 * the thread, and may use the loop again. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 100000

struct sum {
    rondel_loop loop;
    int64_t total, count;
    int64_t out_of_order;
    int64_t run_result;
    pthread_mutex_t lock;
    pthread_cond_t began; /* with `running`: the loop has begun its first callback */
    int running;
};

struct job {
    struct sum *sum;
    int64_t number;
};

static void *run_loop(void *arg) {
    struct sum *sum = arg;
    /* FOREVER: a loop that others feed shall wait for them, even when it has nothing of its own to do. */
    sum->run_result = rondel_run(sum->loop, RONDEL_RUN_FOREVER);
    return NULL;
}

static void on_running(rondel_loop loop, int64_t result, void *user_data) {
    struct sum *sum = user_data;
    (void)loop, (void)result;
    pthread_mutex_lock(&sum->lock);
    sum->running = 1;
    pthread_cond_signal(&sum->began);
    pthread_mutex_unlock(&sum->lock);
}

static void on_job(rondel_loop loop, int64_t result, void *user_data) {
    struct job *job = user_data;
    (void)loop, (void)result;
    /* No lock: only the loop's thread touches these while it runs. */
    if (job->number != job->sum->count) job->sum->out_of_order++;
    job->sum->total += job->number;
    job->sum->count++;
    free(job); /* called exactly once, so this is the one place to free it */
}

static void on_stop(rondel_loop loop, int64_t result, void *user_data) {
    (void)result, (void)user_data;
    rondel_stop(loop);
}

static int64_t feed(struct sum *sum) {
    int64_t code = rondel_call_soon_threadsafe(sum->loop, on_running, sum);
    if (code < 0) return code;
    pthread_mutex_lock(&sum->lock);
    while (!sum->running) pthread_cond_wait(&sum->began, &sum->lock);
    pthread_mutex_unlock(&sum->lock);
    /* The loop runs over there now: the calls without _threadsafe are refused here, never a race. */
    printf("rondel_call_soon from the wrong thread: %s\n",
           rondel_error_name(rondel_call_soon(sum->loop, on_running, sum)));
    for (int64_t i = 0; i < JOBS && code >= 0; i++) {
        struct job *job = malloc(sizeof *job);
        if (job == NULL) return RONDEL_ENOMEM;
        job->sum = sum;
        job->number = i;
        code = rondel_call_soon_threadsafe(sum->loop, on_job, job);
        if (code < 0) free(job); /* refused: on_job will not be called, the job is still ours */
    }
    return code;
}

int main(void) {
    static struct sum sum = {.lock = PTHREAD_MUTEX_INITIALIZER, .began = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    sum.loop = rondel_loop_new();
    if (sum.loop < 0) {
        fprintf(stderr, "thread_loop: %s\n", rondel_error_message(sum.loop));
        return 1;
    }
    int error = pthread_create(&thread, NULL, run_loop, &sum);
    if (error != 0) {
        fprintf(stderr, "thread_loop: %s\n", strerror(error));
        rondel_loop_free(sum.loop);
        return 1;
    }
    int64_t code = feed(&sum);
    /* The calls of one thread run in their order, so a stop sent the same way comes after every job.
     * rondel_stop_threadsafe would stop sooner, and is what is left if there is no memory for another call. */
    if (rondel_call_soon_threadsafe(sum.loop, on_stop, NULL) < 0) rondel_stop_threadsafe(sum.loop);
    pthread_join(thread, NULL);

    /* Nobody runs the loop any more: it is this thread's to use, look at and free. */
    printf("%lld jobs done, %lld out of order, sum %lld\n", (long long)sum.count, (long long)sum.out_of_order,
           (long long)sum.total);
    if (code >= 0) code = sum.run_result;
    int64_t freed = rondel_loop_free(sum.loop);
    printf("rondel_call_soon_threadsafe after the end: %s\n",
           rondel_error_name(rondel_call_soon_threadsafe(sum.loop, on_running, &sum)));
    if (code >= 0) code = freed;
    if (code < 0) fprintf(stderr, "thread_loop: %s\n", rondel_error_message(code));
    return code < 0 || sum.count != JOBS || sum.out_of_order != 0 || sum.total != (int64_t)JOBS * (JOBS - 1) / 2;
}
