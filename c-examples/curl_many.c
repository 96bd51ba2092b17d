/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fetches many URLs with libcurl on one loop, so many at a time, and says how each went as soon as it is known.
 *
 *     curl_many [--at-once N] [--deadline SECONDS] https://example.org/ http://127.0.0.1:8000/README.md
 *     curl_many < urls
 *
 * Ends with 0 if every URL came with a status below 400. */
#include <curl/rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetches {
    rondel_curl *curl;
    char **urls; /* NULL: they come on standard input, one a line */
    int count, next;
    int64_t deadline, good, all;
};

struct fetch {
    struct fetches *fetches;
    CURL *easy;
    int64_t bytes, begun;
    char url[4096], reason[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t size, size_t count, void *user_data) {
    struct fetch *fetch = user_data;
    (void)bytes;
    fetch->bytes += (int64_t)(size * count);
    return size * count;
}

static int next_url(struct fetches *fetches, char *url, int size) {
    if (fetches->urls) {
        if (fetches->next == fetches->count) return 0;
        snprintf(url, (size_t)size, "%s", fetches->urls[fetches->next++]);
        return 1;
    }
    while (fgets(url, size, stdin)) {
        url[strcspn(url, "\r\n")] = '\0';
        if (*url) return 1;
    }
    return 0;
}

static void on_fetched(rondel_handle future, int64_t result, void *user_data);

/* Starts the next one, with the easy handle of one that is done; 0 if there is none. */
static int fetch_next(struct fetch *fetch) {
    struct fetches *fetches = fetch->fetches;
    while (next_url(fetches, fetch->url, sizeof fetch->url)) {
        curl_easy_reset(fetch->easy);
        curl_easy_setopt(fetch->easy, CURLOPT_URL, fetch->url);
        curl_easy_setopt(fetch->easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(fetch->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(fetch->easy, CURLOPT_ERRORBUFFER, fetch->reason);
        curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
        fetch->reason[0] = '\0';
        fetch->bytes = 0;
        fetch->begun = rondel_clock();
        fetches->all++;
        int64_t result = rondel_curl_perform(fetches->curl, fetch->easy, on_fetched, fetch);
        if (rondel_timeout(result, fetches->deadline) > 0) return 1;
        printf("failed  %s  %s\n", fetch->url, rondel_error_message(result));
    }
    curl_easy_cleanup(fetch->easy);
    free(fetch);
    return 0;
}

static void on_fetched(rondel_handle future, int64_t result, void *user_data) {
    struct fetch *fetch = user_data;
    int64_t ms = (rondel_clock() - fetch->begun) / RONDEL_MS;
    long status = 0;
    (void)future;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result < 0)
        printf("failed  %s  %s\n", fetch->url, *fetch->reason ? fetch->reason : rondel_error_message(result));
    else
        printf("%6ld  %s  %" PRId64 " bytes in %" PRId64 " ms\n", status, fetch->url, fetch->bytes, ms);
    if (result == 0 && status < 400) fetch->fetches->good++;
    fetch_next(fetch);
}

int main(int argc, char **argv) {
    struct fetches fetches = {.deadline = 30 * RONDEL_SECOND};
    int at_once = 20, i = 1;
    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
        if (!strcmp(argv[i], "--at-once")) at_once = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--deadline")) fetches.deadline = (int64_t)(atof(argv[i + 1]) * (double)RONDEL_SECOND);
        else break;
    }
    if ((i < argc && argv[i][0] == '-') || at_once <= 0 || fetches.deadline <= 0)
        return fprintf(stderr, "usage: curl_many [--at-once N] [--deadline SECONDS] [URL...]\n"), 2;
    if (i < argc) {
        fetches.urls = argv + i;
        fetches.count = argc - i;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    rondel_loop loop = rondel_loop_new();
    fetches.curl = rondel_curl_new(loop);
    for (int n = 0; n < at_once && fetches.curl; n++) {
        struct fetch *fetch = calloc(1, sizeof *fetch);
        if (fetch == NULL || (fetch->easy = curl_easy_init()) == NULL) break;
        fetch->fetches = &fetches;
        if (!fetch_next(fetch)) break; /* there are no more */
    }
    int64_t result = rondel_run(loop, RONDEL_RUN_DEFAULT);
    if (result < 0) fprintf(stderr, "curl_many: %s\n", rondel_error_message(result));
    rondel_curl_free(fetches.curl);
    rondel_loop_free(loop);
    curl_global_cleanup();
    printf("%" PRId64 " of %" PRId64 " fetched\n", fetches.good, fetches.all);
    return fetches.good < fetches.all || result < 0;
}
