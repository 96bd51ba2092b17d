/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Names under the test's control: this program's getaddrinfo and getnameinfo stand before the system's (the linker lets
 * a program's definition win over a library's), answer for the names set up here and their addresses, and pass every
 * other on. So a name can have the addresses a test needs, fail in a chosen way, or take as long as the test likes, on
 * any machine.
 */
#ifndef RONDEL_TEST_NAMES_H
#define RONDEL_TEST_NAMES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#endif

#include "net.h"

#ifndef _WIN32
#include <dlfcn.h>
#include <netdb.h>
#endif

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

/* What the look-up of a name comes to: 0 or its error, once it may return. With the mutex held. */
static inline int names_ask(struct name *name) {
    names_asked++;
    names_waiting += name->held;
    if (name->held) {
        pthread_cond_broadcast(&names_changed);
        while (name->held) pthread_cond_wait(&names_changed, &names_mutex);
        names_waiting--;
        pthread_cond_broadcast(&names_changed);
    }
    return name->error;
}

#ifdef _WIN32
/* A library's references are its own there. */
static inline int names_work(rondel_loop loop) { return (void)loop, 0; }
#else
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    int error = 0;
    struct name *name;
    pthread_mutex_lock(&names_mutex);
    name = hints && (hints->ai_flags & AI_NUMERICHOST) ? NULL : names_find(host);
    if (name) {
        error = names_ask(name);
        *out = error ? NULL : names_answer(name, service, hints);
        if (!error && !*out) error = EAI_NONAME;
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

static inline struct name *names_of(const struct sockaddr *address, socklen_t size) {
    for (int i = 0; i < names_count; i++)
        for (int j = 0; j < 6 && names_known[i].addresses[j]; j++) {
            struct sockaddr_storage known;
            const struct sockaddr_in *a = (const void *)&known, *b = (const void *)address;
            const struct sockaddr_in6 *c = (const void *)&known, *d = (const void *)address;
            if (net_address(&known, names_known[i].addresses[j], 0) > size) continue;
            if (known.ss_family != address->sa_family) continue;
            if (known.ss_family == AF_INET ? a->sin_addr.s_addr == b->sin_addr.s_addr
                                           : !memcmp(&c->sin6_addr, &d->sin6_addr, sizeof c->sin6_addr))
                return &names_known[i];
        }
    return NULL;
}

/* The service of an address that is known here is its port. */
int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size, char *service,
                socklen_t service_size, int flags) {
    int (*next)(const struct sockaddr *, socklen_t, char *, socklen_t, char *, socklen_t, int);
    pthread_mutex_lock(&names_mutex);
    struct name *name = flags & NI_NUMERICHOST ? NULL : names_of(address, size);
    int error = name ? names_ask(name) : 0;
    if (name && !error) {
        const struct sockaddr_in *v4 = (const void *)address;
        const struct sockaddr_in6 *v6 = (const void *)address;
        snprintf(host, host_size, "%s", name->host);
        snprintf(service, service_size, "%d", ntohs(address->sa_family == AF_INET ? v4->sin_port : v6->sin6_port));
    }
    pthread_mutex_unlock(&names_mutex);
    if (name && !(error == EAI_NONAME && !(flags & NI_NAMEREQD))) return error;
    *(void **)&next = dlsym(RTLD_NEXT, "getnameinfo");
    return next(address, size, host, host_size, service, service_size, name ? flags | NI_NUMERICHOST : flags);
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

#endif
