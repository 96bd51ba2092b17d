/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tells the time over UDP, and asks for it: the Time Protocol of RFC 868, four bytes for any datagram.
 *
 *     udp_time serve [--port 3700]
 *     udp_time ask [--port 3700] [--tries 3] [--wait MS] HOST...
 *
 * The server answers a whole batch of questions by one call. The client asks all hosts at once, each in a task of its
 * own, and asks again when an answer was lost; it ends with 0 if every host answered. */
#include <rondel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FROM_1900_TO_1970 2208988800u

static int port = 3700;
static int64_t tries = 3, wait_ms = 1000;

static int64_t fail(const char *what, int64_t code) {
    fprintf(stderr, "udp_time: %s: %s\n", what, rondel_error_message(code));
    return code;
}

/* ---- the server */

static int64_t answered;

static void on_questions(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    const uint32_t now = (uint32_t)time(NULL) + FROM_1900_TO_1970;
    const uint8_t bytes[4] = {(uint8_t)(now >> 24), (uint8_t)(now >> 16), (uint8_t)(now >> 8), (uint8_t)now};
    static rondel_datagram answers[64];
    (void)user_data;
    for (int64_t done = 0, count; done < n; done += count) {
        for (count = 0; count < 64 && done + count < n; count++) {
            answers[count] = batch[done + count]; /* to whom it came from, from where it was sent to */
            answers[count].bytes = bytes;
            answers[count].length = sizeof bytes;
        }
        rondel_udp_send_batch(udp, answers, (size_t)count, NULL, NULL);
        answered += count;
    }
}

static void on_signal(rondel_signal signal, int64_t count, void *user_data) {
    (void)count;
    (void)user_data;
    rondel_stop(rondel_loop_of(signal));
}

static int serve(void) {
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, NULL, port, 0);
    if (udp < 0) return (int)fail("cannot bind", udp) != 0;
    rondel_udp_tell(udp, RONDEL_TELL_LOCAL); /* a machine with several addresses answers from the one that was asked */
    int64_t started = rondel_udp_recv_start(udp, on_questions, NULL);
    if (started < 0) return (int)fail("cannot receive", started) != 0;
    rondel_signal_start(loop, SIGINT, on_signal, NULL);
    rondel_signal_start(loop, SIGTERM, on_signal, NULL);
    rondel_local_addr(udp, NULL, 0, &port);
    printf("telling the time at port %d\n", port);
    fflush(stdout);
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    printf("answered %lld\n", (long long)answered);
    return (int)rondel_loop_free(loop);
}

/* ---- the client */

/* One question and its answer: the seconds since 1900, or a code below zero. */
static int64_t ask_once(rondel_udp udp) {
    uint8_t bytes[5]; /* one more than an answer has, to see that it has no more */
    int64_t n = rondel_await(rondel_udp_send(udp, NULL, 0, NULL, RONDEL_FUTURE));
    if (n < 0) return n;
    n = rondel_await(rondel_timeout(rondel_udp_recv(udp, bytes, sizeof bytes, NULL, RONDEL_FUTURE), wait_ms * RONDEL_MS));
    if (n < 0) return n;
    if (n != 4) return RONDEL_EPROTO;
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static int64_t ask(void *arg) {
    const char *host = arg;
    char text[64] = "";
    int64_t answer = RONDEL_ETIMEDOUT, asked = 0, try = 0;
    rondel_udp udp = rondel_await(rondel_udp_connect(rondel_loop_current(), host, port, RONDEL_FUTURE));
    if (udp < 0) return fail(host, udp);
    while (answer == RONDEL_ETIMEDOUT && try++ < tries) {
        asked = rondel_clock();
        answer = ask_once(udp);
    }
    double took = (double)(rondel_clock() - asked) / (double)RONDEL_MS;
    rondel_close(udp);
    if (answer < 0) return fail(host, answer);
    time_t theirs = (time_t)(answer - FROM_1900_TO_1970);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime(&theirs));
    printf("%s: %s, %+lld s from ours, in %.2f ms at try %lld\n", host, text, (long long)(theirs - time(NULL)), took,
           (long long)try);
    return 0;
}

/* How many did not answer. */
static int64_t ask_all(void *arg) {
    char **hosts = arg;
    rondel_future asked[256];
    size_t count = 0;
    for (; hosts[count] && count < 256; count++)
        asked[count] = rondel_task_spawn(rondel_loop_current(), ask, hosts[count]);
    return rondel_await(rondel_gather_all(asked, count, NULL, RONDEL_FUTURE));
}

static int usage(void) {
    fprintf(stderr, "usage: udp_time serve [--port P]\n       udp_time ask [--port P] [--tries N] [--wait MS] HOST...\n");
    return 2;
}

/* A whole number from `least` to `most`; -1 if it is none. */
static int64_t number(const char *text, int64_t least, int64_t most) {
    char *end;
    if (!text) return -1;
    long long value = strtoll(text, &end, 10);
    return *text && !*end && value >= least && value <= most ? value : -1;
}

int main(int argc, char **argv) {
    int i = 2;
    if (argc < 2) return usage();
    const int asks = !strcmp(argv[1], "ask");
    for (; i < argc && !strncmp(argv[i], "--", 2); i += 2) {
        int64_t value = number(argv[i + 1], 0, 1000000);
        if (value < 0) return usage();
        if (!strcmp(argv[i], "--port") && value < 65536) port = (int)value;
        else if (asks && !strcmp(argv[i], "--tries") && value > 0) tries = value;
        else if (asks && !strcmp(argv[i], "--wait")) wait_ms = value;
        else return usage();
    }
    if (!asks) return strcmp(argv[1], "serve") || i < argc ? usage() : serve();
    if (i >= argc) return usage();
    return rondel_main(ask_all, argv + i) != 0;
}
