/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of the libcurl adapter share. RONDEL_HTTP_PORT names a web server (server.py says what its paths do),
 * RONDEL_REFUSED_PORT a port where nobody listens (run.py provides both). */
#ifndef CURL_TEST_SUPPORT_H
#define CURL_TEST_SUPPORT_H

#include "../../c/support/test.h"

#include <curl/rondel.h>

/* One fetch, and what was told of it. */
struct fetch {
    CURL *easy;
    rondel_curl *curl;
    rondel_future future;
    int64_t told, result, wrong;
    int64_t length;
    CURLcode code;
    char text[64]; /* what the body begins with */
};

static inline size_t on_body(char *bytes, size_t size, size_t count, void *user_data) {
    static const char pattern[] = "0123456789abcdef";
    struct fetch *fetch = user_data;
    (void)size;
    for (size_t i = 0; i < count; i++, fetch->length++) {
        if (bytes[i] != pattern[fetch->length % 16]) fetch->wrong++;
        if (fetch->length < (int64_t)sizeof fetch->text - 1) {
            fetch->text[fetch->length] = bytes[i];
            fetch->text[fetch->length + 1] = 0;
        }
    }
    return count;
}

static inline void on_fetched(rondel_handle future, int64_t result, void *user_data) {
    struct fetch *fetch = user_data;
    CHECK_EQ(future, fetch->future);
    fetch->told++;
    fetch->result = result;
    fetch->code = rondel_curl_code(future);
}

static inline void set_path(struct fetch *fetch, const char *port_name, const char *path) {
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%s%s", getenv(port_name), path);
    CHECK_EQ(curl_easy_setopt(fetch->easy, CURLOPT_URL, url), CURLE_OK);
}

/* Makes an easy handle for a path of the server. */
static inline void prepare(struct fetch *fetch, rondel_curl *curl, const char *path) {
    memset(fetch, 0, sizeof *fetch);
    fetch->curl = curl;
    fetch->easy = curl_easy_init();
    curl_easy_setopt(fetch->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(fetch->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    set_path(fetch, "RONDEL_HTTP_PORT", path);
}

static inline void begin(struct fetch *fetch) {
    fetch->future = rondel_curl_perform(fetch->curl, fetch->easy, on_fetched, fetch);
    CHECK(fetch->future > 0);
}

static inline void start(struct fetch *fetch, rondel_curl *curl, const char *path) {
    prepare(fetch, curl, path);
    begin(fetch);
}

static inline void finish(struct fetch *fetch) { curl_easy_cleanup(fetch->easy); }

/* Ends both, and sees that the loop has nothing left. */
static inline void end(rondel_curl *curl, rondel_loop loop) {
    CHECK_EQ(rondel_curl_free(curl), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

#endif
