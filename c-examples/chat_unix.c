/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A chat on one machine, over a local socket: what one says, a line at a time, all others hear.
 *
 *     chat_unix serve PATH          (Ctrl-C ends it; or any client: nc -U PATH)
 *     chat_unix join PATH           (lines of the standard input, to its end)
 *
 * Nobody has to say who he is: the system tells which process of which user each client is. Only the server's own user may
 * connect. A client that does not read is dropped when a megabyte waits for it. */
#include <rondel.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1000, TOO_MUCH = 1 << 20 };

/* ---- the server */

struct client {
    rondel_pipe pipe;
    int64_t process;
    size_t length;
    char line[LINE];
    struct client *next;
};

static struct client *clients;

static void tell_others(const struct client *speaker, const char *what, size_t length) {
    char text[LINE + 64];
    int n = snprintf(text, sizeof text, "process %" PRId64 "%.*s\n", speaker->process, (int)length, what);
    fwrite(text, 1, (size_t)n, stdout);
    for (struct client *client = clients; client; client = client->next)
        if (client != speaker) rondel_write(client->pipe, text, (size_t)n, NULL, NULL);
}

static void on_words(rondel_stream pipe, const uint8_t *bytes, int64_t n, void *user_data) {
    struct client *me = user_data;
    if (n < 0) rondel_close(pipe); /* the end, or an error */
    for (int64_t i = 0; i < n; i++) {
        if (me->length == 0) me->length = (size_t)snprintf(me->line, sizeof me->line, ": ");
        if (bytes[i] != '\n') me->line[me->length++] = (char)bytes[i];
        if (bytes[i] == '\n' || me->length == sizeof me->line) {
            tell_others(me, me->line, me->length);
            me->length = 0;
        }
    }
}

static void on_too_slow(rondel_handle pipe, int64_t above, void *user_data) {
    struct client *me = user_data;
    if (!above) return;
    printf("process %" PRId64 " is too slow: dropped\n", me->process);
    rondel_close(pipe);
}

/* The last that is heard of a client, however it went. */
static void on_gone(rondel_handle pipe, int64_t result, void *user_data) {
    struct client *me = user_data, **place = &clients;
    (void)pipe, (void)result;
    while (*place != me) place = &(*place)->next;
    *place = me->next;
    tell_others(me, " has left", 9);
    free(me);
}

static void on_client(rondel_handle server, int64_t pipe, void *user_data) {
    struct client *me = calloc(1, sizeof *me);
    (void)server, (void)user_data;
    if (me == NULL || rondel_on_close(pipe, on_gone, me) < 0) { /* no client after all: out of descriptors, say */
        rondel_close(pipe);
        free(me);
        return;
    }
    me->pipe = pipe;
    me->next = clients;
    clients = me;
    rondel_pipe_peer_credentials(pipe, &me->process, NULL, NULL);
    rondel_set_watermarks(pipe, 0, TOO_MUCH, on_too_slow, me);
    rondel_read_start(pipe, on_words, me);
    tell_others(me, " has come", 9);
}

static void on_ctrl_c(rondel_handle signal, int64_t signum, void *user_data) {
    (void)signum, (void)user_data;
    rondel_stop(rondel_loop_of(signal));
}

static int64_t serve(rondel_loop loop, const char *path) {
    rondel_pipe server = rondel_pipe_new(loop);
    rondel_pipe_mode(server, 0600);
    rondel_pipe_replace(server, 1); /* the socket of a server that has crashed */
    int64_t result = rondel_pipe_bind(server, path);
    if (result == 0) result = rondel_listen(server, 0, on_client, NULL);
    if (result < 0) return result;
    rondel_signal_start(loop, SIGINT, on_ctrl_c, NULL);
    printf("listening at %s\n", path);
    return rondel_run(loop, RONDEL_RUN_DEFAULT);
}

/* ---- a client */

struct talk {
    rondel_stream input, server;
    int64_t result;
};

static void on_server(rondel_stream server, const uint8_t *bytes, int64_t n, void *user_data) {
    struct talk *talk = user_data;
    if (n > 0) {
        fwrite(bytes, 1, (size_t)n, stdout);
        return;
    }
    if (n != RONDEL_EOF) talk->result = n;
    rondel_close(server);
    rondel_close(talk->input); /* nothing is left, so the loop ends */
}

static void on_input(rondel_stream input, const uint8_t *bytes, int64_t n, void *user_data) {
    struct talk *talk = user_data;
    (void)input;
    if (n > 0) rondel_write(talk->server, bytes, (size_t)n, NULL, NULL);
    else rondel_shutdown(talk->server, NULL, NULL); /* the server sees the end and closes */
}

/* Input comes faster than the server takes it: it waits. */
static void on_marks(rondel_handle server, int64_t above, void *user_data) {
    struct talk *talk = user_data;
    (void)server;
    if (above) rondel_read_stop(talk->input);
    else rondel_read_start(talk->input, on_input, talk);
}

static void on_connected(rondel_handle future, int64_t server, void *user_data) {
    struct talk *talk = user_data;
    rondel_loop loop = rondel_loop_of(future);
    talk->server = server;
    talk->input = rondel_pipe_open(loop, 0);
    talk->result = server < 0 ? server : talk->input < 0 ? talk->input : 0;
    if (talk->result < 0) {
        rondel_close(server);
        rondel_close(talk->input);
        return;
    }
    rondel_set_watermarks(server, TOO_MUCH / 4, TOO_MUCH, on_marks, talk);
    rondel_read_start(server, on_server, talk);
    rondel_read_start(talk->input, on_input, talk);
}

static int64_t join(rondel_loop loop, const char *path) {
    struct talk talk = {0, 0, 0};
    rondel_future connecting = rondel_pipe_connect(loop, path, on_connected, &talk);
    if (rondel_timeout(connecting, 5 * RONDEL_SECOND) < 0) return connecting;
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    return talk.result;
}

int main(int argc, char **argv) {
    int serves = argc == 3 && !strcmp(argv[1], "serve"), joins = argc == 3 && !strcmp(argv[1], "join");
    if (!serves && !joins) return fprintf(stderr, "usage: chat_unix serve|join PATH\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    rondel_loop loop = rondel_loop_new();
    int64_t result = serves ? serve(loop, argv[2]) : join(loop, argv[2]);
    rondel_loop_free(loop); /* and the socket's file is gone */
    if (result < 0) return fprintf(stderr, "chat_unix: %s: %s\n", argv[2], rondel_error_message(result)), 1;
    return 0;
}
