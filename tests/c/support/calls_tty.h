/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of terminals, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_TTY_H
#define RONDEL_TEST_CALLS_TTY_H

#ifndef _WIN32
#include "pty.h"
#endif

#define TTYS KIND_BIT(RONDEL_KIND_TTY)

#define CALLS_OF_TTY(CALL)                                                                                             \
    CALL(tty_open, LOOPS, (h, INT32_MAX))                                                                              \
    CALL(tty_mode, TTYS, (h, RONDEL_TTY_NORMAL))                                                                       \
    CALL(tty_size, TTYS, (h, NULL, NULL))                                                                              \
    CALL(tty_on_resize, TTYS, (h, call_fn, &call_seen))

#ifdef _WIN32
#define MAKES_OF_TTY(MAKE)
#else
#define MAKES_OF_TTY(MAKE) MAKE(TTY, call_a_tty(loop))

/* One whose window is closed. */
static inline rondel_tty call_a_tty(rondel_loop loop) {
    struct pty pty;
    CHECK(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    pty_close(&pty);
    return tty;
}
#endif

#endif
