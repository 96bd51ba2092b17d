/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Work on the pool: it runs elsewhere, once or never, and its end is told on the loop. */
#include "support/test.h"

#include "support/steps.h"

#include <sched.h>

struct job {
    struct gate begun;
    struct gate may_end;
    int64_t result;
    int until_unwanted; /* ends only once somebody gave it up */
    int ran;
    int returned;
    pthread_t thread;
};

#define JOB(result) {GATE, GATE, result, 0, 0, 0, 0}

/* Runs until the gate is passed, or until it is given up. */
static int64_t run_job(void *arg) {
    struct job *job = arg;
    job->ran = 1;
    job->thread = pthread_self();
    gate_pass(&job->begun);
    if (job->until_unwanted)
        while (!rondel_work_cancelled()) sched_yield();
    else
        gate_wait(&job->may_end, 1);
    job->returned = 1;
    return job->result;
}

static int64_t run_at_once(void *arg) {
    CHECK_EQ(rondel_work_cancelled(), 0);
    return *(int64_t *)arg;
}

static void check_thread(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_loop_current(), rondel_loop_of(source));
    CHECK_EQ(rondel_future_result(source), result);
}

TEST(work_runs_on_another_thread_and_its_result_is_told_on_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct job job = JOB(42);
    struct seen seen = {0, 0, 0};
    gate_pass(&job.may_end);
    rondel_future work = rondel_work(loop, run_job, &job, check_thread, &seen);
    CHECK_EQ(rondel_future_origin(work), loop);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 42);
    CHECK_EQ(seen.source, work);
    CHECK(!pthread_equal(job.thread, pthread_self()));
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(any_result_comes_back_as_it_is) {
    const int64_t results[] = {0, 1, INT64_MAX, -1, RONDEL_EPIPE, RONDEL_ECANCELED, INT64_MIN};
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        int64_t result = results[i];
        CHECK_EQ(rondel_run_until(loop, rondel_work(loop, run_at_once, &result, RONDEL_FUTURE)), results[i]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(work_without_a_function_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_work(loop, NULL, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
}

static int64_t count_up(void *arg) { return __atomic_add_fetch((int64_t *)arg, 1, __ATOMIC_RELAXED); }

TEST(of_many_each_runs_once) {
    const int64_t count = test_scale(100000, 2000);
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int64_t ran = 0;
    for (int64_t i = 0; i < count; i++) CHECK(rondel_work(loop, count_up, &ran, see, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(ran, count);
    CHECK_EQ(seen.calls, count);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Work that holds every thread of the pool, so that whatever is queued after it cannot begin. */
struct plug {
    struct job *jobs;
    int64_t count;
    struct seen seen;
};

static void plug_pool(rondel_loop loop, struct plug *plug) {
    const struct job fresh = JOB(0);
    plug->count = rondel_pool_size(0);
    plug->jobs = malloc((size_t)plug->count * sizeof *plug->jobs);
    memset(&plug->seen, 0, sizeof plug->seen);
    for (int64_t i = 0; i < plug->count; i++) {
        plug->jobs[i] = fresh;
        CHECK(rondel_work(loop, run_job, &plug->jobs[i], see, &plug->seen) > 0);
    }
    for (int64_t i = 0; i < plug->count; i++) gate_wait(&plug->jobs[i].begun, 1);
}

static void pull_plug(struct plug *plug) {
    for (int64_t i = 0; i < plug->count; i++) gate_pass(&plug->jobs[i].may_end);
}

TEST(cancelled_before_it_begins_it_never_runs) {
    rondel_loop loop = rondel_loop_new();
    struct plug plug;
    struct job job = JOB(1);
    struct seen seen = {0, 0, 0};
    plug_pool(loop, &plug);
    rondel_future work = rondel_work(loop, run_job, &job, see, &seen);
    CHECK_EQ(rondel_cancel(work), 0);
    CHECK_EQ(rondel_cancel(work), RONDEL_ESTATE);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1); /* told while the others still run */
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    pull_plug(&plug);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(plug.seen.calls, plug.count);
    CHECK_EQ(job.ran, 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(plug.jobs);
}

TEST(a_timeout_before_it_begins_keeps_it_from_running) {
    rondel_loop loop = rondel_loop_new();
    struct plug plug;
    struct job job = JOB(1);
    plug_pool(loop, &plug);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_work(loop, run_job, &job, RONDEL_FUTURE), RONDEL_MS)),
             RONDEL_ETIMEDOUT);
    pull_plug(&plug);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(job.ran, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(plug.jobs);
}

static void job_has_returned(rondel_handle source, int64_t result, void *user_data) {
    struct job *job = user_data;
    (void)source;
    CHECK_EQ(job->returned, 1); /* its argument may go now */
    job->result = result;
}

TEST(cancelled_while_it_runs_it_is_told_so_and_ends_when_it_returned) {
    rondel_loop loop = rondel_loop_new();
    struct job job = JOB(1);
    job.until_unwanted = 1;
    rondel_future work = rondel_work(loop, run_job, &job, job_has_returned, &job);
    gate_wait(&job.begun, 1);
    CHECK_EQ(rondel_cancel(work), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(job.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(work), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancelled_while_it_runs_its_own_result_is_not_told) {
    rondel_loop loop = rondel_loop_new();
    struct job job = JOB(5);
    rondel_future work = rondel_work(loop, run_job, &job, job_has_returned, &job);
    gate_wait(&job.begun, 1);
    CHECK_EQ(rondel_cancel(work), 0);
    CHECK(rondel_future_state(work) < RONDEL_DONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    gate_pass(&job.may_end);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(job.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_timeout_while_it_runs_is_told_when_it_returned) {
    rondel_loop loop = rondel_loop_new();
    struct job job = JOB(1);
    job.until_unwanted = 1;
    rondel_future work = rondel_work(loop, run_job, &job, job_has_returned, &job);
    gate_wait(&job.begun, 1);
    CHECK_EQ(rondel_timeout(work, RONDEL_MS), work);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(job.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(released_it_runs_on_unobserved) {
    rondel_loop loop = rondel_loop_new();
    struct job job = JOB(1);
    rondel_future work = rondel_work(loop, run_job, &job, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(work), 0);
    gate_pass(&job.may_end);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(job.returned, 1);
    CHECK_EQ(rondel_future_state(work), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(loop_free_waits_for_what_runs_and_drops_what_is_queued) {
    rondel_loop loop = rondel_loop_new(), plugged = rondel_loop_new();
    struct job running = JOB(1), queued = JOB(2);
    struct seen running_seen = {0, 0, 0}, queued_seen = {0, 0, 0};
    struct plug plug;
    running.until_unwanted = 1;
    CHECK(rondel_work(loop, run_job, &running, see, &running_seen) > 0);
    gate_wait(&running.begun, 1);
    int64_t size = rondel_pool_size(0);
    CHECK_EQ(rondel_pool_size(size + 1), size + 1);
    /* One thread runs `running`: hold the others. */
    const struct job fresh = JOB(0);
    plug.count = size;
    plug.jobs = malloc((size_t)size * sizeof *plug.jobs);
    memset(&plug.seen, 0, sizeof plug.seen);
    for (int64_t i = 0; i < size; i++) {
        plug.jobs[i] = fresh;
        CHECK(rondel_work(plugged, run_job, &plug.jobs[i], see, &plug.seen) > 0);
    }
    for (int64_t i = 0; i < size; i++) gate_wait(&plug.jobs[i].begun, 1);
    CHECK(rondel_work(loop, run_job, &queued, see, &queued_seen) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0); /* while another loop's work goes on */
    CHECK_EQ(running_seen.calls, 1);
    CHECK_EQ(running_seen.result, RONDEL_ECANCELED);
    CHECK_EQ(running.returned, 1);
    CHECK_EQ(queued_seen.calls, 1);
    CHECK_EQ(queued_seen.result, RONDEL_ECANCELED);
    pull_plug(&plug);
    CHECK_EQ(rondel_run(plugged, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(plug.seen.calls, plug.count);
    CHECK_EQ(plug.seen.result, 0);
    CHECK_EQ(queued.ran, 0);
    CHECK_EQ(rondel_loop_free(plugged), 0);
    CHECK_EQ(rondel_pool_size(size), size);
    free(plug.jobs);
}

TEST(busy_workers_do_not_hold_up_timers_and_look_ups) {
    rondel_loop loop = rondel_loop_new();
    struct plug plug;
    plug_pool(loop, &plug);
    CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)), 0);
    CHECK(rondel_run_until(loop, rondel_resolve(loop, "localhost", NULL, 0, RONDEL_FUTURE)) > 0);
    CHECK_EQ(plug.seen.calls, 0);
    pull_plug(&plug);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(plug.jobs);
}

TEST(a_larger_pool_takes_up_what_was_waiting) {
    rondel_loop loop = rondel_loop_new();
    struct plug plug;
    struct job job = JOB(3);
    int64_t size = rondel_pool_size(0);
    plug_pool(loop, &plug);
    gate_pass(&job.may_end);
    rondel_future work = rondel_work(loop, run_job, &job, RONDEL_FUTURE);
    CHECK_EQ(rondel_pool_size(size + 1), size + 1);
    CHECK_EQ(rondel_run_until(loop, work), 3); /* hangs if the new thread never began */
    pull_plug(&plug);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_pool_size(size), size);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(plug.jobs);
}

struct crowd {
    pthread_mutex_t mutex;
    int64_t inside;
    int64_t most;
};

static int64_t come_and_go(void *arg) {
    struct crowd *crowd = arg;
    pthread_mutex_lock(&crowd->mutex);
    if (++crowd->inside > crowd->most) crowd->most = crowd->inside;
    pthread_mutex_unlock(&crowd->mutex);
    sched_yield();
    pthread_mutex_lock(&crowd->mutex);
    crowd->inside--;
    pthread_mutex_unlock(&crowd->mutex);
    return 0;
}

TEST(a_pool_of_one_runs_one_at_a_time) {
    rondel_loop loop = rondel_loop_new();
    struct crowd crowd = {PTHREAD_MUTEX_INITIALIZER, 0, 0};
    int64_t size = rondel_pool_size(0);
    CHECK_EQ(rondel_pool_size(1), 1);
    CHECK_EQ(rondel_pool_size(0), 1);
    for (int i = 0; i < 500; i++) CHECK(rondel_work(loop, come_and_go, &crowd, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(crowd.most, 1);
    CHECK_EQ(rondel_pool_size(size), size);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_pool_size_that_makes_no_sense_is_refused) {
    int64_t size = rondel_pool_size(0);
    CHECK(size >= 1);
    CHECK_EQ(rondel_pool_size(-1), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_size(1025), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_size(INT64_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_size(0), size);
}

static int64_t send_from_work(void *arg) {
    CHECK_EQ(rondel_alive(*(rondel_loop *)arg), RONDEL_ETHREAD);
    CHECK_EQ(rondel_loop_current(), RONDEL_ESTATE);
    return rondel_call_soon_threadsafe(*(rondel_loop *)arg, trace, "message");
}

struct errand {
    rondel_loop loop;
    struct seen seen;
};

/* From now on the loop is this thread's, for certain. */
static void start_sending(rondel_handle source, int64_t result, void *user_data) {
    struct errand *errand = user_data;
    (void)source, (void)result;
    CHECK(rondel_work(errand->loop, send_from_work, &errand->loop, see, &errand->seen) > 0);
}

TEST(work_may_send_messages_but_not_touch_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct errand errand = {loop, {0, 0, 0}};
    CHECK(rondel_call_soon(loop, start_sending, &errand) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(errand.seen.calls, 1);
    CHECK_EQ(errand.seen.result, 0);
    CHECK_STR(trace_taken(), "message");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* How many threads there are; 0 where the system does not list them. */
static int count_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') count++;
    closedir(folder);
    return count;
}

TEST(with_the_last_loop_the_workers_leave) {
    const int64_t rounds = test_scale(500, 20);
    int before = count_threads();
    for (int64_t i = 0; i < rounds; i++) {
        rondel_loop loop = rondel_loop_new();
        int64_t ran = 0;
        for (int j = 0; j < 8; j++) CHECK(rondel_work(loop, count_up, &ran, NULL, NULL) > 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(ran, 8);
        CHECK_EQ(rondel_loop_free(loop), 0);
        /* A thread that has been joined may be listed a little longer; one that stayed would be for ten seconds. */
        while (count_threads() != before) sched_yield();
    }
}

static void *work_in_own_loops(void *user_data) {
    const int64_t rounds = test_scale(500, 20);
    for (int64_t i = 0; i < rounds; i++) {
        rondel_loop loop = rondel_loop_new();
        struct seen seen = {0, 0, 0};
        int64_t ran = 0;
        for (int j = 0; j < 4; j++) CHECK(rondel_work(loop, count_up, &ran, see, &seen) > 0);
        if (i % 2) CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(seen.calls, 4);
        if (i % 2) CHECK_EQ(ran, 4);
    }
    return user_data;
}

TEST(loops_of_several_threads_share_the_pool_while_they_come_and_go) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&threads[i], NULL, work_in_own_loops, NULL), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

TEST(outside_of_work_nothing_is_cancelled) { CHECK(rondel_work_cancelled() != 1); }

TEST_MAIN(RUN(work_runs_on_another_thread_and_its_result_is_told_on_the_loop), RUN(any_result_comes_back_as_it_is),
          RUN(work_without_a_function_is_refused), RUN(of_many_each_runs_once),
          RUN(cancelled_before_it_begins_it_never_runs), RUN(a_timeout_before_it_begins_keeps_it_from_running),
          RUN(cancelled_while_it_runs_it_is_told_so_and_ends_when_it_returned),
          RUN(cancelled_while_it_runs_its_own_result_is_not_told),
          RUN(a_timeout_while_it_runs_is_told_when_it_returned), RUN(released_it_runs_on_unobserved),
          RUN(loop_free_waits_for_what_runs_and_drops_what_is_queued),
          RUN(busy_workers_do_not_hold_up_timers_and_look_ups), RUN(a_larger_pool_takes_up_what_was_waiting),
          RUN(a_pool_of_one_runs_one_at_a_time), RUN(a_pool_size_that_makes_no_sense_is_refused),
          RUN(work_may_send_messages_but_not_touch_the_loop), RUN(with_the_last_loop_the_workers_leave),
          RUN(loops_of_several_threads_share_the_pool_while_they_come_and_go),
          RUN(outside_of_work_nothing_is_cancelled))
