/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libcurl's transfers as futures: how they end, in callbacks, in tasks and pulled. */
#include "support.h"

TEST(a_transfer_gives_0_and_the_loop_ends_with_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch fetch;
    start(&fetch, curl, "/bytes/100");
    CHECK_EQ(fetch.told, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fetch.told, 1);
    CHECK_EQ(fetch.result, 0);
    CHECK_EQ(fetch.code, CURLE_OK);
    CHECK_EQ(fetch.length, 100);
    CHECK_EQ(fetch.wrong, 0);
    finish(&fetch);
    end(curl, loop);
}

TEST(a_status_is_no_error_unless_libcurl_is_told_so) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch plain, strict;
    long status = 0;
    start(&plain, curl, "/no/such/page");
    prepare(&strict, curl, "/status/500");
    curl_easy_setopt(strict.easy, CURLOPT_FAILONERROR, 1L);
    begin(&strict);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(plain.result, 0);
    CHECK_EQ(curl_easy_getinfo(plain.easy, CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
    CHECK_EQ(status, 404);
    CHECK_STR(plain.text, "no such page\n");
    CHECK_EQ(strict.result, RONDEL_EPROTO);
    CHECK_EQ(strict.code, CURLE_HTTP_RETURNED_ERROR);
    finish(&plain), finish(&strict);
    end(curl, loop);
}

TEST(redirects_are_followed_up_to_the_limit) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch good, circle;
    prepare(&good, curl, "/redirect/5");
    prepare(&circle, curl, "/circle");
    curl_easy_setopt(good.easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(circle.easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(circle.easy, CURLOPT_MAXREDIRS, 5L);
    begin(&good), begin(&circle);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(good.result, 0);
    CHECK_STR(good.text, "arrived");
    CHECK_EQ(circle.result, RONDEL_ELOOP);
    finish(&good), finish(&circle);
    end(curl, loop);
}

TEST(what_goes_wrong_has_a_code) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch half, nothing, refused, nonsense, strange, late;
    start(&half, curl, "/die");
    start(&nothing, curl, "/drop");
    prepare(&refused, curl, "/");
    set_path(&refused, "RONDEL_REFUSED_PORT", "/");
    begin(&refused);
    prepare(&nonsense, curl, "/");
    curl_easy_setopt(nonsense.easy, CURLOPT_URL, "http://[::1/");
    begin(&nonsense);
    prepare(&strange, curl, "/");
    curl_easy_setopt(strange.easy, CURLOPT_URL, "strange://127.0.0.1/");
    begin(&strange);
    prepare(&late, curl, "/silent");
    curl_easy_setopt(late.easy, CURLOPT_TIMEOUT_MS, 100L);
    begin(&late);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(half.result, RONDEL_EOF);
    CHECK_EQ(half.code, CURLE_PARTIAL_FILE);
    CHECK_EQ(half.length, 500);
    CHECK_EQ(nothing.result, RONDEL_EOF);
    CHECK_EQ(nothing.code, CURLE_GOT_NOTHING);
    CHECK_EQ(refused.result, RONDEL_ECONNREFUSED);
    CHECK_EQ(nonsense.result, RONDEL_EINVAL);
    CHECK_EQ(strange.result, RONDEL_EPROTONOSUPPORT);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(half.told + nothing.told + refused.told + nonsense.told + strange.told + late.told, 6);
    finish(&half), finish(&nothing), finish(&refused), finish(&nonsense), finish(&strange), finish(&late);
    end(curl, loop);
}

static size_t take_nothing(char *bytes, size_t size, size_t count, void *user_data) {
    (void)bytes, (void)size, (void)count, (void)user_data;
    return 0;
}

static int give_up(void *user_data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)user_data, (void)a, (void)b, (void)c, (void)d;
    return 1;
}

TEST(callbacks_of_libcurl_can_end_a_transfer) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch full, tired;
    prepare(&full, curl, "/bytes/10");
    curl_easy_setopt(full.easy, CURLOPT_WRITEFUNCTION, take_nothing);
    begin(&full);
    prepare(&tired, curl, "/bytes/10");
    curl_easy_setopt(tired.easy, CURLOPT_XFERINFOFUNCTION, give_up);
    curl_easy_setopt(tired.easy, CURLOPT_NOPROGRESS, 0L);
    begin(&tired);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(full.result, RONDEL_EIO);
    CHECK_EQ(tired.result, RONDEL_ECANCELED);
    finish(&full), finish(&tired);
    end(curl, loop);
}

TEST(large_bodies_come_whole_both_ways) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch down, up;
    int64_t size = test_scale(64 << 20, 2 << 20);
    char path[64], *bytes = malloc((size_t)size);
    REQUIRE(bytes != NULL);
    for (int64_t i = 0; i < size; i++) bytes[i] = "0123456789abcdef"[i % 16];
    snprintf(path, sizeof path, "/bytes/%" PRId64, size);
    start(&down, curl, path);
    prepare(&up, curl, "/echo");
    curl_easy_setopt(up.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(up.easy, CURLOPT_POSTFIELDS, bytes);
    begin(&up);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(down.result, 0);
    CHECK_EQ(down.length, size);
    CHECK_EQ(down.wrong, 0);
    CHECK_EQ(up.result, 0);
    CHECK_EQ(up.length, size);
    CHECK_EQ(up.wrong, 0);
    finish(&down), finish(&up);
    free(bytes);
    end(curl, loop);
}

TEST(many_at_once_each_have_their_own_body) {
    enum { MANY = 400 };
    static struct fetch fetches[MANY];
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    int64_t count = test_scale(MANY, 40);
    curl_multi_setopt(curl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 50L);
    for (int64_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/bytes/%" PRId64, i * 100);
        start(&fetches[i], curl, path);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int64_t i = 0; i < count; i++) {
        CHECK_EQ(fetches[i].told, 1);
        CHECK_EQ(fetches[i].result, 0);
        CHECK_EQ(fetches[i].length, i * 100);
        CHECK_EQ(fetches[i].wrong, 0);
        finish(&fetches[i]);
    }
    end(curl, loop);
}

TEST(a_connection_is_used_again) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch fetch;
    int first = 0;
    for (int i = 0; i < 10; i++) {
        start(&fetch, curl, "/connections");
        CHECK_EQ(rondel_run_until(loop, rondel_curl_perform(curl, fetch.easy, RONDEL_FUTURE)), RONDEL_EBUSY);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* which an open connection does not hold up */
        CHECK_EQ(fetch.result, 0);
        if (i == 0) first = atoi(fetch.text);
        CHECK_EQ(atoi(fetch.text), first);
        finish(&fetch);
    }
    end(curl, loop);
}

/* ---- In tasks, and pulled ---- */

struct errand {
    rondel_curl *curl;
    int64_t done;
};

static int64_t fetch_in_turn(void *arg) {
    struct errand *errand = arg;
    for (int i = 0; i < 10; i++) {
        struct fetch fetch;
        long status = 0;
        prepare(&fetch, errand->curl, i % 2 ? "/bytes/1000" : "/status/404");
        CHECK_EQ(rondel_await(rondel_curl_perform(errand->curl, fetch.easy, RONDEL_FUTURE)), 0);
        curl_easy_getinfo(fetch.easy, CURLINFO_RESPONSE_CODE, &status);
        CHECK_EQ(status, i % 2 ? 200 : 404);
        finish(&fetch);
        errand->done++;
    }
    return 0;
}

TEST(tasks_fetch_straight_line) {
    enum { TASKS = 20 };
    rondel_loop loop = rondel_loop_new();
    struct errand errand = {rondel_curl_new(loop), 0};
    rondel_future tasks[TASKS];
    for (int i = 0; i < TASKS; i++) tasks[i] = rondel_task_spawn(loop, fetch_in_turn, &errand);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(tasks, TASKS, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(errand.done, TASKS * 10);
    end(errand.curl, loop);
}

static int64_t fetch_for_ever(void *arg) {
    struct errand *errand = arg;
    struct fetch fetch;
    prepare(&fetch, errand->curl, "/silent");
    int64_t result = rondel_await(rondel_curl_perform(errand->curl, fetch.easy, RONDEL_FUTURE));
    finish(&fetch); /* at once: it is out of libcurl */
    errand->done++;
    return result;
}

TEST(a_cancelled_task_has_its_handle_back_when_it_goes_on) {
    rondel_loop loop = rondel_loop_new();
    struct errand errand = {rondel_curl_new(loop), 0};
    rondel_future task = rondel_task_spawn(loop, fetch_for_ever, &errand);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1); /* it has begun */
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(task, 100 * RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(errand.done, 1);
    end(errand.curl, loop);
}

TEST(completions_can_be_pulled) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    rondel_completion completion;
    struct fetch fetch;
    prepare(&fetch, curl, "/bytes/10");
    rondel_future future = rondel_curl_perform(curl, fetch.easy, rondel_enqueue, &fetch);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(completion.source, future);
    CHECK_EQ(completion.result, 0);
    CHECK(completion.user_data == &fetch);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 0);
    finish(&fetch);
    end(curl, loop);
}

TEST(nobody_need_be_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_curl *curl = rondel_curl_new(loop);
    struct fetch fetch;
    prepare(&fetch, curl, "/bytes/10");
    CHECK(rondel_curl_perform(curl, fetch.easy, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fetch.length, 10);
    finish(&fetch);
    end(curl, loop);
}

TEST_MAIN(RUN(a_transfer_gives_0_and_the_loop_ends_with_it), RUN(a_status_is_no_error_unless_libcurl_is_told_so),
          RUN(redirects_are_followed_up_to_the_limit), RUN(what_goes_wrong_has_a_code),
          RUN(callbacks_of_libcurl_can_end_a_transfer), RUN(large_bodies_come_whole_both_ways),
          RUN(many_at_once_each_have_their_own_body), RUN(a_connection_is_used_again), RUN(tasks_fetch_straight_line),
          RUN(a_cancelled_task_has_its_handle_back_when_it_goes_on), RUN(completions_can_be_pulled),
          RUN(nobody_need_be_told))
