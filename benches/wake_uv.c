/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The wake-up benchmark on libuv. uv_async_send carries no argument and merges calls, so the arguments go through a
 * queue under a mutex, swapped out whole by the loop: the way such programs are usually written, at its fastest. */
#include "wake.h"
#include <uv.h>

struct mail {
    mailbox_call *call;
    void *argument;
};

struct mail_list {
    struct mail *items;
    size_t length, capacity;
};

struct mailbox {
    uv_loop_t loop;
    uv_async_t async; /* its data: the mailbox */
    pthread_mutex_t lock;
    struct mail_list incoming, spare;
};

static void on_async(uv_async_t *async) {
    struct mailbox *box = async->data;
    pthread_mutex_lock(&box->lock);
    struct mail_list taken = box->incoming;
    box->incoming = box->spare;
    pthread_mutex_unlock(&box->lock);
    for (size_t i = 0; i < taken.length; i++) taken.items[i].call(0, 0, taken.items[i].argument);
    taken.length = 0;
    box->spare = taken;
}

static struct mailbox *mailbox_new(void) {
    struct mailbox *box = calloc(1, sizeof *box);
    if (!box || uv_loop_init(&box->loop) || uv_async_init(&box->loop, &box->async, on_async)) fail("mailbox");
    box->async.data = box;
    pthread_mutex_init(&box->lock, NULL);
    return box;
}

static void mailbox_post(struct mailbox *box, mailbox_call *call, void *argument) {
    pthread_mutex_lock(&box->lock);
    struct mail_list *list = &box->incoming;
    if (list->length == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        if (!list->items) fail("realloc");
    }
    list->items[list->length++] = (struct mail){call, argument};
    pthread_mutex_unlock(&box->lock);
    uv_async_send(&box->async);
}

static void mailbox_run(struct mailbox *box) { uv_run(&box->loop, UV_RUN_DEFAULT); }

static void mailbox_stop(struct mailbox *box) { uv_stop(&box->loop); }
