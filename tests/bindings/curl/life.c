/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Transfers that are cancelled, and everything that is freed, at every moment. */
#include "support.h"

#include "../../c/support/steps.h"

#include <fcntl.h>

static void check_told(const struct fetch *fetch, int64_t result) {
    CHECK_EQ(fetch->told, 1);
    CHECK_EQ(fetch->result, result);
}

TEST(a_cancelled_transfer_is_told_once_and_its_handle_goes_again) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch fetch;
    start(&fetch, curl, "/silent");
    CHECK_EQ(rondel_cancel(fetch.future), 0); /* before it began */
    CHECK_EQ(fetch.told, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    check_told(&fetch, RONDEL_ECANCELED);
    begin(&fetch);
    CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, 30 * RONDEL_MS, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_cancel(fetch.future), 0); /* while it waits for the server */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fetch.told, 2);
    CHECK_EQ(fetch.result, RONDEL_ECANCELED);
    set_path(&fetch, "RONDEL_HTTP_PORT", "/bytes/20");
    begin(&fetch);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fetch.told, 3);
    CHECK_EQ(fetch.result, 0);
    CHECK_EQ(fetch.length, 20);
    finish(&fetch);
    end(curl, loop);
}

TEST(when_a_deadline_has_passed_the_handle_may_be_cleaned_up_at_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch fetch;
    prepare(&fetch, curl, "/silent");
    rondel_future future = rondel_curl_perform(curl, fetch.easy, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(future, 30 * RONDEL_MS)), RONDEL_ETIMEDOUT);
    finish(&fetch);
    end(curl, loop);
}

/* ---- The loop, and what the transfers share, are freed in the middle ---- */

enum { SOME = 12 };
static const char *const paths[SOME] = {"/silent",    "/bytes/100000", "/drip/200", "/silent", "/redirect/3", "/die",
                                        "/status/404", "/drip/50",      "/drop",     "/circle", "/bytes/1",    "/silent"};

static void start_some(struct fetch *fetches, rondel_curl *curl) {
    for (int i = 0; i < SOME; i++) start(&fetches[i], curl, paths[i]);
}

static void check_some(struct fetch *fetches) {
    for (int i = 0; i < SOME; i++) {
        CHECK_EQ(fetches[i].told, 1);
        finish(&fetches[i]);
    }
}

TEST(freeing_the_loop_tells_each_transfer_once) {
    struct fetch fetches[SOME];
    for (int wait_ms = 0; wait_ms < 60; wait_ms += 6) {
        rondel_loop loop = rondel_loop_new();
        rondel_curl *curl = rondel_curl_new(loop);
        start_some(fetches, curl);
        if (wait_ms) CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, wait_ms * RONDEL_MS, RONDEL_FUTURE)), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(fetches[0].result, RONDEL_ECANCELED);
        check_some(fetches);
        CHECK_EQ(rondel_curl_perform(curl, curl, NULL, NULL), RONDEL_EGONE);
        CHECK_EQ(rondel_curl_free(curl), 0);
    }
}

TEST(freeing_what_they_share_tells_each_transfer_once) {
    struct fetch fetches[SOME];
    for (int wait_ms = 0; wait_ms < 60; wait_ms += 6) {
        rondel_loop loop = rondel_loop_new();
        rondel_curl *curl = rondel_curl_new(loop);
        start_some(fetches, curl);
        if (wait_ms) CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, wait_ms * RONDEL_MS, RONDEL_FUTURE)), 0);
        CHECK_EQ(rondel_curl_free(curl), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        check_some(fetches);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(handles_cleaned_up_after_both_are_gone_do_no_harm) {
    struct fetch fetches[SOME];
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    start_some(fetches, curl);
    CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, 20 * RONDEL_MS, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_curl_free(curl), 0);
    check_some(fetches);
}

/* ---- From within libcurl's callbacks ---- */

struct inner {
    struct fetch outer, other;
    int64_t refused;
    int done;
};

/* A transfer that has begun, in which libcurl calls `on_bytes`; and if there is a path for it, another to begin there. */
static void begin_outer(struct inner *inner, rondel_curl *curl, const char *path, const char *other,
                        size_t (*on_bytes)(char *, size_t, size_t, void *)) {
    memset(inner, 0, sizeof *inner);
    prepare(&inner->outer, curl, path);
    if (other) prepare(&inner->other, curl, other);
    curl_easy_setopt(inner->outer.easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(inner->outer.easy, CURLOPT_WRITEDATA, inner);
    begin(&inner->outer);
}

static size_t start_another(char *bytes, size_t size, size_t count, void *user_data) {
    struct inner *inner = user_data;
    if (!inner->done++) {
        begin(&inner->other);
        inner->refused = rondel_curl_perform(inner->other.curl, inner->other.easy, NULL, NULL);
    }
    return on_body(bytes, size, count, &inner->outer);
}

TEST(a_transfer_can_be_started_inside_libcurl) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct inner inner;
    begin_outer(&inner, curl, "/bytes/1000", "/bytes/10", start_another);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(inner.outer.told, 1);
    CHECK_EQ(inner.outer.length, 1000);
    check_told(&inner.other, 0);
    CHECK_EQ(inner.other.length, 10);
    CHECK_EQ(inner.refused, RONDEL_EBUSY);
    finish(&inner.outer), finish(&inner.other);
    end(curl, loop);
}

static size_t cancel_both(char *bytes, size_t size, size_t count, void *user_data) {
    struct inner *inner = user_data;
    if (!inner->done++) {
        begin(&inner->other);
        CHECK_EQ(rondel_cancel(inner->other.future), 0);
        CHECK_EQ(rondel_cancel(inner->outer.future), 0);
    }
    return on_body(bytes, size, count, &inner->outer);
}

TEST(transfers_can_be_cancelled_inside_libcurl) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct inner inner;
    begin_outer(&inner, curl, "/drip/1000", "/silent", cancel_both);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    check_told(&inner.outer, RONDEL_ECANCELED);
    check_told(&inner.other, RONDEL_ECANCELED);
    CHECK(inner.outer.length < 1000);
    finish(&inner.outer), finish(&inner.other);
    end(curl, loop);
}

static size_t free_inside(char *bytes, size_t size, size_t count, void *user_data) {
    struct inner *inner = user_data;
    if (!inner->done++) {
        begin(&inner->other);
        CHECK_EQ(rondel_curl_free(inner->outer.curl), 0);
        inner->refused = rondel_curl_perform(inner->other.curl, inner->other.easy, NULL, NULL);
    }
    return on_body(bytes, size, count, &inner->outer);
}

TEST(all_can_be_freed_inside_libcurl) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct inner inner;
    begin_outer(&inner, curl, "/drip/1000", "/silent", free_inside);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(inner.refused, RONDEL_EGONE);
    check_told(&inner.outer, RONDEL_ECANCELED);
    check_told(&inner.other, RONDEL_ECANCELED);
    finish(&inner.outer), finish(&inner.other);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void free_when_told(rondel_handle future, int64_t result, void *user_data) {
    struct fetch *fetch = user_data;
    on_fetched(future, result, fetch);
    CHECK_EQ(rondel_curl_free(fetch->curl), 0);
    finish(fetch);
}

TEST(all_can_be_freed_when_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch first, second;
    prepare(&first, curl, "/bytes/10");
    start(&second, curl, "/silent");
    first.future = rondel_curl_perform(curl, first.easy, free_when_told, &first);
    CHECK(first.future > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(first.result, 0);
    check_told(&second, RONDEL_ECANCELED);
    finish(&second);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Paused, and closed behind our back ---- */

static void go_on(rondel_handle source, int64_t result, void *user_data) {
    struct inner *inner = user_data;
    (void)source, (void)result;
    CHECK_EQ(inner->done, 1);
    CHECK_EQ(inner->outer.length, 0);
    CHECK_EQ(curl_easy_pause(inner->outer.easy, CURLPAUSE_CONT), CURLE_OK);
}

static size_t pause_once(char *bytes, size_t size, size_t count, void *user_data) {
    struct inner *inner = user_data;
    if (inner->done++) return on_body(bytes, size, count, &inner->outer);
    CHECK(rondel_call_later(rondel_loop_current(), 100 * RONDEL_MS, go_on, inner) > 0);
    return CURL_WRITEFUNC_PAUSE;
}

TEST(a_paused_transfer_goes_on_when_let) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct inner inner;
    begin_outer(&inner, curl, "/bytes/300000", NULL, pause_once);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    check_told(&inner.outer, 0);
    CHECK_EQ(inner.outer.length, 300000);
    CHECK_EQ(inner.outer.wrong, 0);
    finish(&inner.outer);
    end(curl, loop);
}

static curl_socket_t opened;

static void close_behind(rondel_handle source, int64_t result, void *user_data) {
    int nothing = open("/dev/null", O_RDONLY);
    (void)source, (void)result, (void)user_data;
    CHECK_EQ(dup2(nothing, opened), opened); /* its number is another file's at once */
    close(nothing);
}

static curl_socket_t note_socket(void *user_data, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)user_data, (void)purpose;
    CHECK(rondel_call_later(rondel_loop_current(), 50 * RONDEL_MS, close_behind, NULL) > 0);
    return opened = socket(address->family, address->socktype, address->protocol);
}

TEST(a_socket_closed_by_somebody_ends_its_transfer_only) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch robbed, other;
    prepare(&robbed, curl, "/silent");
    curl_easy_setopt(robbed.easy, CURLOPT_OPENSOCKETFUNCTION, note_socket);
    begin(&robbed);
    start(&other, curl, "/drip/100");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(robbed.told, 1);
    CHECK(robbed.result < 0);
    check_told(&other, 0);
    CHECK_EQ(other.length, 100);
    finish(&robbed), finish(&other);
    end(curl, loop);
}

/* ---- Many, at random ---- */

TEST(whatever_happens_each_transfer_is_told_once) {
    enum { MANY = 300 };
    static struct fetch fetches[MANY];
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    uint64_t random = UINT64_C(0x2545f4914f6cdd1d);
    int64_t count = test_scale(MANY, 60), begun = 0;
    while (begun < count) {
        int64_t burst = (int64_t)(next_random(&random) % 20);
        for (; burst > 0 && begun < count; burst--, begun++) {
            struct fetch *fetch = &fetches[begun];
            start(fetch, curl, paths[next_random(&random) % SOME]);
            rondel_timeout(fetch->future, (int64_t)(next_random(&random) % 80) * RONDEL_MS);
        }
        CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, 3 * RONDEL_MS, RONDEL_FUTURE)), 0);
        for (int64_t i = 0; i < begun; i++)
            if (next_random(&random) % 8 == 0) rondel_cancel(fetches[i].future); /* done or not */
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int64_t i = 0; i < count; i++) {
        int64_t result = fetches[i].result;
        CHECK_EQ(fetches[i].told, 1);
        CHECK(result == 0 || result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT || result == RONDEL_EOF);
        finish(&fetches[i]);
    }
    end(curl, loop);
}

/* ---- What is refused ---- */

static void *perform_elsewhere(void *arg) {
    struct fetch *fetch = arg;
    CHECK_EQ(rondel_curl_perform(fetch->curl, fetch->easy, NULL, NULL), RONDEL_ETHREAD);
    CHECK_EQ(rondel_curl_free(fetch->curl), RONDEL_ETHREAD);
    return NULL;
}

static void from_another_thread(rondel_handle source, int64_t result, void *user_data) {
    pthread_t thread;
    (void)source, (void)result;
    CHECK_EQ(pthread_create(&thread, NULL, perform_elsewhere, user_data), 0);
    pthread_join(thread, NULL);
}

TEST(what_makes_no_sense_is_refused_and_tells_nobody) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    CURLM *other = curl_multi_init();
    struct fetch fetch;
    CHECK(rondel_curl_new(0) == NULL);
    CHECK(rondel_curl_new(RONDEL_EBUSY) == NULL);
    prepare(&fetch, curl, "/bytes/1");
    CHECK_EQ(rondel_curl_perform(NULL, fetch.easy, on_fetched, &fetch), RONDEL_EINVAL);
    CHECK_EQ(rondel_curl_perform(curl, NULL, on_fetched, &fetch), RONDEL_EINVAL);
    CHECK_EQ(curl_multi_add_handle(other, fetch.easy), CURLM_OK);
    CHECK_EQ(rondel_curl_perform(curl, fetch.easy, on_fetched, &fetch), RONDEL_EBUSY);
    CHECK_EQ(curl_multi_remove_handle(other, fetch.easy), CURLM_OK);
    curl_multi_cleanup(other);
    CHECK(rondel_call_soon(loop, from_another_thread, &fetch) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fetch.told, 0);
    CHECK_EQ(rondel_curl_free(NULL), 0);
    finish(&fetch);
    end(curl, loop);
}

TEST_MAIN(RUN(a_cancelled_transfer_is_told_once_and_its_handle_goes_again),
          RUN(when_a_deadline_has_passed_the_handle_may_be_cleaned_up_at_once),
          RUN(freeing_the_loop_tells_each_transfer_once), RUN(freeing_what_they_share_tells_each_transfer_once),
          RUN(handles_cleaned_up_after_both_are_gone_do_no_harm), RUN(a_transfer_can_be_started_inside_libcurl),
          RUN(transfers_can_be_cancelled_inside_libcurl), RUN(all_can_be_freed_inside_libcurl),
          RUN(all_can_be_freed_when_told), RUN(a_paused_transfer_goes_on_when_let),
          RUN(a_socket_closed_by_somebody_ends_its_transfer_only), RUN(whatever_happens_each_transfer_is_told_once),
          RUN(what_makes_no_sense_is_refused_and_tells_nobody))
