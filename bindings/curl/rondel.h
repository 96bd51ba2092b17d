/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libcurl's transfers on a Rondel loop, each as a future.
 *
 *     rondel_curl *curl = rondel_curl_new(loop);
 *     rondel_curl_perform(curl, easy, on_done, user_data);
 *
 * and in a task, straight-line:
 *
 *     if (rondel_await(rondel_curl_perform(curl, easy, RONDEL_FUTURE)) == 0) puts("fetched");
 *
 * Include it as <curl/rondel.h>, with the folder above it on the include path. Everything here belongs on the
 * loop's thread. libcurl 7.30 and later.
 */
#ifndef RONDEL_CURL_H
#define RONDEL_CURL_H

#include <curl/curl.h>

#include <rondel.h>
#ifndef RONDEL_VERSION
#error "<rondel.h> led here: put the folder above this header on the include path, not its own"
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rondel_curl_transfer rondel_curl_transfer;
typedef struct rondel_curl_socket rondel_curl_socket;

/* What the transfers of a loop share: connections that stay open, looked-up names, TLS sessions. */
typedef struct rondel_curl {
    CURLM *multi; /* yours to give options to, with curl_multi_setopt; not the socket and timer functions */
    /* The rest is not yours. */
    rondel_loop loop;
    rondel_timer timer; /* 0: none was needed yet */
    rondel_curl_socket *sockets;
    rondel_curl_transfer *added;  /* inside libcurl, where none can be given to it */
    rondel_curl_transfer **table; /* by easy handle */
    size_t buckets, count;
    int inside; /* libcurl is being called from here */
    int ended;  /* it was freed from inside */
} rondel_curl;

/* The future is a number, so it may be cancelled or gone when the transfer ends. */
struct rondel_curl_transfer {
    rondel_curl *curl;
    CURL *easy;
    rondel_future future;
    rondel_curl_transfer *next; /* in its bucket */
    rondel_curl_transfer *next_added;
};

struct rondel_curl_socket {
    rondel_curl *curl;
    curl_socket_t socket;
    rondel_watch watch;
    rondel_curl_socket *next, **here;
};

/* ---- Results ---- */

/* The code that Rondel has for an error of libcurl's; `os_errno` is its CURLINFO_OS_ERRNO. 0 for CURLE_OK. */
static inline int64_t rondel_curl_result(CURLcode code, long os_errno) {
    switch (code) {
    case CURLE_OK: return 0;
    case CURLE_UNSUPPORTED_PROTOCOL: return RONDEL_EPROTONOSUPPORT;
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT: return RONDEL_EINVAL;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST: return RONDEL_EAI_NONAME;
    case CURLE_OUT_OF_MEMORY: return RONDEL_ENOMEM;
    case CURLE_OPERATION_TIMEDOUT: return RONDEL_ETIMEDOUT;
    case CURLE_ABORTED_BY_CALLBACK: return RONDEL_ECANCELED;
    case CURLE_WRITE_ERROR:
    case CURLE_READ_ERROR: return RONDEL_EIO;
    case CURLE_TOO_MANY_REDIRECTS: return RONDEL_ELOOP;
    case CURLE_FILESIZE_EXCEEDED: return RONDEL_EFBIG;
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_LOGIN_DENIED: return RONDEL_EACCES;
    case CURLE_REMOTE_FILE_NOT_FOUND:
    case CURLE_FILE_COULDNT_READ_FILE: return RONDEL_ENOENT;
    case CURLE_REMOTE_DISK_FULL: return RONDEL_ENOSPC;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return RONDEL_EOF;
    case CURLE_COULDNT_CONNECT:
        switch (os_errno) {
        case EACCES: return RONDEL_EACCES;
        case EADDRNOTAVAIL: return RONDEL_EADDRNOTAVAIL;
        case EHOSTUNREACH: return RONDEL_EHOSTUNREACH;
        case EMFILE: return RONDEL_EMFILE;
        case ENETUNREACH: return RONDEL_ENETUNREACH;
        case ENOENT: return RONDEL_ENOENT;
        case ETIMEDOUT: return RONDEL_ETIMEDOUT;
        default: return RONDEL_ECONNREFUSED;
        }
    case CURLE_SEND_ERROR: return os_errno == EPIPE ? RONDEL_EPIPE : RONDEL_ECONNRESET;
    case CURLE_RECV_ERROR: return os_errno == ETIMEDOUT ? RONDEL_ETIMEDOUT : RONDEL_ECONNRESET;
    default: return RONDEL_EPROTO;
    }
}

/* libcurl's own code for the transfer of a future that is done: CURLE_OK also if it was cancelled. Ask in the function
 * that is told, or while you keep the future. (It is carried as the future's pointer, see rondel_set_data.) */
static inline CURLcode rondel_curl_code(rondel_future future) {
    return (CURLcode)(intptr_t)rondel_get_data(future);
}

/* ---- Transfers by easy handle ---- */

static inline rondel_curl_transfer **rondel_curl_place(const rondel_curl *curl, const CURL *easy) {
    uint64_t mixed = (uint64_t)(uintptr_t)easy * UINT64_C(0x9e3779b97f4a7c15);
    rondel_curl_transfer **place = &curl->table[(size_t)(mixed >> 32) & (curl->buckets - 1)];
    while (*place && (*place)->easy != easy) place = &(*place)->next;
    return place;
}

static inline int rondel_curl_grow(rondel_curl *curl) {
    rondel_curl wider = *curl;
    size_t i;
    if (curl->count < curl->buckets) return 1;
    wider.buckets = curl->buckets ? curl->buckets * 2 : 16;
    wider.table = (rondel_curl_transfer **)calloc(wider.buckets, sizeof *wider.table);
    if (wider.table == NULL) return 0;
    for (i = 0; i < curl->buckets; i++) {
        rondel_curl_transfer *transfer = curl->table[i];
        while (transfer) {
            rondel_curl_transfer *next = transfer->next, **place = rondel_curl_place(&wider, transfer->easy);
            transfer->next = NULL;
            *place = transfer;
            transfer = next;
        }
    }
    free(curl->table);
    curl->table = wider.table;
    curl->buckets = wider.buckets;
    return 1;
}

/* An idle timer of libcurl's, about its open connections, is no reason to go on. */
static inline void rondel_curl_hold(rondel_curl *curl) {
    if (curl->timer <= 0) return;
    if (curl->count > 0)
        rondel_ref(curl->timer);
    else
        rondel_unref(curl->timer);
}

/* The easy handle is its owner's again; then the future is settled. */
static inline void rondel_curl_end(rondel_curl_transfer *transfer, CURLcode code, int64_t result) {
    rondel_curl *curl = transfer->curl;
    rondel_curl_transfer **place = rondel_curl_place(curl, transfer->easy);
    int inside = curl->inside;
    *place = transfer->next;
    curl->count--;
    rondel_curl_hold(curl);
    for (place = &curl->added; *place; place = &(*place)->next_added) {
        if (*place != transfer) continue;
        *place = transfer->next_added;
        break;
    }
    curl->inside = 1;
    curl_multi_remove_handle(curl->multi, transfer->easy);
    curl->inside = inside;
    if (code != CURLE_OK) rondel_set_data(transfer->future, (void *)(intptr_t)code);
    if (result < 0)
        rondel_future_fail(transfer->future, result);
    else
        rondel_future_set(transfer->future, result);
    free(transfer);
}

static inline int64_t rondel_curl_multi_result(CURLMcode code) {
    switch (code) {
    case CURLM_OK: return 0;
    case CURLM_OUT_OF_MEMORY: return RONDEL_ENOMEM;
#if LIBCURL_VERSION_NUM >= 0x072001
    case CURLM_ADDED_ALREADY: return RONDEL_EBUSY;
#endif
    default: return RONDEL_EINVAL;
    }
}

/* ---- Sockets and the timer ---- */

/* Frees all: what is pending is cancelled. 0, or RONDEL_ETHREAD. The easy handles stay yours; before or after the loop's
 * end, from anywhere, also from within libcurl's callbacks. */
static inline int64_t rondel_curl_free(rondel_curl *curl) {
    size_t i;
    if (curl == NULL) return 0;
    if (rondel_kind(curl->loop) == RONDEL_ETHREAD) return RONDEL_ETHREAD;
    curl->ended = 1;
    if (curl->inside) return 0;
    for (i = 0; i < curl->buckets; i++)
        while (curl->table[i]) rondel_curl_end(curl->table[i], CURLE_OK, RONDEL_ECANCELED);
    curl->inside = 1;
    curl_multi_cleanup(curl->multi);
    if (curl->timer > 0) rondel_close(curl->timer);
    while (curl->sockets) {
        rondel_curl_socket *next = curl->sockets->next;
        rondel_close(curl->sockets->watch);
        free(curl->sockets);
        curl->sockets = next;
    }
    free(curl->table);
    free(curl);
    return 0;
}

/* libcurl has been called: do what it could not be asked for meanwhile, and tell what has ended. */
static inline void rondel_curl_leave(rondel_curl *curl) {
    CURLMsg *message;
    int left;
    curl->inside = 0;
    while (!curl->ended && curl->added) {
        rondel_curl_transfer *transfer = curl->added;
        int64_t result;
        curl->added = transfer->next_added;
        curl->inside = 1;
        result = rondel_curl_multi_result(curl_multi_add_handle(curl->multi, transfer->easy));
        curl->inside = 0;
        if (result < 0) rondel_curl_end(transfer, CURLE_OK, result);
    }
    while (!curl->ended && (message = curl_multi_info_read(curl->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        rondel_curl_transfer *transfer = *rondel_curl_place(curl, message->easy_handle);
        long os_errno = 0;
        if (message->msg != CURLMSG_DONE || transfer == NULL) continue;
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
        rondel_curl_end(transfer, code, rondel_curl_result(code, os_errno));
    }
    if (curl->ended) rondel_curl_free(curl);
}

static inline void rondel_curl_on_cancel(rondel_handle future, int64_t reason, void *user_data) {
    rondel_curl_transfer *transfer = (rondel_curl_transfer *)user_data;
    rondel_curl *curl = transfer->curl;
    (void)future;
    rondel_curl_end(transfer, CURLE_OK, reason);
    rondel_curl_leave(curl);
}

static inline void rondel_curl_act(rondel_curl *curl, curl_socket_t socket, int events) {
    int running;
    curl->inside = 1;
    curl_multi_socket_action(curl->multi, socket, events, &running);
    rondel_curl_leave(curl);
}

static inline void rondel_curl_on_event(rondel_watch watch, int64_t ready, void *user_data) {
    rondel_curl_socket *socket = (rondel_curl_socket *)user_data;
    int events = 0;
    if (ready < 0) {
        /* Somebody closed it. If libcurl still goes by it, its next read fails. */
        rondel_close(watch);
        socket->watch = 0;
        events = CURL_CSELECT_ERR;
    } else {
        if (ready & RONDEL_READABLE) events |= CURL_CSELECT_IN;
        if (ready & RONDEL_WRITABLE) events |= CURL_CSELECT_OUT;
    }
    rondel_curl_act(socket->curl, socket->socket, events);
}

static inline void rondel_curl_on_timeout(rondel_timer timer, int64_t periods, void *user_data) {
    (void)timer, (void)periods;
    rondel_curl_act((rondel_curl *)user_data, CURL_SOCKET_TIMEOUT, 0);
}

static inline int rondel_curl_set_timer(CURLM *multi, long timeout_ms, void *user_data) {
    rondel_curl *curl = (rondel_curl *)user_data;
    (void)multi;
    if (timeout_ms < 0) {
        if (curl->timer > 0) rondel_timer_stop(curl->timer);
    } else if (curl->timer > 0) {
        rondel_timer_set(curl->timer, timeout_ms * RONDEL_MS, 0);
    } else {
        curl->timer = rondel_timer_start(curl->loop, timeout_ms * RONDEL_MS, 0, rondel_curl_on_timeout, curl);
        rondel_curl_hold(curl);
    }
    return 0;
}

static inline int rondel_curl_watch(rondel_curl_socket *socket, int wanted) {
    rondel_curl *curl = socket->curl;
    rondel_curl_socket *other;
    int tries;
    if (socket->watch > 0) {
        if (rondel_fd_watch_set(socket->watch, wanted) >= 0) return 0;
        /* libcurl has closed the descriptor and got the same number again. */
        rondel_close(socket->watch);
    }
    for (tries = 0; tries < 2; tries++) {
        socket->watch = rondel_fd_watch(curl->loop, (int64_t)socket->socket, wanted, rondel_curl_on_event, socket);
        if (socket->watch != RONDEL_EEXIST) break;
        /* It did so and forgot to say that the old one is not to be watched any more. */
        for (other = curl->sockets; other; other = other->next) {
            if (other == socket || other->socket != socket->socket) continue;
            rondel_close(other->watch);
            other->watch = 0;
        }
    }
    return socket->watch < 0 ? -1 : 0;
}

static inline int rondel_curl_set_socket(CURL *easy, curl_socket_t number, int what, void *user_data, void *assigned) {
    rondel_curl *curl = (rondel_curl *)user_data;
    rondel_curl_socket *socket = (rondel_curl_socket *)assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket == NULL) return 0;
        rondel_close(socket->watch);
        *socket->here = socket->next;
        if (socket->next) socket->next->here = socket->here;
        free(socket);
        return 0;
    }
    if (socket == NULL) {
        socket = (rondel_curl_socket *)calloc(1, sizeof *socket);
        if (socket == NULL) return -1;
        socket->curl = curl;
        socket->socket = number;
        socket->next = curl->sockets;
        socket->here = &curl->sockets;
        if (socket->next) socket->next->here = &socket->next;
        curl->sockets = socket;
        curl_multi_assign(curl->multi, number, socket);
    }
    return rondel_curl_watch(socket, (what & CURL_POLL_IN ? RONDEL_READABLE : 0) |
                                         (what & CURL_POLL_OUT ? RONDEL_WRITABLE : 0));
}

/* ---- What a program calls ---- */

/* Makes what the transfers of a loop share; rondel_curl_free ends it. NULL if there is no such loop, or no memory. */
static inline rondel_curl *rondel_curl_new(rondel_loop loop) {
    rondel_curl *curl;
    if (rondel_kind(loop) != RONDEL_KIND_LOOP) return NULL;
    curl = (rondel_curl *)calloc(1, sizeof *curl);
    if (curl == NULL) return NULL;
    curl->loop = loop;
    curl->multi = curl_multi_init();
    if (curl->multi == NULL || !rondel_curl_grow(curl)) {
        if (curl->multi) curl_multi_cleanup(curl->multi);
        free(curl);
        return NULL;
    }
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, rondel_curl_set_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, rondel_curl_set_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    return curl;
}

static inline void rondel_curl_unheard(rondel_handle future, int64_t result, void *user_data) {
    (void)future, (void)result, (void)user_data;
}

/* Does what an easy handle was set up for, as curl_easy_perform does, without waiting. The result is 0 when the transfer has
 * ended well, whatever status the server gave (see CURLINFO_RESPONSE_CODE and CURLOPT_FAILONERROR); or a negative code, see
 * rondel_curl_result and rondel_curl_code.
 *
 * `(fn, user_data)` as everywhere in Rondel: a function, NULL, RONDEL_FUTURE, rondel_enqueue. Until the future is done, the
 * easy handle is the transfer's; then it is yours again, to ask, use again or clean up. Cancelled, or timed out by
 * rondel_timeout, the transfer is taken out of libcurl first and the future done after that.
 *
 * It may be called from anywhere, also from within libcurl's callbacks. The loop stays alive as long as it goes on.
 * Refused: RONDEL_EINVAL for NULL; RONDEL_EBUSY for an easy handle that is in a transfer already; RONDEL_EGONE if the loop
 * is gone; RONDEL_ETHREAD; RONDEL_ENOMEM. */
static inline rondel_future rondel_curl_perform(rondel_curl *curl, CURL *easy, rondel_fn fn, void *user_data) {
    rondel_curl_transfer *transfer, **place;
    rondel_future future;
    int64_t result = 0;
    if (curl == NULL || easy == NULL) return RONDEL_EINVAL;
    future = rondel_future_new(curl->loop);
    if (future < 0) return future;
    transfer = (rondel_curl_transfer *)calloc(1, sizeof *transfer);
    if (curl->ended)
        result = RONDEL_EGONE;
    else if (transfer == NULL || !rondel_curl_grow(curl))
        result = RONDEL_ENOMEM;
    else if (*rondel_curl_place(curl, easy))
        result = RONDEL_EBUSY;
    else if (!curl->inside)
        result = rondel_curl_multi_result(curl_multi_add_handle(curl->multi, easy));
    if (result < 0) {
        free(transfer);
        rondel_release(future);
        return result;
    }
    transfer->curl = curl;
    transfer->easy = easy;
    transfer->future = future;
    *rondel_curl_place(curl, easy) = transfer;
    curl->count++;
    rondel_curl_hold(curl);
    if (curl->inside) {
        for (place = &curl->added; *place; place = &(*place)->next_added) continue;
        *place = transfer;
    }
    rondel_future_on_cancel(future, rondel_curl_on_cancel, transfer);
    if (fn != rondel_keep) {
        rondel_future_then(future, fn ? fn : rondel_curl_unheard, user_data);
        rondel_release(future);
    }
    return future;
}

#ifdef __cplusplus
}
#endif

#endif
