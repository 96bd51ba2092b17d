/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Pseudo-terminals: a terminal to be opened, and the side that plays the keyboard and the window. */
#ifndef RONDEL_TEST_PTY_H
#define RONDEL_TEST_PTY_H

#include "test.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
    int master, slave;
    char name[128];
};

static inline int pty_open(struct pty *pty) {
    const char *name;
    pty->slave = -1;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY);
    if (pty->master < 0 || grantpt(pty->master) < 0 || unlockpt(pty->master) < 0) return 0;
    name = ptsname(pty->master);
    if (!name) return 0;
    snprintf(pty->name, sizeof pty->name, "%s", name);
    pty->slave = open(pty->name, O_RDWR | O_NOCTTY);
    return CHECK(pty->slave >= 0), pty->slave >= 0;
}

static inline void pty_close(struct pty *pty) {
    close(pty->master);
    close(pty->slave);
}

/* What a person would call the mode: "icanon echo isig opost" as far as they are on. */
static inline const char *pty_mode(int fd) {
    static char text[64];
    struct termios mode;
    if (tcgetattr(fd, &mode) < 0) return "none";
    snprintf(text, sizeof text, "%s%s%s%s", mode.c_lflag & ICANON ? "icanon " : "", mode.c_lflag & ECHO ? "echo " : "",
             mode.c_lflag & ISIG ? "isig " : "", mode.c_oflag & OPOST ? "opost" : "");
    return text;
}

#define PTY_NORMAL "icanon echo isig opost"
#define PTY_CBREAK "isig opost"
#define PTY_RAW "opost"
#define PTY_BINARY ""

#endif
