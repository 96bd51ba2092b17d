/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Turns of an idle libuv loop, woken by a timer or by another thread. */
#include "turns.h"
#include <uv.h>

static uv_async_t async;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t posted;

static void on_async(uv_async_t *handle) {
    pthread_mutex_lock(&lock);
    turns_seen = posted; /* libuv may merge wakes: what was posted is under the lock */
    pthread_mutex_unlock(&lock);
    if (turns_seen == turns_wanted) uv_stop(handle->loop);
}

static void turns_wake(void) {
    pthread_mutex_lock(&lock);
    posted++;
    pthread_mutex_unlock(&lock);
    uv_async_send(&async);
}

static void on_timer(uv_timer_t *timer) {
    if (++turns_seen == turns_wanted) uv_stop(timer->loop);
}

int main(int argc, char **argv) {
    uv_loop_t *loop = uv_default_loop();
    uv_timer_t timer;
    pthread_t pace;
    int wake = turns_parse(argc, argv);
    if (wake) {
        uv_async_init(loop, &async, on_async);
        pace = turns_start_pace();
    } else {
        uv_timer_init(loop, &timer);
        uv_timer_start(&timer, on_timer, 1, 1);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    if (wake) pthread_join(pace, NULL);
    return 0;
}
