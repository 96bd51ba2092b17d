/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Random operations on pairs of connected streams, beside a model that says what may happen. Every write carries one
 * record (its number, its length, bytes that follow from both), so that whoever reads can tell whether what comes is
 * whole, uncorrupted and in order, whichever form of reading brings it; only the record of a cancelled write may be
 * missing. Every operation completes once, with a result the model allows, before its stream's close notice.
 *
 *     stream_random [seed...]        repeats the runs of these seeds; without any, takes some and says which
 */
#include "support/net.h"

#include <time.h>

enum { PAIRS = 3, HEADER = 9, MAGIC = 0xa7, RECORDS = 4096 };

static uint64_t random_state;

static uint64_t random_next(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t random_below(size_t n) { return (size_t)(random_next() % n); }

/* Mostly small, sometimes up to `most`. */
static size_t random_size(size_t most) {
    size_t size = random_below(3) ? random_below(200) : random_below(2) ? random_below(20000) : random_below(most);
    return size < most ? size : most;
}

/* ---- the model */

enum kind { READ, EXACTLY, UNTIL, WRITE, SHUTDOWN };

struct side;

struct op {
    enum kind kind;
    struct side *side;
    struct op *next;
    rondel_future future;
    uint8_t *bytes;   /* to read into, or borrowed by the write */
    size_t length;    /* capacity, or the result a write must have */
    uint8_t delimiter[2];
    size_t delimiter_length;
    int64_t calls, result, order;
    int given_up; /* cancelled, or under a deadline */
    uint32_t record;
};

struct record {
    struct op *op;
    uint32_t length;
    int delivered;
};

struct side {
    struct side *peer;
    rondel_stream stream;
    int closed, shut, ended; /* we closed or reset it; asked for the half-close; were told the end */
    int forced;              /* closed in the middle, so that bytes of both sides may be lost */
    int pushed, lent, finishing;
    struct op *reading;
    struct record records[RECORDS];
    uint32_t count;
    int64_t close_calls, close_order;
    /* What of the peer's records has come. */
    uint8_t header[HEADER];
    size_t header_got, left;
    uint32_t at;      /* the record being received */
    uint32_t next_at; /* the least number the next one may have */
};

static struct side sides[PAIRS * 2];
static struct op *all_ops;
static rondel_loop loop;
static int freeing, stopped, ticks;
static int64_t writes, delivered, reads, given_up; /* of all runs: a test that does nothing must show */

static void act(struct side *side);
static void finish(struct side *side);

static uint8_t payload(uint32_t number, size_t i) {
    return (uint8_t)((number * 2654435761u >> 13) + i * 7 + (i >> 8) * 3 + (i >> 16));
}

static void receive(struct side *side, const uint8_t *bytes, size_t n) {
    struct side *peer = side->peer;
    while (n > 0) {
        if (side->left > 0) {
            size_t part = side->left < n ? side->left : n, from = peer->records[side->at].length - side->left, i;
            for (i = 0; i < part && bytes[i] == payload(side->at, from + i); i++) {}
            CHECK_EQ(i, part);
            side->left -= part, bytes += part, n -= part;
        } else {
            side->header[side->header_got++] = *bytes++;
            n--;
            if (side->header_got < HEADER) continue;
            uint32_t number, length;
            side->header_got = 0;
            memcpy(&number, side->header + 1, 4);
            memcpy(&length, side->header + 5, 4);
            REQUIRE_EQ(side->header[0], MAGIC);
            REQUIRE(number >= side->next_at && number < peer->count);
            REQUIRE_EQ(length, peer->records[number].length);
            for (; side->next_at < number; side->next_at++) CHECK(peer->records[side->next_at].op->given_up);
            side->next_at = number + 1;
            side->at = number;
            side->left = length;
            peer->records[number].delivered = 1;
            delivered++;
        }
    }
}

/* The other end is gone, so that errors are right and bytes may be missing. */
static int broken(struct side *side) { return side->closed || side->peer->closed || freeing; }

static void told_end(struct side *side, int64_t code, int all_read) {
    if (code == RONDEL_EOF) {
        CHECK(side->peer->shut || side->peer->closed);
        if (!all_read) return; /* a plain read has yet to bring what came before the end */
        if (!broken(side)) CHECK(side->left == 0 && side->header_got == 0);
    } else {
        CHECK(code == RONDEL_ECONNRESET || code == RONDEL_EPIPE);
        CHECK(broken(side));
    }
    side->ended = 1;
}

/* ---- what the streams tell */

static void sometimes_act(void) {
    if (!freeing && ticks > 0 && random_below(8) == 0) act(&sides[random_below(PAIRS * 2)]);
}

static void stream_closed(rondel_handle stream, int64_t result, void *user_data) {
    struct side *side = user_data;
    CHECK_EQ(stream, side->stream);
    CHECK_EQ(result, 0);
    CHECK(side->closed || freeing);
    side->close_calls++;
    side->close_order = ++net_order;
}

static void pushed(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct side *side = user_data;
    CHECK_EQ(net_starting, 0);
    CHECK_EQ(stream, side->stream);
    CHECK(side->pushed && !side->closed && !freeing);
    if (n < 0) {
        side->pushed = 0;
        told_end(side, n, 1);
    } else {
        CHECK(n > 0 || side->lent); /* a lent buffer may come back empty */
        receive(side, bytes, (size_t)n);
        if (!side->finishing && random_below(3) == 0) {
            CHECK_EQ(rondel_read_stop(stream), 0);
            side->pushed = 0;
        }
    }
    sometimes_act();
    if (side->finishing) finish(side);
}

static uint8_t *lend(rondel_stream stream, size_t *size, void *user_data) {
    static uint8_t room[70000];
    (void)stream, (void)user_data;
    *size = 1 + random_below(sizeof room);
    return room;
}

static void completed(rondel_handle source, int64_t result, void *user_data) {
    struct op *op = user_data;
    struct side *side = op->side;
    CHECK_EQ(net_starting, 0);
    CHECK_EQ(source, op->future);
    CHECK_EQ(side->close_calls, 0);
    op->calls++;
    op->result = result;
    op->order = ++net_order;
    if (result == RONDEL_ECANCELED) CHECK(op->given_up || side->closed || freeing);
    else if (result == RONDEL_ETIMEDOUT) CHECK(op->given_up);
    else if (op->kind == WRITE || op->kind == SHUTDOWN) {
        if (result < 0) CHECK(broken(side));
        else CHECK_EQ(result, op->kind == WRITE ? (int64_t)op->length : 0);
    } else if (result == RONDEL_EMSGSIZE) {
        CHECK_EQ(op->kind, UNTIL);
    } else if (result < 0) {
        told_end(side, result, op->kind == READ);
    } else {
        CHECK(result > 0 && result <= (int64_t)op->length);
        if (op->kind == EXACTLY) CHECK_EQ(result, op->length);
        if (op->kind == UNTIL) {
            size_t found = 0, n = (size_t)result, length = op->delimiter_length;
            while (found + length <= n && memcmp(op->bytes + found, op->delimiter, length)) found++;
            CHECK_EQ(found + length, n);
        }
        receive(side, op->bytes, (size_t)result);
    }
    if (op->bytes) {
        net_scribble(op->bytes, op->length); /* it is ours again */
        free(op->bytes);
        op->bytes = NULL;
    }
    if (side->reading == op) side->reading = NULL;
    sometimes_act();
    if (side->finishing) finish(side);
}

/* ---- what is done to them */

static struct op *new_op(struct side *side, enum kind kind, size_t length) {
    struct op *op = calloc(1, sizeof *op);
    op->kind = kind;
    op->side = side;
    op->length = length;
    op->next = all_ops;
    all_ops = op;
    return op;
}

/* Refused: the callback never runs, so the operation never was. */
static void forget(struct op *op, int allowed) {
    CHECK(allowed);
    CHECK_EQ(op->calls, 0);
    all_ops = op->next;
    free(op->bytes);
    free(op);
}

static void give_up_sometimes(struct op *op) {
    size_t how = random_below(12);
    if (how == 0) {
        int64_t code = NET_START(rondel_cancel(op->future));
        CHECK(code == 0 || code == RONDEL_ESTATE); /* too late: done, though not told yet */
        op->given_up = code == 0;
    } else if (how == 1) {
        op->given_up = 1;
        CHECK_EQ(NET_START(rondel_timeout(op->future, (int64_t)random_below(3 * RONDEL_MS))), op->future);
    }
}

/* A read that is done makes place for the next, though it has not been told yet. */
static int is_read(const struct side *side) {
    return side->pushed || (side->reading && rondel_future_state(side->reading->future) == RONDEL_PENDING);
}

static void do_read(struct side *side) {
    enum kind kind = (enum kind)random_below(3);
    size_t capacity = 1 + random_size(kind == UNTIL ? 3000 : 100000);
    struct op *op = new_op(side, kind, capacity);
    int busy = is_read(side);
    rondel_stream stream = side->stream;
    op->bytes = malloc(capacity);
    op->delimiter_length = 1 + random_below(2);
    op->delimiter[0] = (uint8_t)random_next();
    op->delimiter[1] = (uint8_t)(op->delimiter[0] + 7);
    net_starting++;
    if (kind == READ) op->future = rondel_read(stream, op->bytes, capacity, completed, op);
    if (kind == EXACTLY) op->future = rondel_read_exactly(stream, op->bytes, capacity, completed, op);
    if (kind == UNTIL)
        op->future =
            rondel_read_until(stream, op->bytes, capacity, op->delimiter, op->delimiter_length, completed, op);
    net_starting--;
    if (op->future < 0) {
        CHECK_EQ(op->future, side->closed ? RONDEL_EGONE : RONDEL_EBUSY);
        forget(op, side->closed || busy);
        return;
    }
    CHECK(!busy && !side->closed);
    side->reading = op;
    give_up_sometimes(op);
}

static void do_push(struct side *side) {
    int busy = is_read(side);
    int into = (int)random_below(2);
    int64_t code = into ? rondel_read_start_into(side->stream, lend, pushed, side)
                        : rondel_read_start(side->stream, pushed, side);
    CHECK_EQ(code, side->closed ? RONDEL_EGONE : busy ? RONDEL_EBUSY : 0);
    if (code != 0) return;
    side->pushed = 1;
    side->lent = into;
}

static void do_write(struct side *side, size_t most) {
    size_t length = random_size(most), total = length + HEADER, form = random_below(5), taken = 0;
    uint32_t number = side->count;
    if (number == RECORDS || rondel_write_queue_size(side->stream) > (4 << 20)) return;
    struct op *op = new_op(side, WRITE, total);
    uint8_t *bytes = malloc(total);
    uint32_t length32 = (uint32_t)length;
    bytes[0] = MAGIC;
    memcpy(bytes + 1, &number, 4);
    memcpy(bytes + 5, &length32, 4);
    for (size_t i = 0; i < length; i++) bytes[HEADER + i] = payload(number, i);
    side->records[number].op = op;
    side->records[number].length = length32;
    side->records[number].delivered = 0;
    if (form == 4) {
        int64_t n = rondel_try_write(side->stream, bytes, total);
        if (n > 0) taken = (size_t)n;
        else CHECK(n == RONDEL_EAGAIN || side->shut || broken(side));
        op->length -= taken;
    }
    net_starting++;
    if (form == 0) {
        op->bytes = bytes;
        op->future = rondel_write_borrowed(side->stream, bytes, total, completed, op);
    } else if (form == 1) {
        size_t a = random_below(total + 1), b = a + random_below(total - a + 1);
        rondel_buffer parts[3] = {{bytes, a}, {bytes + a, b - a}, {bytes + b, total - b}};
        op->future = rondel_writev(side->stream, parts, 3, completed, op);
    } else {
        op->future = rondel_write(side->stream, bytes + taken, total - taken, completed, op);
    }
    net_starting--;
    if (form != 0) {
        net_scribble(bytes, total);
        free(bytes);
    }
    if (op->future < 0) {
        if (side->closed) CHECK_EQ(op->future, RONDEL_EGONE);
        else CHECK(op->future == RONDEL_EPIPE || (op->future == RONDEL_ECONNRESET && broken(side)));
        CHECK(taken == 0 || broken(side));
        forget(op, side->shut || broken(side));
        return;
    }
    CHECK(!side->shut && !side->closed);
    side->count++;
    op->record = number;
    if (taken == 0) give_up_sometimes(op); /* a record begun by try_write must not lose its rest */
}

static void do_shutdown(struct side *side) {
    struct op *op;
    if (side->shut) return;
    op = new_op(side, SHUTDOWN, 0);
    op->future = NET_START(rondel_shutdown(side->stream, completed, op));
    if (op->future < 0) {
        CHECK(op->future == RONDEL_EGONE || op->future == RONDEL_EPIPE || op->future == RONDEL_ECONNRESET);
        forget(op, broken(side));
    }
    side->shut = 1;
}

static void do_close(struct side *side, int reset) {
    int64_t code = NET_START(reset && !net_is_local() ? rondel_tcp_reset(side->stream) : rondel_close(side->stream));
    CHECK_EQ(code, side->closed ? RONDEL_EGONE : 0);
    side->closed = 1;
}

/* The orderly way out: everything is sent, everything is read. */
static void finish(struct side *side) {
    side->finishing = 1;
    if (freeing || side->closed) return;
    do_shutdown(side);
    if (!side->ended && !is_read(side)) do_push(side);
    if (side->ended && side->peer->ended) {
        do_close(side, 0);
        if (!side->peer->closed) do_close(side->peer, 0);
    }
    /* Nobody will read what a side has to say to one that has closed. */
    if (side->peer->closed && side->ended && !side->closed) do_close(side, 0);
}

static void act(struct side *side) {
    switch (random_below(24)) {
    case 0: case 1: case 2: case 3: case 4: case 5: do_read(side); break;
    case 6: case 7: do_push(side); break;
    case 8: case 9:
        CHECK_EQ(rondel_read_stop(side->stream), side->closed ? RONDEL_EGONE : 0);
        if (!side->closed) side->pushed = 0;
        break;
    case 10: case 11:
        if (side->reading) {
            int64_t code = NET_START(rondel_cancel(side->reading->future));
            CHECK(code == 0 || code == RONDEL_ESTATE);
            side->reading->given_up |= code == 0;
        }
        break;
    case 12: if (random_below(20) == 0) do_shutdown(side); break;
    case 13:
        if (random_below(30) == 0) {
            side->forced |= !side->closed;
            do_close(side, (int)random_below(2));
        }
        break;
    default: do_write(side, (size_t)test_scale(1 << 20, 1 << 15)); break;
    }
}

static void tick(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)user_data;
    if (result < 0) return; /* the loop is being freed */
    for (size_t i = random_below(4); i > 0; i--) act(&sides[random_below(PAIRS * 2)]);
    if (--ticks <= 0) {
        ticks = 0;
        stopped = random_below(4) == 0;
        if (stopped) rondel_stop(loop); /* and the loop is freed as it stands */
        for (int i = 0; !stopped && i < PAIRS * 2; i++) finish(&sides[i]);
        return;
    }
    if (random_below(2)) CHECK(rondel_call_soon(loop, tick, NULL) > 0);
    else CHECK(rondel_call_later(loop, (int64_t)random_below(200 * RONDEL_US), tick, NULL) > 0);
}

static void check_and_clear(void) {
    for (int i = 0; i < PAIRS * 2; i++) {
        CHECK_EQ(sides[i].close_calls, 1);
        if (stopped || sides[i].forced || sides[i].peer->forced) continue;
        for (uint32_t j = 0; j < sides[i].count; j++)
            CHECK(sides[i].records[j].delivered || sides[i].records[j].op->result < 0);
    }
    while (all_ops) {
        struct op *op = all_ops;
        CHECK_EQ(op->calls, 1);
        CHECK(op->order < op->side->close_order);
        writes += op->kind == WRITE;
        reads += op->kind < WRITE;
        given_up += op->result == RONDEL_ECANCELED || op->result == RONDEL_ETIMEDOUT;
        all_ops = op->next;
        free(op);
    }
}

TEST(any_sequence_of_operations) {
    freeing = stopped = 0;
    ticks = (int)test_scale(400, 150);
    memset(sides, 0, sizeof sides);
    loop = rondel_loop_new();
    for (int i = 0; i < PAIRS * 2; i += 2) {
        rondel_tcp ends[2];
        REQUIRE(net_streams(loop, ends));
        for (int j = 0; j < 2; j++) {
            sides[i + j].peer = &sides[i + 1 - j];
            sides[i + j].stream = ends[j];
            CHECK_EQ(rondel_on_close(ends[j], stream_closed, &sides[i + j]), 0);
        }
        /* On one side only: two that wait for each other to read would be the user's mistake. */
        if (random_below(3) == 0) CHECK_EQ(rondel_set_watermarks(ends[0], 10000, 200000, NULL, NULL), 0);
    }
    CHECK(rondel_call_soon(loop, tick, NULL) > 0);
    int64_t alive = rondel_run(loop, RONDEL_RUN_DEFAULT);
    CHECK_EQ(ticks, 0);
    if (!stopped) CHECK_EQ(alive, 0);
    for (int i = 0; !stopped && i < PAIRS * 2; i++) CHECK(sides[i].closed);
    freeing = 1;
    CHECK_EQ(rondel_loop_free(loop), 0);
    check_and_clear();
}

int main(int argc, char **argv) {
    static const struct test test = {"any_sequence_of_operations", any_sequence_of_operations};
    int rounds = argc > 1 ? argc - 1 : (int)test_scale(100, 6), failed = 0;
    uint64_t fresh = (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = test_watchdog;
    sigaction(SIGALRM, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < rounds && failed == 0; i++) {
        /* Half of them the same in every run, half new. */
        uint64_t seed = argc > 1 ? strtoull(argv[i + 1], NULL, 0) : i % 2 ? fresh + (uint64_t)i : (uint64_t)i;
        printf("seed %" PRIu64 "\n", seed);
        fflush(stdout);
        random_state = seed;
        failed += test_run_one(&test);
    }
    printf("%" PRId64 " writes, %" PRId64 " of them delivered, %" PRId64 " reads, %" PRId64 " operations given up\n", writes,
           delivered, reads, given_up);
    return failed != 0;
}
