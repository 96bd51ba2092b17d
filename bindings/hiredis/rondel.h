/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hiredis on a Rondel loop.
 *
 *     redisAsyncContext *redis = redisAsyncConnect("127.0.0.1", 6379);
 *     if (redis == NULL || redis->err || redisRondelAttach(redis, loop) != REDIS_OK) ...
 *     redisAsyncCommand(redis, on_reply, NULL, "GET %s", key);
 *
 * and in a task, straight-line:
 *
 *     redisReply *reply;
 *     if (rondel_await(rondel_redis_command(redis, &reply, "GET %s", key)) == REDIS_REPLY_STRING) puts(reply->str);
 *     freeReplyObject(reply);
 *
 * Include it as <hiredis/rondel.h>, with the folder above it on the include path. Everything here belongs on the
 * loop's thread. hiredis 0.14 and later; timeouts of commands (redisAsyncSetTimeout) need 1.0.
 */
#ifndef RONDEL_HIREDIS_H
#define RONDEL_HIREDIS_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <rondel.h>
#ifndef RONDEL_VERSION
#error "<rondel.h> led here: put the folder above this header on the include path, not its own"
#endif

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a context has of the loop. hiredis holds it until it calls redisRondelCleanup. */
typedef struct redisRondelEvents {
    redisAsyncContext *context; /* NULL once hiredis has let go */
    redisAsyncContext **place;  /* where the program keeps it, if it told */
    rondel_loop loop;
    rondel_watch watch;
    rondel_timer timer; /* 0: none was needed yet */
    int wanted;         /* what hiredis waits for */
    int watched;        /* what the loop has been told of that */
    int inside;         /* hiredis is being called from here, and may let go meanwhile */
} redisRondelEvents;

static inline void redisRondelWatch(redisRondelEvents *events) {
    /* hiredis asks again and again; and within one call of it only the last word counts. */
    if (events->inside || events->wanted == events->watched) return;
    /* Refused when the loop is gone or the descriptor closed: the first calls nobody any more, the second told so. */
    if (rondel_fd_watch_set(events->watch, events->wanted) >= 0) events->watched = events->wanted;
}

static inline void redisRondelLeave(redisRondelEvents *events) {
    events->inside = 0;
    if (events->context)
        redisRondelWatch(events);
    else
        free(events);
}

static inline void redisRondelOnEvent(rondel_watch watch, int64_t ready, void *user_data) {
    redisRondelEvents *events = (redisRondelEvents *)user_data;
    (void)watch;
    events->inside = 1;
    if (ready < 0) {
        /* Somebody closed the descriptor. hiredis is not to read, or close again, what its number stands for now; a
         * read without one fails, and ends all that is pending. */
        events->context->c.fd = -1;
        ready = RONDEL_READABLE;
    }
    if (ready & RONDEL_READABLE) redisAsyncHandleRead(events->context);
    if ((ready & RONDEL_WRITABLE) && events->context && (events->wanted & RONDEL_WRITABLE))
        redisAsyncHandleWrite(events->context);
    redisRondelLeave(events);
}

static inline void redisRondelAddRead(void *data) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    events->wanted |= RONDEL_READABLE;
    redisRondelWatch(events);
}

static inline void redisRondelDelRead(void *data) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    events->wanted &= ~RONDEL_READABLE;
    redisRondelWatch(events);
}

static inline void redisRondelAddWrite(void *data) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    events->wanted |= RONDEL_WRITABLE;
    redisRondelWatch(events);
}

static inline void redisRondelDelWrite(void *data) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    events->wanted &= ~RONDEL_WRITABLE;
    redisRondelWatch(events);
}

/* hiredis closes its descriptor after this; whether from within a call of ours or not. */
static inline void redisRondelCleanup(void *data) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    rondel_close(events->watch);
    if (events->timer > 0) rondel_close(events->timer);
    memset(&events->context->ev, 0, sizeof events->context->ev);
    if (events->place) *events->place = NULL;
    events->context = NULL;
    if (!events->inside) free(events);
}

#if HIREDIS_MAJOR >= 1
static inline void redisRondelOnTimeout(rondel_timer timer, int64_t periods, void *user_data) {
    redisRondelEvents *events = (redisRondelEvents *)user_data;
    (void)timer, (void)periods;
    events->inside = 1;
    redisAsyncHandleTimeout(events->context);
    redisRondelLeave(events);
}

static inline void redisRondelScheduleTimer(void *data, struct timeval timeout) {
    redisRondelEvents *events = (redisRondelEvents *)data;
    int64_t after = timeout.tv_sec * RONDEL_SECOND + timeout.tv_usec * RONDEL_US;
    if (events->timer > 0)
        rondel_timer_set(events->timer, after, 0);
    else
        events->timer = rondel_timer_start(events->loop, after, 0, redisRondelOnTimeout, events);
}
#endif

/* Has the loop drive a context; before any command, right after redisAsyncConnect or its kin. REDIS_OK or REDIS_ERR.
 *
 * The connection keeps the loop alive until it ends: with redisAsyncDisconnect or redisAsyncFree, or when it breaks. End
 * it before the loop is freed; afterwards the loop does nothing for it, and its commands are pending until
 * redisAsyncFree. */
static inline int redisRondelAttach(redisAsyncContext *context, rondel_loop loop) {
    redisRondelEvents *events;
    if (context->ev.data != NULL) return REDIS_ERR;
    events = (redisRondelEvents *)calloc(1, sizeof *events);
    if (events == NULL) return REDIS_ERR;
    events->context = context;
    events->loop = loop;
    events->watch = rondel_fd_watch(loop, context->c.fd, 0, redisRondelOnEvent, events);
    if (events->watch < 0) {
        free(events);
        return REDIS_ERR;
    }
    context->ev.data = events;
    context->ev.addRead = redisRondelAddRead;
    context->ev.delRead = redisRondelDelRead;
    context->ev.addWrite = redisRondelAddWrite;
    context->ev.delWrite = redisRondelDelWrite;
    context->ev.cleanup = redisRondelCleanup;
#if HIREDIS_MAJOR >= 1
    context->ev.scheduleTimer = redisRondelScheduleTimer;
#endif
    return REDIS_OK;
}

/* As redisRondelAttach, and makes `*place`, where the program keeps the context, NULL when hiredis frees it, for whatever
 * reason. That may be after the callbacks of the commands that were pending or before them, as the version of hiredis has
 * it; they are given the context itself. The place has to stay as long as the context. */
static inline int redisRondelAttachAt(redisAsyncContext **place, rondel_loop loop) {
    int status = redisRondelAttach(*place, loop);
    if (status == REDIS_OK) ((redisRondelEvents *)(*place)->ev.data)->place = place;
    return status;
}

/* ---- Commands as futures ---- */

/* A command that was sent. The future is a number, so it may be cancelled or gone when the reply comes. */
typedef struct redisRondelCommand {
    rondel_future future;
    redisReply **reply;
} redisRondelCommand;

/* Why a command will have no reply. */
static inline int64_t redisRondelError(const redisAsyncContext *context) {
    switch (context->err) {
    case 0: return RONDEL_ECANCELED; /* the context was freed */
    case REDIS_ERR_EOF: return RONDEL_EOF;
    case REDIS_ERR_PROTOCOL: return RONDEL_EPROTO;
    case REDIS_ERR_OOM: return RONDEL_ENOMEM;
#ifdef REDIS_ERR_TIMEOUT
    case REDIS_ERR_TIMEOUT: return RONDEL_ETIMEDOUT;
#endif
    default: return context->c.flags & REDIS_CONNECTED ? RONDEL_ECONNRESET : RONDEL_ECONNREFUSED;
    }
}

static inline void redisRondelOnReply(redisAsyncContext *context, void *data, void *user_data) {
    redisRondelCommand *command = (redisRondelCommand *)user_data;
    redisReply *reply = (redisReply *)data, *kept = NULL;
    int64_t code;
    if (reply == NULL) {
        code = rondel_future_fail(command->future, redisRondelError(context));
    } else {
        int64_t result = reply->type == REDIS_REPLY_ERROR ? RONDEL_EPROTO : reply->type;
        if (command->reply) {
#if HIREDIS_MAJOR >= 1
            kept = (redisReply *)hi_malloc(sizeof *kept);
#else
            kept = (redisReply *)malloc(sizeof *kept);
#endif
            if (kept == NULL) result = RONDEL_ENOMEM;
        }
        code = result < 0 ? rondel_future_fail(command->future, result) : rondel_future_set(command->future, result);
        if (kept) {
            /* hiredis frees its reply after this call: what is in it moves, and an empty one is left behind. */
            *kept = *reply;
            memset(reply, 0, sizeof *reply);
            reply->type = REDIS_REPLY_NIL;
            if (code >= 0)
                *command->reply = kept;
            else
                freeReplyObject(kept); /* nobody waits any more, and the place for it may be gone */
        }
    }
    free(command);
}

/* Whether a command has more replies than one, or none: those of publish/subscribe, and MONITOR. They need
 * redisAsyncCommand with a callback. */
static inline int redisRondelIsStream(const char *formatted, size_t length) {
    static const char *const names[] = {"subscribe", "monitor"};
    const char *name = (const char *)memchr(formatted, '$', length), *end;
    size_t i, k;
    if (name == NULL || (name = (const char *)memchr(name, '\n', length - (size_t)(name - formatted))) == NULL) return 0;
    name++;
    end = (const char *)memchr(name, '\r', length - (size_t)(name - formatted));
    if (end == NULL) return 0;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(names[i]);
        if ((size_t)(end - name) < size) continue;
        /* (p|s)(un)subscribe: the end of the name tells. */
        for (k = 0; k < size; k++)
            if ((end[-1 - (long)k] | 0x20) != names[i][size - 1 - k]) break;
        if (k == size) return 1;
    }
    return 0;
}

/* Sends a command, as redisAsyncCommand does, and gives a future for its reply, which you keep (as with RONDEL_FUTURE).
 *
 * The result is the reply's type, REDIS_REPLY_STRING and so on; RONDEL_EPROTO if the server answered with an error;
 * or what became of the connection: RONDEL_EOF, RONDEL_ECONNRESET, RONDEL_ECONNREFUSED, RONDEL_ETIMEDOUT, RONDEL_ECANCELED if
 * the context was freed. `*reply` is NULL at once, and later the reply (the one that is an error, too): yours, to give to
 * freeReplyObject. It has to stay in place until the future is done. With `reply` NULL nobody gets it.
 *
 * Cancelling the future forgets the reply; the command has been sent and is carried out. (A BRPOP that is given up may so
 * take an element that nobody gets: end its connection instead.)
 * Refused: RONDEL_EINVAL for a context that is not attached, a format that makes no sense, and commands that have more
 * replies than one (SUBSCRIBE and its kin, MONITOR); RONDEL_ENOTCONN for a connection that ends or has ended (NULL);
 * RONDEL_ENOMEM. */
static inline rondel_future rondel_redis_vcommand(redisAsyncContext *context, redisReply **reply, const char *format,
                                                  va_list arguments) {
    redisRondelCommand *command;
    rondel_future future;
    char *formatted = NULL;
    int length;
    if (reply) *reply = NULL;
    if (format == NULL) return RONDEL_EINVAL;
    if (context == NULL || context->c.flags & (REDIS_DISCONNECTING | REDIS_FREEING)) return RONDEL_ENOTCONN;
    if (context->ev.addRead != redisRondelAddRead) return RONDEL_EINVAL;
    length = redisvFormatCommand(&formatted, format, arguments);
    if (length < 0) return length == -1 ? RONDEL_ENOMEM : RONDEL_EINVAL;
    future = redisRondelIsStream(formatted, (size_t)length)
                 ? RONDEL_EINVAL
                 : rondel_future_new(((redisRondelEvents *)context->ev.data)->loop);
    if (future > 0) {
        command = (redisRondelCommand *)malloc(sizeof *command);
        if (command) {
            command->future = future;
            command->reply = reply;
        }
        if (command == NULL ||
            redisAsyncFormattedCommand(context, redisRondelOnReply, command, formatted, (size_t)length) != REDIS_OK) {
            free(command);
            rondel_release(future);
            future = RONDEL_ENOMEM;
        }
    }
    redisFreeCommand(formatted);
    return future;
}

static inline rondel_future rondel_redis_command(redisAsyncContext *context, redisReply **reply, const char *format,
                                                 ...) {
    va_list arguments;
    rondel_future future;
    va_start(arguments, format);
    future = rondel_redis_vcommand(context, reply, format, arguments);
    va_end(arguments);
    return future;
}

#ifdef __cplusplus
}
#endif

#endif
