/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Small pieces the tests of the loop share: a trace of who was called in which order, a gate for one thread to wait
 * for another, a client that knocks at a listener from outside the loop.
 */
#ifndef RONDEL_TEST_STEPS_H
#define RONDEL_TEST_STEPS_H

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* The words that trace was given, in the order of the calls. */
static char trace_text[1024];

static inline void trace_word(const char *word) {
    size_t used = strlen(trace_text);
    snprintf(trace_text + used, sizeof trace_text - used, "%s%s", used ? " " : "", word);
}

/* How something ended. */
static inline void trace_code(int64_t code) {
    char word[32];
    snprintf(word, sizeof word, "%" PRId64, code);
    trace_word(code == RONDEL_ECANCELED ? "cancelled" : code == RONDEL_ETIMEDOUT ? "late" : word);
}

static inline void trace(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    trace_word(user_data);
}

/* Forgets the trace and hands it out, for one check: CHECK_STR(trace_taken(), "timer ready"). */
static inline const char *trace_taken(void) {
    static char taken[sizeof trace_text];
    memcpy(taken, trace_text, sizeof taken);
    trace_text[0] = 0;
    return taken;
}

static inline void stop_loop(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    (void)user_data;
    CHECK_EQ(rondel_stop(rondel_loop_of(source)), 0);
}

/* For call_soon_threadsafe, whose source is the loop. */
static inline void stop_source(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    (void)user_data;
    CHECK_EQ(rondel_stop(source), 0);
}

static inline void close_source(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    (void)user_data;
    CHECK_EQ(rondel_close(source), 0);
}

/* Spins, for the callbacks that are meant to be slow: the loop must not notice anything but the time. */
static inline void busy_for(int64_t ns) {
    for (int64_t until = rondel_clock() + ns; rondel_clock() < until;) continue;
}

/* A repeatable stream of bits (xorshift). */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    int64_t passed;
};

#define GATE {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void gate_pass(struct gate *gate) {
    pthread_mutex_lock(&gate->mutex);
    gate->passed++;
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->mutex);
}

static inline int64_t gate_passed(struct gate *gate) {
    pthread_mutex_lock(&gate->mutex);
    int64_t passed = gate->passed;
    pthread_mutex_unlock(&gate->mutex);
    return passed;
}

/* Waits until the gate was passed `times` times in all. */
static inline void gate_wait(struct gate *gate, int64_t times) {
    pthread_mutex_lock(&gate->mutex);
    while (gate->passed < times) pthread_cond_wait(&gate->moved, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static inline void gate_pass_fn(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    gate_pass(user_data);
}

/* Connects to a listener on 127.0.0.1 by plain sockets and waits until the listener is readable: an accept is due. */
static inline int knock(rondel_tcp server) {
    struct sockaddr_in address;
    int port = 0, client = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd ready = {(int)rondel_fileno(server), POLLIN, 0};
    memset(&address, 0, sizeof address);
    CHECK(rondel_local_addr(server, NULL, 0, &port) > 0);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_EQ(poll(&ready, 1, -1), 1);
    return client;
}

#endif
