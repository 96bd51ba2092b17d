/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A chat: what one client says, a line at a time, all others hear.
 *
 *     chat_server [--queue N] [PORT]          (0, as from the start: any that is free)
 *     nc 127.0.0.1 PORT
 *
 * Two tasks a client: one reads its lines, the other writes what is in its queue. So nobody waits for a client that
 * does not read; its queue fills, and when it is full that client is dropped. Ends in order at Ctrl-C. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In as many queues as there are others, and freed after the last of them. */
struct message {
    int holders;
    size_t length;
    char text[];
};

/* Lives on the stack of the task that reads. */
struct client {
    int number, dropped;
    rondel_tcp tcp;
    rondel_queue outbox;
    struct client *next;
};

static struct client *clients;
static int64_t queue_length = 100;
static int port, last_number;

static void release_message(struct message *message) {
    if (--message->holders == 0) free(message);
}

/* Says it to all clients but one. Waits for none of them. */
static void tell_others(const struct client *speaker, const char *what, size_t length) {
    struct message *message = malloc(sizeof *message + length + 64);
    if (message == NULL) return;
    message->holders = 1;
    message->length =
        (size_t)snprintf(message->text, length + 64, "client %d%.*s\n", speaker->number, (int)length, what);
    fwrite(message->text, 1, message->length, stdout);
    for (struct client *client = clients; client; client = client->next) {
        if (client == speaker || client->dropped) continue;
        message->holders++;
        if (rondel_queue_try_put(client->outbox, (int64_t)(intptr_t)message) < 0) {
            release_message(message);
            printf("client %d is too slow: dropped\n", client->number);
            client->dropped = 1;
            rondel_close(client->tcp); /* which ends what its tasks wait for */
        }
    }
    release_message(message);
}

static int64_t write_outbox(void *arg) {
    struct client *client = arg;
    int64_t result;
    while ((result = rondel_await(rondel_queue_get(client->outbox, RONDEL_FUTURE))) >= 0) {
        struct message *message = (struct message *)(intptr_t)result;
        result = rondel_await(rondel_write(client->tcp, message->text, message->length, RONDEL_FUTURE));
        release_message(message);
        if (result < 0) break;
    }
    return result;
}

static int64_t serve_client(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_queue outbox = rondel_queue_new(loop, queue_length, RONDEL_QUEUE_FIFO);
    struct client me = {++last_number, 0, (rondel_tcp)(intptr_t)arg, outbox, clients};
    rondel_future writer = rondel_task_spawn(loop, write_outbox, &me);
    char line[1024];
    int64_t n;
    clients = &me;
    tell_others(&me, " has come", 9);
    while ((n = rondel_await(rondel_read_until(me.tcp, line + 2, sizeof line - 2, "\n", 1, RONDEL_FUTURE))) > 0) {
        memcpy(line, ": ", 2);
        tell_others(&me, line, (size_t)n + 1);
    }

    struct client **place = &clients;
    while (*place != &me) place = &(*place)->next;
    *place = me.next;
    tell_others(&me, " has left", 9);
    rondel_cancel(writer);
    rondel_await(writer); /* it uses this stack: it has to end first */
    for (int64_t item; (item = rondel_queue_try_get(outbox)) >= 0;) release_message((struct message *)(intptr_t)item);
    rondel_close(outbox);
    rondel_close(me.tcp);
    return 0;
}

static int64_t serve(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_tcp listener = rondel_tcp_listen(loop, "127.0.0.1", port, NULL, NULL), tcp;
    (void)arg;
    if (listener < 0) return listener;
    rondel_local_addr(listener, NULL, 0, &port);
    printf("listening on 127.0.0.1:%d\n", port);
    while ((tcp = rondel_await(rondel_accept(listener, RONDEL_FUTURE))) != RONDEL_ECANCELED) {
        if (tcp < 0) continue; /* out of descriptors, say: the next may have better luck */
        rondel_release(rondel_task_spawn(loop, serve_client, (void *)(intptr_t)tcp));
    }
    return 0; /* rondel_main cancels the clients' tasks, and each cleans up */
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--queue") && i + 1 < argc && (queue_length = atoi(argv[i + 1])) > 0) i++;
        else if (argv[i][0] >= '0' && argv[i][0] <= '9') port = atoi(argv[i]);
        else return fprintf(stderr, "usage: chat_server [--queue N] [PORT]\n"), 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(serve, NULL);
    if (result < 0) return fprintf(stderr, "chat_server: %s\n", rondel_error_message(result)), 1;
    printf("%d clients served\n", last_number);
    return 0;
}
