/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of watched paths, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_WATCH_H
#define RONDEL_TEST_CALLS_WATCH_H

#include "test.h"

#define PATH_WATCHES KIND_BIT(RONDEL_KIND_WATCH)

#ifdef _WIN32
#define CALL_FOLDER "C:/"
#else
#define CALL_FOLDER "/usr"
#endif

#define CALLS_OF_WATCH(CALL)                                                                                           \
    CALL(watch_start, LOOPS, (h, CALL_FOLDER, 0, call_fn, &call_seen))                                                 \
    CALL(watch_poll, LOOPS, (h, CALL_FOLDER, 0, 3600 * RONDEL_SECOND, call_fn, &call_seen))                            \
    CALL(watch_count, PATH_WATCHES, (h))                                                                               \
    CALL(watch_what, PATH_WATCHES, (h, 0))                                                                             \
    CALL(watch_path, PATH_WATCHES, (h, 0, NULL, 0))                                                                    \
    CALL(watch_old_path, PATH_WATCHES, (h, 0, NULL, 0))                                                                \
    CALL(watch_root, PATH_WATCHES, (h, NULL, 0))

#define MAKES_OF_WATCH(MAKE) MAKE(WATCH, rondel_watch_start(loop, CALL_FOLDER, 0, see, seen))

#endif
