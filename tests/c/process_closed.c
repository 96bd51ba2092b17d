/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Programs without standard descriptors. */
#include "support/test.h"

#include "support/child.h"
#include "support/process.h"

/* Started as by `program <&- >&- 2>&-`. */
static int without_standard_descriptors(void *closed) {
    struct stat null, own;
    struct command command;
    int kept = fcntl(2, F_DUPFD_CLOEXEC, 10), which = *(const int *)closed;
    for (int number = 0; number < 3; number++)
        if (which & 1 << number) close(number);
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(stat("/dev/null", &null), 0);
    for (int number = 0; number < 3; number++) {
        CHECK_EQ(fstat(number, &own), 0);
        if (which & 1 << number) CHECK_EQ(own.st_rdev, null.st_rdev);
        if (which & 1 << number) CHECK_EQ(fcntl(number, F_GETFD), 0); /* for programs that others start, too */
    }
    CHECK(rondel_backend_fd(loop) > 2);
    command_of(&command, "readlink /proc/self/fd/0 >&3");
    const char *said = said_by(loop, &command, 3);
    if (which & 1) CHECK_STR(said, "/dev/null");
    free_childless(loop);
    dup2(kept, 2);
    return 0;
}

TEST(a_program_without_standard_descriptors_gets_nothing_of_ours_for_them) {
    static struct child child;
    for (int closed = 1; closed < 8; closed++) {
        child_start(&child, without_standard_descriptors, &closed);
        child_ends_with(&child, 0);
    }
}

TEST_MAIN(RUN(a_program_without_standard_descriptors_gets_nothing_of_ours_for_them))
