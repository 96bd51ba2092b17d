/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fetches many pages of one server at once, but not too many: each waits for a place among the ten, and has so many
 * seconds once it has one.
 *
 *     python3 -m http.server 8000 &
 *     crawl [--at-once N] [--deadline SECONDS] 127.0.0.1 8000 / /README.md
 *
 * Ends with 0 if every page came. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct crawl {
    const char *host;
    int port, count;
    char **paths;
    int64_t at_once, deadline;
    rondel_semaphore places;
    int64_t fetched;
};

struct page {
    struct crawl *crawl;
    const char *path;
    int64_t status, bytes;
};

/* One fetch in straight lines. A code below zero chains through all that comes after it. */
static int64_t fetch(void *arg) {
    struct page *page = arg;
    char text[16 * 1024 + 1];
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", page->path, page->crawl->host);
    if (length >= (int)sizeof text) return RONDEL_ENAMETOOLONG;
    rondel_tcp tcp = rondel_await(
        rondel_tcp_connect(rondel_loop_current(), page->crawl->host, page->crawl->port, RONDEL_FUTURE));
    rondel_await(rondel_write(tcp, text, (size_t)length, RONDEL_FUTURE));
    int64_t n = rondel_await(rondel_read_until(tcp, text, sizeof text - 1, "\r\n\r\n", 4, RONDEL_FUTURE));
    if (n > 0) {
        text[n] = '\0';
        if (sscanf(text, "HTTP/%*d.%*d %" SCNd64, &page->status) != 1) n = RONDEL_EPROTO;
        while (n > 0) {
            n = rondel_await(rondel_read(tcp, text, sizeof text, RONDEL_FUTURE));
            if (n > 0) page->bytes += n;
        }
        if (n == RONDEL_EOF) n = 0; /* the body ends with the stream */
    }
    rondel_close(tcp);
    return n;
}

static int64_t visit(void *arg) {
    struct page *page = arg;
    struct crawl *crawl = page->crawl;
    int64_t result = rondel_await(rondel_semaphore_acquire(crawl->places, RONDEL_FUTURE));
    if (result < 0) return result;
    result = rondel_await(rondel_timeout(rondel_task_spawn(rondel_loop_current(), fetch, page), crawl->deadline));
    rondel_semaphore_release(crawl->places);
    if (result < 0)
        printf("failed  %s  %s\n", page->path, rondel_error_message(result));
    else
        printf("%6" PRId64 "  %s  %" PRId64 " bytes\n", page->status, page->path, page->bytes);
    if (result == 0 && page->status == 200) crawl->fetched++;
    return result;
}

static int64_t run_crawl(void *arg) {
    struct crawl *crawl = arg;
    struct page *pages = calloc((size_t)crawl->count, sizeof *pages);
    rondel_future *tasks = calloc((size_t)crawl->count, sizeof *tasks);
    int64_t result = RONDEL_ENOMEM;
    if (pages && tasks) {
        crawl->places = rondel_semaphore_new(rondel_loop_current(), crawl->at_once, 0);
        for (int i = 0; i < crawl->count; i++) {
            pages[i].crawl = crawl;
            pages[i].path = crawl->paths[i];
            tasks[i] = rondel_task_spawn(rondel_loop_current(), visit, &pages[i]);
        }
        /* Ctrl-C cancels it, and it cancels them, and ends when the last of them has: then their memory may go. */
        result = rondel_await(rondel_gather_all(tasks, (size_t)crawl->count, NULL, RONDEL_FUTURE));
    }
    free(tasks);
    free(pages);
    return result;
}

int main(int argc, char **argv) {
    struct crawl crawl = {.at_once = 10, .deadline = 10 * RONDEL_SECOND};
    int i = 1;
    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
        if (!strcmp(argv[i], "--at-once")) crawl.at_once = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--deadline")) crawl.deadline = (int64_t)(atof(argv[i + 1]) * (double)RONDEL_SECOND);
        else break;
    }
    if (argc - i < 3 || crawl.at_once <= 0 || crawl.deadline <= 0 || (crawl.port = atoi(argv[i + 1])) <= 0)
        return fprintf(stderr, "usage: crawl [--at-once N] [--deadline SECONDS] HOST PORT PATH...\n"), 2;
    crawl.host = argv[i];
    crawl.paths = argv + i + 2;
    crawl.count = argc - i - 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(run_crawl, &crawl);
    if (result < 0) fprintf(stderr, "crawl: %s\n", rondel_error_message(result));
    printf("%" PRId64 " of %d fetched\n", crawl.fetched, crawl.count);
    return crawl.fetched < crawl.count;
}
