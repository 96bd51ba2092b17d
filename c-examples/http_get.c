/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fetches several pages at once and says how each of them went.
 *
 *     python3 -m http.server 8000 &
 *     http_get [--deadline SECONDS] http://127.0.0.1:8000/ http://127.0.0.1:8000/README.md
 *
 * Each fetch is a chain of one-shot operations: connect, write the request, read up to the blank line, read the
 * body. Every one is a future that calls the next function in the chain, and has what is left of the fetch's
 * deadline as its time limit. Ends with 0 if all pages came whole with a status below 400, otherwise with 1. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fetch {
    rondel_loop loop;
    const char *url;
    char host[256], path[2048];
    int port;
    int64_t began, deadline;
    rondel_tcp tcp;       /* 0 until connected */
    int status;
    int64_t body, length; /* bytes so far; bytes announced, -1 if they were not */
    int succeeded;
    char bytes[16 * 1024 + 1];
};

static void on_connect(rondel_future connect, int64_t tcp, void *user_data);
static void on_head(rondel_future read, int64_t n, void *user_data);
static void on_body(rondel_future read, int64_t n, void *user_data);

/* http://host[:port][/path], the host in brackets if it is an IPv6 address. */
static int parse_url(struct fetch *fetch) {
    const char *at = fetch->url;
    if (strncmp(at, "http://", 7) != 0) return -1;
    at += 7;
    int bracket = *at == '[';
    size_t length = strcspn(at + bracket, bracket ? "]" : ":/");
    if (length == 0 || length >= sizeof fetch->host) return -1;
    memcpy(fetch->host, at + bracket, length);
    at += length + (bracket ? 1 : 0);
    if (bracket && *at++ != ']') return -1;
    fetch->port = 80;
    if (*at == ':') {
        char *end;
        fetch->port = (int)strtol(at + 1, &end, 10); /* one that makes no sense is refused by rondel_tcp_connect */
        at = end;
    }
    if (*at != '/' && *at != '\0') return -1;
    int written = snprintf(fetch->path, sizeof fetch->path, "%s", *at == '/' ? at : "/");
    return written < (int)sizeof fetch->path ? 0 : -1;
}

static int64_t time_left(const struct fetch *fetch) {
    int64_t left = fetch->deadline - rondel_clock();
    return left > 0 ? left : 0;
}

/* The one end of every fetch: a code below zero says what went wrong. */
static void finish(struct fetch *fetch, int64_t code) {
    double ms = (double)(rondel_clock() - fetch->began) / (double)RONDEL_MS;
    if (fetch->tcp > 0) rondel_close(fetch->tcp);
    if (code < 0) {
        printf("failed  %s  %s\n", fetch->url, rondel_error_message(code));
    } else {
        printf("%6d  %s  %" PRId64 " bytes, %.1f ms\n", fetch->status, fetch->url, fetch->body, ms);
        fetch->succeeded = fetch->status < 400;
    }
}

static void start(struct fetch *fetch, rondel_loop loop, int64_t limit) {
    fetch->loop = loop;
    fetch->began = rondel_clock();
    fetch->deadline = fetch->began + limit;
    fetch->length = -1;
    /* A refused call answers with a negative code, which rondel_timeout hands through: one check for both. */
    int64_t code = parse_url(fetch) < 0 ? RONDEL_EINVAL : rondel_timeout(
        rondel_tcp_connect(loop, fetch->host, fetch->port, on_connect, fetch), time_left(fetch));
    if (code < 0) finish(fetch, code);
}

static void on_connect(rondel_future connect, int64_t tcp, void *user_data) {
    struct fetch *fetch = user_data;
    char request[sizeof fetch->path + sizeof fetch->host + 64];
    (void)connect;
    fetch->tcp = tcp;
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: rondel\r\n\r\n",
                          fetch->path, fetch->host);
    /* The request may die with this function: rondel_write copies what the system does not take at once. Nobody
     * waits for it either; if it cannot be sent, the read fails. */
    int64_t code = rondel_write(tcp, request, (size_t)length, NULL, NULL);
    if (code >= 0) {
        size_t room = sizeof fetch->bytes - 1;
        code = rondel_timeout(rondel_read_until(tcp, fetch->bytes, room, "\r\n\r\n", 4, on_head, fetch),
                              time_left(fetch));
    }
    if (code < 0) finish(fetch, code);
}

static void read_body(struct fetch *fetch) {
    if (fetch->body == fetch->length) {
        finish(fetch, 0);
        return;
    }
    int64_t code = rondel_timeout(rondel_read(fetch->tcp, fetch->bytes, sizeof fetch->bytes, on_body, fetch),
                                  time_left(fetch));
    if (code < 0) finish(fetch, code);
}

static void on_head(rondel_future read, int64_t n, void *user_data) {
    struct fetch *fetch = user_data;
    (void)read;
    if (n < 0) {
        finish(fetch, n);
        return;
    }
    fetch->bytes[n] = '\0';
    if (sscanf(fetch->bytes, "HTTP/1.%*1[01] %3d ", &fetch->status) != 1) {
        finish(fetch, RONDEL_EPROTO);
        return;
    }
    for (char *line = fetch->bytes; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, "Content-Length:", 15) == 0) fetch->length = strtoimax(line + 15, NULL, 10);
    }
    read_body(fetch);
}

static void on_body(rondel_future read, int64_t n, void *user_data) {
    struct fetch *fetch = user_data;
    (void)read;
    if (n == RONDEL_EOF && fetch->length < 0) {
        finish(fetch, 0); /* no length was announced: the end of the stream is the end of the body */
    } else if (n < 0) {
        finish(fetch, n);
    } else {
        fetch->body += n;
        read_body(fetch);
    }
}

int main(int argc, char **argv) {
    double seconds = 10;
    int first = 1, succeeded = 0;
    if (argc > 2 && strcmp(argv[1], "--deadline") == 0) {
        seconds = strtod(argv[2], NULL);
        first = 3;
    }
    int count = argc - first;
    if (count < 1 || !(seconds > 0 && seconds < 1e9)) {
        fprintf(stderr, "usage: http_get [--deadline SECONDS] http://HOST[:PORT]/PATH...\n");
        return 2;
    }
    struct fetch *fetches = calloc((size_t)count, sizeof *fetches);
    rondel_loop loop = rondel_loop_new();
    int64_t code = fetches == NULL ? RONDEL_ENOMEM : loop;
    if (code >= 0) {
        for (int i = 0; i < count; i++) {
            fetches[i].url = argv[first + i];
            start(&fetches[i], loop, (int64_t)(seconds * (double)RONDEL_SECOND));
        }
        code = rondel_run(loop, RONDEL_RUN_DEFAULT); /* until nothing is left to wait for */
        for (int i = 0; i < count; i++) succeeded += fetches[i].succeeded;
        printf("%d of %d fetched\n", succeeded, count);
    }
    if (code >= 0) code = rondel_loop_free(loop);
    else rondel_loop_free(loop);
    if (code < 0) fprintf(stderr, "http_get: %s\n", rondel_error_message(code));
    free(fetches);
    return code < 0 || succeeded < count;
}
