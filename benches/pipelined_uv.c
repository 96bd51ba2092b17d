/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Answers each 64-byte request on libuv: `separate`, one uv_write for each, its request and bytes allocated, as
 * programs on libuv do; `joined`, by hand, one uv_try_write for all answers of a read. */
#include "uv_server.h"
#include "framer.h"

struct answer {
    uv_write_t request;
    uint8_t bytes[REQUEST];
};

static int joined;
static uint8_t answers[64 * 1024 + REQUEST];
static size_t answers_length;

static void on_written(uv_write_t *request, int status) {
    (void)status;
    free(request);
}

static void answer(void *to, const uint8_t *request) {
    if (joined) {
        memcpy(answers + answers_length, request, REQUEST);
        answers_length += REQUEST;
        return;
    }
    struct answer *kept = must_alloc(sizeof *kept);
    memcpy(kept->bytes, request, REQUEST);
    uv_buf_t buffer = uv_buf_init((char *)kept->bytes, REQUEST);
    if (uv_write(&kept->request, to, &buffer, 1, on_written)) free(kept);
}

static void on_read(uv_stream_t *peer, ssize_t n, const uv_buf_t *buffer) {
    if (n < 0) {
        uv_peer_close(peer);
        return;
    }
    struct framer *framer = (struct framer *)((struct uv_peer *)peer)->user_data;
    framer_feed(framer, (const uint8_t *)buffer->base, (size_t)n, answer, peer);
    if (answers_length) uv_peer_send(peer, (const char *)answers, answers_length);
    answers_length = 0;
}

int main(int argc, char **argv) {
    joined = argc > 1 && !strcmp(argv[1], "joined");
    return uv_serve(on_read, sizeof(struct framer));
}
