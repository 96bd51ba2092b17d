/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A Rondel loop inside a GLib main loop: GLib's timers and an echo server of Rondel's share one thread, as they would in
 * a program with GTK's windows.
 *
 *     glib_guest [PORT]          (0, as from the start: any that is free)
 *
 * All it takes is a GSource of forty lines: it tells GLib's loop which descriptor to watch and how long to wait, and
 * lets Rondel have a turn when either says so. While nothing happens, neither loop does anything. Ctrl-C ends it. */
#include <rondel.h>

#include <glib-unix.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the source: all of the embedding */

struct rondel_source {
    GSource base;
    rondel_loop loop;
    gpointer tag; /* the loop's descriptor, in GLib's eyes */
};

/* Before GLib waits: for how long may it? */
static gboolean prepare(GSource *base, gint *timeout) {
    struct rondel_source *source = (struct rondel_source *)base;
    int64_t ns = rondel_backend_timeout(source->loop);
    int64_t ms = ns / RONDEL_MS + (ns % RONDEL_MS != 0); /* rounded up: to come too early would be for nothing */
    *timeout = ns == RONDEL_FOREVER ? -1 : ms > G_MAXINT ? G_MAXINT : (gint)ms;
    return ns == 0;
}

/* After it has waited: is there anything to do? */
static gboolean check(GSource *base) {
    struct rondel_source *source = (struct rondel_source *)base;
    return g_source_query_unix_fd(base, source->tag) != 0 || rondel_backend_timeout(source->loop) == 0;
}

static gboolean dispatch(GSource *base, GSourceFunc unused, gpointer user_data) {
    struct rondel_source *source = (struct rondel_source *)base;
    (void)unused, (void)user_data;
    int64_t code = rondel_run(source->loop, RONDEL_RUN_NOWAIT);
    if (code < 0) g_printerr("glib_guest: %s\n", rondel_error_message(code));
    return code < 0 ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = {prepare, check, dispatch, NULL, NULL, NULL};

static GSource *source_of(rondel_loop loop) {
    int64_t fd = rondel_backend_fd(loop);
    if (fd < 0) return NULL; /* Windows has none: a Rondel loop lives in a thread of its own there */
    GSource *base = g_source_new(&functions, sizeof(struct rondel_source));
    struct rondel_source *source = (struct rondel_source *)base;
    source->loop = loop;
    source->tag = g_source_add_unix_fd(base, (gint)fd, G_IO_IN);
    return base;
}

/* ---- a program that has both */

struct program {
    GMainLoop *main;
    rondel_loop loop;
    int64_t clients, bytes, ticks;
};

static void on_gone(rondel_handle peer, int64_t result, void *user_data) {
    (void)peer, (void)result;
    ((struct program *)user_data)->clients--;
}

static void on_read(rondel_stream peer, const uint8_t *bytes, int64_t n, void *user_data) {
    if (n > 0) ((struct program *)user_data)->bytes += n;
    if (n == RONDEL_EOF) rondel_close_when_sent(peer);
    else if (n < 0 || rondel_write(peer, bytes, (size_t)n, NULL, NULL) < 0) rondel_close(peer);
}

static void on_accept(rondel_tcp listener, int64_t peer, void *user_data) {
    struct program *program = user_data;
    (void)listener;
    if (rondel_on_close(peer, on_gone, program) < 0) return; /* no connection, but a reason why there is none */
    program->clients++;
    rondel_set_watermarks(peer, 64 * 1024, 1024 * 1024, NULL, NULL);
    rondel_read_start(peer, on_read, program);
}

static gboolean on_tick(gpointer user_data) {
    struct program *program = user_data;
    printf("tick %lld: %lld clients, %lld bytes, %lld turns of the guest\n", (long long)++program->ticks,
           (long long)program->clients, (long long)program->bytes,
           (long long)rondel_metric(program->loop, RONDEL_METRIC_TURNS));
    fflush(stdout);
    return G_SOURCE_CONTINUE;
}

/* Rondel's futures and GLib's objects meet in callbacks: both run here, on this thread. */
static void on_greeting(rondel_future call, int64_t result, void *user_data) {
    (void)call;
    if (result >= 0) g_message("%s, says a call of Rondel's, 50 ms after the start", (const char *)user_data);
}

static gboolean on_interrupt(gpointer user_data) {
    g_main_loop_quit(((struct program *)user_data)->main);
    return G_SOURCE_REMOVE;
}

static int64_t run(struct program *program, GSource *source, int wanted_port) {
    int port = 0;
    rondel_tcp listener = rondel_tcp_listen(program->loop, "127.0.0.1", wanted_port, on_accept, program);
    int64_t code = rondel_local_addr(listener, NULL, 0, &port);
    if (code < 0) return code;
    printf("listening on 127.0.0.1:%d\n", port);
    fflush(stdout);
    g_source_attach(source, NULL);
    g_timeout_add(100, on_tick, program);
    g_unix_signal_add(SIGINT, on_interrupt, program);
    g_unix_signal_add(SIGTERM, on_interrupt, program);
    rondel_call_later(program->loop, 50 * RONDEL_MS, on_greeting, "hello");
    g_main_loop_run(program->main);
    return 0;
}

int main(int argc, char **argv) {
    struct program program = {g_main_loop_new(NULL, FALSE), rondel_loop_new(), 0, 0, 0};
    GSource *source = source_of(program.loop);
    int64_t code = source ? run(&program, source, argc > 1 ? atoi(argv[1]) : 0) : RONDEL_ENOSYS;
    if (code < 0) fprintf(stderr, "glib_guest: %s\n", rondel_error_message(code));
    if (source) {
        g_source_destroy(source); /* the descriptor goes with the loop: GLib lets go of it first */
        g_source_unref(source);
    }
    g_main_loop_unref(program.main);
    return rondel_loop_free(program.loop) < 0 || code < 0;
}
