/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Cuts a stream of bytes into requests of 64 bytes, the same way for every server of the pipelined benchmark. */
#ifndef BENCH_FRAMER_H
#define BENCH_FRAMER_H

#include "common.h"

#define REQUEST 64

struct framer {
    size_t have;
    uint8_t partial[REQUEST];
};

typedef void answer_fn(void *to, const uint8_t *request);

static inline void framer_feed(struct framer *f, const uint8_t *bytes, size_t n, answer_fn *answer, void *to) {
    if (f->have) {
        size_t take = REQUEST - f->have < n ? REQUEST - f->have : n;
        memcpy(f->partial + f->have, bytes, take);
        f->have += take;
        bytes += take;
        n -= take;
        if (f->have < REQUEST) return;
        f->have = 0;
        answer(to, f->partial);
    }
    for (; n >= REQUEST; bytes += REQUEST, n -= REQUEST) answer(to, bytes);
    memcpy(f->partial, bytes, n);
    f->have = n;
}

#endif
