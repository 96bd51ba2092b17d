/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Names under the test's control: this program's getaddrinfo stands before the system's (the linker lets a program's
 * definition win over a library's), answers for the names set up here and passes every other on. So a name can have
 * the addresses a test needs, fail in a chosen way, or take as long as the test likes, on any machine.
 */
#ifndef RONDEL_TEST_NAMES_H
#define RONDEL_TEST_NAMES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#endif

#include "net.h"

#include <dlfcn.h>
#include <netdb.h>

struct name {
    const char *host;
    const char *addresses[6]; /* numeric, in the order of the answer */
    int error;                /* or the EAI_ code it fails with */
    int held;                 /* the look-up does not return until names_release */
};

static struct name names_known[8];
static int names_count, names_asked, names_waiting;
static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;

static inline void names_clear(void) {
    pthread_mutex_lock(&names_mutex);
    names_count = names_asked = 0;
    pthread_mutex_unlock(&names_mutex);
}

static inline void names_add(struct name name) {
    pthread_mutex_lock(&names_mutex);
    names_known[names_count++] = name;
    pthread_mutex_unlock(&names_mutex);
}

/* Waits until `count` look-ups are being held. */
static inline void names_wait_held(int count) {
    pthread_mutex_lock(&names_mutex);
    while (names_waiting < count) pthread_cond_wait(&names_changed, &names_mutex);
    pthread_mutex_unlock(&names_mutex);
}

/* Lets the held look-ups go on, and waits until they have left. */
static inline void names_release(void) {
    pthread_mutex_lock(&names_mutex);
    for (int i = 0; i < names_count; i++) names_known[i].held = 0;
    pthread_cond_broadcast(&names_changed);
    while (names_waiting > 0) pthread_cond_wait(&names_changed, &names_mutex);
    pthread_mutex_unlock(&names_mutex);
}

/* The mark of an answer made here, in a flag no real answer carries. */
enum { NAMES_MARK = 0x40000000 };

static inline struct addrinfo *names_answer(const struct name *name, const char *service, const struct addrinfo *hints) {
    struct addrinfo *first = NULL, **last = &first;
    for (int i = 0; i < 6 && name->addresses[i]; i++) {
        struct addrinfo *info;
        struct sockaddr_storage address;
        socklen_t size = net_address(&address, name->addresses[i], service ? atoi(service) : 0);
        if (hints && hints->ai_family != AF_UNSPEC && hints->ai_family != address.ss_family) continue;
        info = calloc(1, sizeof *info + sizeof address);
        if (!info) break;
        info->ai_flags = NAMES_MARK;
        info->ai_family = address.ss_family;
        info->ai_socktype = SOCK_STREAM;
        info->ai_protocol = IPPROTO_TCP;
        info->ai_addrlen = size;
        info->ai_addr = (struct sockaddr *)(info + 1);
        memcpy(info->ai_addr, &address, sizeof address);
        *last = info;
        last = &info->ai_next;
    }
    return first;
}

static inline struct name *names_find(const char *host) {
    for (int i = 0; host && i < names_count; i++)
        if (!strcmp(names_known[i].host, host)) return &names_known[i];
    return NULL;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    int error = 0;
    struct name *name;
    pthread_mutex_lock(&names_mutex);
    name = hints && (hints->ai_flags & AI_NUMERICHOST) ? NULL : names_find(host);
    if (name) {
        names_asked++;
        names_waiting += name->held;
        if (name->held) {
            pthread_cond_broadcast(&names_changed);
            while (name->held) pthread_cond_wait(&names_changed, &names_mutex);
            names_waiting--;
            pthread_cond_broadcast(&names_changed);
        }
        *out = name->error ? NULL : names_answer(name, service, hints);
        error = name->error ? name->error : *out ? 0 : EAI_NONAME;
    }
    pthread_mutex_unlock(&names_mutex);
    if (!name) {
        int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
        error = next(host, service, hints, out);
    }
    return error;
}

void freeaddrinfo(struct addrinfo *info) {
    if (info && info->ai_flags == NAMES_MARK) {
        while (info) {
            struct addrinfo *next = info->ai_next;
            free(info);
            info = next;
        }
    } else if (info) {
        void (*next)(struct addrinfo *);
        *(void **)&next = dlsym(RTLD_NEXT, "freeaddrinfo");
        next(info);
    }
}

/* Whether the library really asks this program: not so where symbols are bound to one library (macOS). */
static inline int names_work(rondel_loop loop) {
    struct net_op op = {0};
    names_clear();
    names_add((struct name){"here.test", {"127.0.0.1"}, 0, 0});
    if (rondel_resolve(loop, "here.test", "1", 0, net_done, &op) < 0) return 0;
    net_run_until(loop, &op.calls, 1);
    int asked = names_asked;
    names_clear();
    return asked == 1 && op.result == 1;
}

#endif
