/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An echo server: what a client sends comes back to it, for as many clients as there are descriptors.
 *
 *     echo_server [--port 7000] [--size BYTES] [--quiet]
 *
 * Try it with `nc 127.0.0.1 7000`, or with a thousand clients at once: `echo_load --port 7000`.
 * Port 0 takes any free one; the first line of output says which. --size tells how many bytes the clients call
 * a message (otherwise what one read brought counts as one); --quiet leaves out the progress line.
 * Ctrl-C ends it and prints what the messages cost. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)

struct server {
    rondel_loop loop;
    int64_t size;                            /* bytes a message, 0: one a read */
    int64_t clients, most_clients, accepted; /* now, at once, in all */
    int64_t messages, bytes;
    int64_t shown_messages, shown_bytes, shown_at; /* as of the last progress line */
};

static int64_t messages(const struct server *server) {
    return server->size > 0 ? server->bytes / server->size : server->messages;
}

/* ---- clients */

static void on_gone(rondel_handle peer, int64_t result, void *user_data) {
    (void)peer, (void)result;
    ((struct server *)user_data)->clients--;
}

static void on_flushed(rondel_future shutdown, int64_t result, void *user_data) {
    (void)result, (void)user_data;
    rondel_close(rondel_future_origin(shutdown));
}

static void on_read(rondel_stream peer, const uint8_t *bytes, int64_t n, void *user_data) {
    struct server *server = user_data;
    if (n == RONDEL_EOF) {
        /* The client has sent everything but may still be reading: close once the queue has left. */
        if (rondel_shutdown(peer, on_flushed, NULL) < 0) rondel_close(peer);
    } else if (n < 0 || rondel_write(peer, bytes, (size_t)n, NULL, NULL) < 0) {
        rondel_close(peer);
    } else {
        server->messages++;
        server->bytes += n;
    }
}

static void on_accept(rondel_tcp listener, int64_t peer, void *user_data) {
    struct server *server = user_data;
    (void)listener;
    /* A negative peer is no connection (out of descriptors, say). The listener goes on, and so do we. */
    int64_t code = rondel_on_close(peer, on_gone, server);
    if (code >= 0) {
        server->accepted++;
        if (++server->clients > server->most_clients) server->most_clients = server->clients;
        /* Without a function of ours, the watermarks pause the reading from a client that does not read what
         * it gets back, so nobody can make the server hold more than about a mebibyte for him. */
        code = rondel_set_watermarks(peer, 64 * 1024, 1024 * 1024, NULL, NULL);
    }
    if (code >= 0) code = rondel_read_start(peer, on_read, server);
    if (code < 0) {
        fprintf(stderr, "accept: %s\n", rondel_error_message(code));
        rondel_close(peer);
    }
}

/* ---- progress and the end */

static void on_second(rondel_timer timer, int64_t periods, void *user_data) {
    struct server *server = user_data;
    (void)timer, (void)periods;
    int64_t now = rondel_now(server->loop);
    double seconds = (double)(now - server->shown_at) / (double)RONDEL_SECOND;
    fprintf(stderr, isatty(STDERR_FILENO) ? "\r\033[K%lld clients, %.0f messages/s, %.1f MiB/s each way"
                                          : "%lld clients, %.0f messages/s, %.1f MiB/s each way\n",
            (long long)server->clients, (double)(messages(server) - server->shown_messages) / seconds,
            (double)(server->bytes - server->shown_bytes) / MIB / seconds);
    server->shown_messages = messages(server);
    server->shown_bytes = server->bytes;
    server->shown_at = now;
}

/* A signal handler may call next to nothing. rondel_wake is allowed there, but only ends the wait; so the handler
 * leaves a flag, and a check hook, which runs after each wait, looks at it on the loop's own ground. */
static volatile sig_atomic_t asked_to_end;
static rondel_loop loop_to_wake;

static void on_signal(int number) {
    int saved = errno;
    (void)number;
    asked_to_end = 1;
    rondel_wake(loop_to_wake);
    errno = saved;
}

static void on_check(rondel_hook hook, int64_t result, void *user_data) {
    (void)hook, (void)result;
    if (asked_to_end) rondel_stop(((struct server *)user_data)->loop);
}

static int catch_signals(rondel_loop loop) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends the program the hard way */
    sigemptyset(&action.sa_mask);
    loop_to_wake = loop;
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 ? 0 : -1;
}

static double microseconds(struct timeval time) {
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void report(const struct server *server) {
    struct rusage used;
    printf("served %lld clients (%lld at once), %lld messages, %.1f MiB each way\n", (long long)server->accepted,
           (long long)server->most_clients, (long long)messages(server), (double)server->bytes / MIB);
    if (messages(server) > 0 && getrusage(RUSAGE_SELF, &used) == 0) {
        double each = 1.0 / (double)messages(server);
        double user = microseconds(used.ru_utime) * each, system = microseconds(used.ru_stime) * each;
        printf("CPU per message %.2f us (user %.2f, system %.2f)\n", user + system, user, system);
    }
}

/* ---- start */

static int usage(void) {
    fprintf(stderr, "usage: echo_server [--port 0..65535] [--size BYTES] [--quiet]\n");
    return 2;
}

int main(int argc, char **argv) {
    struct server server = {0};
    struct rlimit limit;
    long port = 7000;
    int quiet = 0;
    for (int i = 1; i < argc; i++) {
        char *end = "";
        if (strcmp(argv[i], "--quiet") == 0) quiet = 1;
        else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) port = strtol(argv[++i], &end, 10);
        else if (strcmp(argv[i], "--size") == 0 && i + 1 < argc) server.size = strtol(argv[++i], &end, 10);
        else return usage();
        if (*end != '\0' || argv[i][0] == '\0' || port < 0 || port > 65535 || server.size < 0) return usage();
    }

    /* A client is a descriptor. Many systems start programs with 256 or 1024 of them but allow far more. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 10240) {
        limit.rlim_cur = limit.rlim_max < 10240 ? limit.rlim_max : 10240;
        setrlimit(RLIMIT_NOFILE, &limit); /* refused: fewer clients, and on_accept says so when it comes to that */
    }

    rondel_loop loop = server.loop = rondel_loop_new();
    rondel_tcp listener = rondel_tcp_listen(loop, "127.0.0.1", (int)port, on_accept, &server);
    int bound = 0;
    int64_t code = rondel_local_addr(listener, NULL, 0, &bound); /* a negative listener is answered by its code */
    if (code < 0) {
        fprintf(stderr, "echo_server: cannot listen on port %ld: %s\n", port, rondel_error_message(code));
        rondel_loop_free(loop);
        return 1;
    }
    code = rondel_check_start(loop, on_check, &server);
    server.shown_at = rondel_clock();
    if (code >= 0 && !quiet) code = rondel_timer_start(loop, RONDEL_SECOND, RONDEL_SECOND, on_second, &server);
    if (code < 0 || catch_signals(loop) < 0) {
        fprintf(stderr, "echo_server: %s\n", code < 0 ? rondel_error_message(code) : strerror(errno));
        rondel_loop_free(loop);
        return 1;
    }
    printf("listening on 127.0.0.1:%d\n", bound);
    fflush(stdout);

    code = rondel_run(loop, RONDEL_RUN_DEFAULT);
    if (!quiet && isatty(STDERR_FILENO)) fprintf(stderr, "\n");
    if (code < 0) fprintf(stderr, "echo_server: %s\n", rondel_error_message(code));
    /* Closes the listener and whoever is still connected, tells each on_gone, then frees. */
    int64_t freed = rondel_loop_free(loop);
    report(&server);
    return code < 0 || freed < 0;
}
