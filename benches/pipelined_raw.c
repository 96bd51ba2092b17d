/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Answers each 64-byte request on plain epoll: `separate`, one send for each; `joined`, one for all of a read. */
#include "raw_server.h"
#include "framer.h"

static int joined;
static uint8_t answers[256 * 1024 + REQUEST];
static size_t answers_length;

static void answer(void *to, const uint8_t *request) {
    if (!joined) {
        raw_send(to, request, REQUEST);
        return;
    }
    memcpy(answers + answers_length, request, REQUEST);
    answers_length += REQUEST;
}

static void on_read(struct raw_peer *peer, const uint8_t *bytes, size_t n) {
    framer_feed(peer->user_data, bytes, n, answer, peer);
    if (answers_length) raw_send(peer, answers, answers_length);
    answers_length = 0;
}

int main(int argc, char **argv) {
    joined = argc > 1 && !strcmp(argv[1], "joined");
    raw_serve(on_read, sizeof(struct framer), NULL);
    return 1; /* it serves until it is killed */
}
