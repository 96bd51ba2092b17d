/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The wake-up benchmark on Rondel. */
#include "wake.h"
#include <rondel.h>

struct mailbox {
    rondel_loop loop;
};

static struct mailbox *mailbox_new(void) {
    struct mailbox *box = must_alloc(sizeof *box);
    box->loop = rondel_loop_new();
    return box;
}

static void mailbox_post(struct mailbox *box, mailbox_call *call, void *argument) {
    if (rondel_call_soon_threadsafe(box->loop, call, argument) < 0) fail("rondel_call_soon_threadsafe");
}

static void mailbox_run(struct mailbox *box) { rondel_run(box->loop, RONDEL_RUN_FOREVER); }

static void mailbox_stop(struct mailbox *box) { rondel_stop(box->loop); }
