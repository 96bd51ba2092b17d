/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How files come to be open. */
#include "support/test.h"

#include "support/files.h"

#include <sys/resource.h>

enum { READ = RONDEL_OPEN_READ, WRITE = RONDEL_OPEN_WRITE, CREATE = RONDEL_OPEN_CREATE };

TEST(flags_say_what_opening_does) {
    rondel_loop loop = files_begin();
    put_file("full", "text");
    CHECK_EQ(open_now(loop, "none", READ), RONDEL_ENOENT);
    CHECK_EQ(open_now(loop, "none", WRITE), RONDEL_ENOENT);
    CHECK_EQ(open_now(loop, "full", WRITE | CREATE | RONDEL_OPEN_EXCLUSIVE), RONDEL_EEXIST);
    rondel_file file = open_now(loop, "full", WRITE | CREATE);
    CHECK_STR(file_text("full"), "text");
    char byte;
    CHECK_EQ(result_of(rondel_file_read(file, &byte, 1, 0, RONDEL_FUTURE)), RONDEL_EBADF);
    close_now(file);
    file = open_now(loop, "full", READ);
    CHECK_EQ(result_of(rondel_file_write(file, "x", 1, 0, RONDEL_FUTURE)), RONDEL_EBADF);
    close_now(file);
    close_now(open_now(loop, "full", WRITE | RONDEL_OPEN_TRUNCATE));
    CHECK_EQ(size_of_file("full"), 0);
    close_now(open_now(loop, "new", RONDEL_OPEN_APPEND | CREATE | RONDEL_OPEN_EXCLUSIVE | RONDEL_OPEN_SYNC));
    CHECK_EQ(size_of_file("new"), 0);
    CHECK_EQ(symlink("full", in_folder("link")), 0);
    close_now(open_now(loop, "link", READ));
    CHECK_EQ(open_now(loop, "link", READ | RONDEL_OPEN_NOFOLLOW), RONDEL_ELOOP);
    CHECK_EQ(open_now(loop, "full", READ | RONDEL_OPEN_FOLDER), RONDEL_ENOTDIR);
    close_now(open_now(loop, ".", READ | RONDEL_OPEN_FOLDER));
    files_end(loop);
}

TEST(a_new_file_has_the_permissions_asked_for_less_the_mask) {
    rondel_loop loop = files_begin();
    struct stat about;
    umask(027);
    close_now(result_of(rondel_file_open(loop, in_folder("a"), WRITE | CREATE, 0777, RONDEL_FUTURE)));
    CHECK_EQ(stat(in_folder("a"), &about), 0);
    CHECK_EQ(about.st_mode & 07777, 0750);
    files_end(loop);
}

TEST(descriptors_are_not_inherited) {
    rondel_loop loop = files_begin();
    rondel_file file = open_now(loop, "a", WRITE | CREATE);
    CHECK_EQ(fcntl((int)rondel_fileno(file), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close_now(file);
    files_end(loop);
}

TEST(a_descriptor_of_the_callers_can_be_taken_over) {
    rondel_loop loop = files_begin();
    char got[4] = "";
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    rondel_file from = rondel_file_open_fd(loop, ends[0]), to = rondel_file_open_fd(loop, ends[1]);
    CHECK_EQ(rondel_fileno(from), ends[0]);
    CHECK_EQ(result_of(rondel_file_write(to, "abc", 3, RONDEL_POSITION, RONDEL_FUTURE)), 3);
    CHECK_EQ(result_of(rondel_file_read(from, got, 4, RONDEL_POSITION, RONDEL_FUTURE)), 3);
    CHECK_STR(got, "abc");
    CHECK_EQ(result_of(rondel_file_read(from, got, 4, 0, RONDEL_FUTURE)), RONDEL_ESPIPE);
    close_now(to);
    CHECK_EQ(result_of(rondel_file_read(from, got, 4, RONDEL_POSITION, RONDEL_FUTURE)), 0);
    close_now(from);
    CHECK_EQ(fcntl(ends[0], F_GETFD), -1);
    const int64_t bad[] = {-1, INT32_MAX, INT64_MAX, INT64_MIN, ends[0]};
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_file_open_fd(loop, bad[i]), RONDEL_EBADF);
    /* One that appends is known to, though another opened it so. */
    put_file("a", "12");
    rondel_file log = rondel_file_open_fd(loop, open(in_folder("a"), O_WRONLY | O_APPEND));
    CHECK_EQ(result_of(rondel_file_write(log, "3", 1, 0, RONDEL_FUTURE)), 1);
    CHECK_STR(file_text("a"), "123");
    close_now(log);
    files_end(loop);
}

TEST(opening_a_fifo_waits_for_nobody) {
    rondel_loop loop = files_begin();
    char byte;
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(open_now(loop, "fifo", WRITE), RONDEL_ENXIO);
    rondel_file from = open_now(loop, "fifo", READ);
    CHECK(from > 0);
    rondel_file to = open_now(loop, "fifo", WRITE);
    CHECK(to > 0);
    CHECK_EQ(result_of(rondel_file_read(from, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE)), RONDEL_EAGAIN);
    CHECK_EQ(result_of(rondel_file_write(to, "x", 1, RONDEL_POSITION, RONDEL_FUTURE)), 1);
    CHECK_EQ(result_of(rondel_file_read(from, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE)), 1);
    close_now(to);
    CHECK_EQ(result_of(rondel_file_read(from, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE)), 0);
    close_now(from);
    files_end(loop);
}

TEST(out_of_descriptors_is_an_error_and_the_loop_goes_on) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    close_now(open_now(loop, "a", READ)); /* whatever the pool needs is there */
    struct rlimit before, none;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int fd = dup(0); /* the lowest number that is free */
    none.rlim_cur = (rlim_t)fd;
    close(fd);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    int64_t refused = open_now(loop, "a", READ);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_EQ(refused, RONDEL_EMFILE);
    close_now(open_now(loop, "a", READ));
    files_end(loop);
}

TEST(a_file_nobody_takes_is_closed) {
    rondel_loop loop = files_begin();
    put_file("a", "x");
    CHECK(rondel_file_open(loop, in_folder("a"), READ, 0, NULL, NULL) > 0);
    rondel_future dropped = rondel_file_open(loop, in_folder("a"), READ, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(dropped), 0);
    rondel_future kept = rondel_file_open(loop, in_folder("a"), READ, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_release(kept), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    files_end(loop);
}

TEST(errors_of_the_system_come_as_their_own_codes) {
    rondel_loop loop = files_begin();
    char byte = 'x', name[300];
    rondel_file file = open_now(loop, ".", READ);
    CHECK_EQ(result_of(rondel_file_read(file, &byte, 1, 0, RONDEL_FUTURE)), RONDEL_EISDIR);
    close_now(file);
    CHECK_EQ(open_now(loop, ".", WRITE), RONDEL_EISDIR);
    put_file("a", "x");
    CHECK_EQ(open_now(loop, "a/b", READ), RONDEL_ENOTDIR);
    CHECK_EQ(result_of(rondel_file_open(loop, "", READ, 0, RONDEL_FUTURE)), RONDEL_ENOENT);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK_EQ(open_now(loop, name, READ), RONDEL_ENAMETOOLONG);
    CHECK_EQ(symlink("loop", in_folder("loop")), 0);
    CHECK_EQ(open_now(loop, "loop", READ), RONDEL_ELOOP);
    if (getuid() != 0) {
        CHECK_EQ(chmod(in_folder("a"), 0), 0);
        CHECK_EQ(open_now(loop, "a", READ), RONDEL_EACCES);
    }
    if (access("/dev/full", W_OK) == 0) {
        file = result_of(rondel_file_open(loop, "/dev/full", WRITE, 0, RONDEL_FUTURE));
        CHECK_EQ(result_of(rondel_file_write(file, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE)), RONDEL_ENOSPC);
        close_now(file);
    }
    files_end(loop);
}

TEST_MAIN(RUN(flags_say_what_opening_does), RUN(a_new_file_has_the_permissions_asked_for_less_the_mask),
          RUN(descriptors_are_not_inherited), RUN(a_descriptor_of_the_callers_can_be_taken_over),
          RUN(opening_a_fifo_waits_for_nobody), RUN(out_of_descriptors_is_an_error_and_the_loop_goes_on),
          RUN(a_file_nobody_takes_is_closed), RUN(errors_of_the_system_come_as_their_own_codes))
