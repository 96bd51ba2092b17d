/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A load for an echo server: many clients at once, each sends a message, waits until all of it came back right,
 * sends the next. Start `echo_server` first, then
 *
 *     echo_load [--port 7000] [--host 127.0.0.1] [--connections 1000] [--messages 100] [--size 64] [--timeout 10]
 *
 * --messages counts per connection, --timeout is how many seconds without any answer are too many. It ends with
 * messages per second and latencies, and with 0 only if every byte of every message came back, right and in
 * order, and nothing besides. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEPS 64 /* of the latency histogram, per doubling: steps of at most 1.6 % */

struct load {
    rondel_loop loop;
    const char *host;
    int64_t port, connections, messages, size, timeout; /* as asked for */
    int64_t connected, done, bytes, ended;              /* so far: clients, messages, bytes back, clients finished */
    int64_t began, finished;                            /* first message sent, last one back */
    int64_t shown_done, moved_bytes, moved_at;          /* for the progress line, and to notice a stall */
    int64_t histogram[STEPS * 64];
    char failure[256]; /* the first thing that went wrong */
    struct client *clients;
};

struct client {
    struct load *load;
    rondel_tcp tcp;
    int64_t messages; /* begun */
    int64_t back;     /* bytes of the current one that came back */
    int64_t sent_at;
    uint8_t *message;
};

/* Only the first failure is kept: the others are mostly its consequences. */
static void fail(struct load *load, const char *format, ...) {
    va_list arguments;
    if (load->failure[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(load->failure, sizeof load->failure, format, arguments);
        va_end(arguments);
    }
    rondel_stop(load->loop);
}

/* ---- latencies: exact below 2 * STEPS ns, then STEPS buckets for each doubling */

static void count_latency(struct load *load, int64_t ns) {
    int shift = 0;
    while (ns >> shift >= 2 * STEPS) shift++;
    load->histogram[shift * STEPS + (ns >> shift)]++;
}

static double latency_ms(const struct load *load, double share) {
    int64_t wanted = (int64_t)((double)load->done * share), seen = 0;
    int bucket = 0;
    while (bucket < STEPS * 64 - 1 && (seen += load->histogram[bucket]) <= wanted) bucket++;
    int shift = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;
    return (double)((int64_t)(bucket - shift * STEPS) << shift) / (double)RONDEL_MS;
}

/* ---- one client */

/* Every message is different from every other, so that a mixed-up or repeated one cannot pass for right. */
static void compose(struct client *client) {
    struct load *load = client->load;
    uint64_t state = ((uint64_t)(client - load->clients) << 32) ^ (uint64_t)client->messages;
    for (int64_t i = 0; i < load->size; i++) {
        if (i % 4 == 0) state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        client->message[i] = (uint8_t)(state >> (32 + i % 4 * 8));
    }
}

static void send_next(struct client *client) {
    struct load *load = client->load;
    client->messages++;
    client->back = 0;
    compose(client);
    client->sent_at = rondel_clock(); /* rondel_now is the time of the turn, which serves a thousand clients */
    rondel_future written = rondel_write(client->tcp, client->message, (size_t)load->size, NULL, NULL);
    if (written < 0) fail(load, "a message could not be sent: %s", rondel_error_message(written));
}

static void on_end(struct client *client, int64_t code) {
    struct load *load = client->load;
    long long number = client - load->clients;
    if (code != RONDEL_EOF) {
        fail(load, "client %lld lost its connection: %s; did the server crash?", number, rondel_error_message(code));
    } else if (client->messages < load->messages || client->back < load->size) {
        fail(load, "the server closed client %lld in message %lld of %lld, %lld of its %lld bytes were back;"
             " did the server end?", number, (long long)client->messages, (long long)load->messages,
             (long long)client->back, (long long)load->size);
    } else {
        load->ended++;
    }
    rondel_close(client->tcp);
}

static void on_read(rondel_stream tcp, const uint8_t *bytes, int64_t n, void *user_data) {
    struct client *client = user_data;
    struct load *load = client->load;
    if (n < 0) {
        on_end(client, n);
        return;
    }
    long long number = client - load->clients;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = client->back + i;
        if (at < load->size && bytes[i] == client->message[at]) continue;
        if (at >= load->size) {
            fail(load, "client %lld got bytes it never sent, after message %lld", number, (long long)client->messages);
        } else {
            fail(load, "client %lld, message %lld: byte %lld was sent as 0x%02x and came back as 0x%02x", number,
                 (long long)client->messages, (long long)at, client->message[at], bytes[i]);
        }
        rondel_close(tcp);
        return;
    }
    client->back += n;
    load->bytes += n;
    if (client->back < load->size) return;

    load->finished = rondel_clock();
    count_latency(load, load->finished - client->sent_at);
    load->done++;
    if (client->messages < load->messages) {
        send_next(client);
    } else {
        /* Half-close, and read on: the server has to answer with its own end, and with nothing before it. */
        rondel_future shut = rondel_shutdown(tcp, NULL, NULL);
        if (shut < 0) fail(load, "shutdown: %s", rondel_error_message(shut));
    }
}

static void on_connect(rondel_future connect, int64_t tcp, void *user_data) {
    struct client *client = user_data;
    struct load *load = client->load;
    (void)connect;
    if (tcp == RONDEL_ECANCELED) return; /* the loop is being freed, for a reason told already */
    client->tcp = tcp;
    int64_t code = rondel_read_start(tcp, on_read, client); /* a negative tcp is refused by its own code */
    if (code < 0) {
        const char *advice = "is echo_server running there?";
        if (code == RONDEL_EMFILE) advice = "raise `ulimit -n`, or ask for fewer --connections";
        fail(load, "cannot connect client %lld to %s port %lld: %s; %s", (long long)(client - load->clients),
             load->host, (long long)load->port, rondel_error_message(code), advice);
    } else if (++load->connected == load->connections) {
        /* All at once from here on: the first message waits for the last connection. */
        load->began = rondel_clock();
        for (int64_t i = 0; i < load->connections; i++) send_next(&load->clients[i]);
    }
}

/* ---- progress, and what to do when there is none */

static void on_second(rondel_timer timer, int64_t periods, void *user_data) {
    struct load *load = user_data;
    int64_t moved = load->bytes + load->connected + load->ended, now = rondel_now(load->loop);
    (void)timer;
    fprintf(stderr, isatty(STDERR_FILENO) ? "\r\033[K%lld/%lld clients, %lld/%lld messages, %lld messages/s"
                                          : "%lld/%lld clients, %lld/%lld messages, %lld messages/s\n",
            (long long)load->connected, (long long)load->connections, (long long)load->done,
            (long long)(load->connections * load->messages), (long long)((load->done - load->shown_done) / periods));
    load->shown_done = load->done;
    if (moved != load->moved_bytes) {
        load->moved_bytes = moved;
        load->moved_at = now;
    } else if (now - load->moved_at >= load->timeout * RONDEL_SECOND) {
        fail(load, "nothing came back for %lld s, %lld of %lld messages are missing; does the server hang?",
             (long long)load->timeout, (long long)(load->connections * load->messages - load->done),
             (long long)(load->connections * load->messages));
    }
}

static int64_t run(struct load *load) {
    rondel_timer second = rondel_timer_start(load->loop, RONDEL_SECOND, RONDEL_SECOND, on_second, load);
    int64_t code = rondel_unref(second); /* it shall not keep the loop running once the clients are gone */
    load->moved_at = rondel_clock();
    for (int64_t i = 0; i < load->connections && code >= 0; i++) {
        struct client *client = &load->clients[i];
        client->load = load;
        client->message = malloc((size_t)load->size);
        if (client->message == NULL) return RONDEL_ENOMEM;
        code = rondel_timeout(rondel_tcp_connect(load->loop, load->host, (int)load->port, on_connect, client),
                              load->timeout * RONDEL_SECOND);
    }
    if (code >= 0) code = rondel_run(load->loop, RONDEL_RUN_DEFAULT);
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
    return code;
}

static int report(const struct load *load, int64_t code) {
    if (code < 0) {
        fprintf(stderr, "echo_load: %s\n", rondel_error_message(code));
    } else if (load->failure[0] != '\0') {
        fprintf(stderr, "echo_load: FAILED: %s\n", load->failure);
        if (load->began > 0) {
            fprintf(stderr, "To look closer, start echo_server again and try --connections 1 --messages 1.\n");
        }
    } else if (load->ended != load->connections || load->done != load->connections * load->messages) {
        fprintf(stderr, "echo_load: FAILED: only %lld messages came back\n", (long long)load->done);
    } else {
        double seconds = (double)(load->finished - load->began) / (double)RONDEL_SECOND;
        printf("%lld connections, %lld messages of %lld bytes in %.2f s\n", (long long)load->connections,
               (long long)load->done, (long long)load->size, seconds);
        printf("%.0f messages per second (%.1f MiB/s each way)\n", (double)load->done / seconds,
               (double)load->bytes / seconds / (1024.0 * 1024.0));
        printf("latency p50 %.3f ms, p99 %.3f ms\n", latency_ms(load, 0.50), latency_ms(load, 0.99));
        printf("every byte came back right\n");
        return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    static struct load load = {.host = "127.0.0.1", .port = 7000, .connections = 1000, .messages = 100, .size = 64,
                               .timeout = 10};
    const struct { const char *name; int64_t *value, most; } options[] = {
        {"--port", &load.port, 65535}, {"--connections", &load.connections, 1000000},
        {"--messages", &load.messages, 1000000000}, {"--size", &load.size, 64 << 20},
        {"--timeout", &load.timeout, 86400}};
    struct rlimit limit;
    for (int i = 1; i < argc; i += 2) {
        int known = i + 1 < argc && strcmp(argv[i], "--host") == 0;
        if (known) load.host = argv[i + 1];
        for (size_t k = 0; k < sizeof options / sizeof *options && i + 1 < argc && !known; k++) {
            char *end;
            if (strcmp(argv[i], options[k].name) != 0) continue;
            int64_t value = *options[k].value = strtoimax(argv[i + 1], &end, 10);
            known = end != argv[i + 1] && *end == '\0' && value >= 1 && value <= options[k].most;
        }
        if (!known) {
            fprintf(stderr, "usage: echo_load [--port N] [--host NAME] [--connections N] [--messages N] [--size BYTES]"
                            " [--timeout SECONDS]\n");
            return 2;
        }
    }
    rlim_t needed = (rlim_t)load.connections + 32; /* a client is a descriptor */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        setrlimit(RLIMIT_NOFILE, &limit); /* refused: the failing connect says what is missing */
    }
    load.clients = calloc((size_t)load.connections, sizeof *load.clients);
    load.loop = rondel_loop_new();
    int64_t code = load.clients == NULL ? RONDEL_ENOMEM : run(&load);
    int64_t freed = rondel_loop_free(load.loop);
    int status = report(&load, code < 0 ? code : freed);
    for (int64_t i = 0; load.clients != NULL && i < load.connections; i++) free(load.clients[i].message);
    free(load.clients);
    return status;
}
