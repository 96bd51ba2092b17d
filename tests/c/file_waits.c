/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files that could keep one waiting, fifos and terminals: nothing waits here, nothing is lost, and programs that are
 * given one wait as they expect to. */
#include "support/test.h"

#include "support/files.h"
#include "support/process.h"
#include "support/pty.h"

enum { READ = RONDEL_OPEN_READ, WRITE = RONDEL_OPEN_WRITE, CREATE = RONDEL_OPEN_CREATE, MUCH = 200000 };

/* A fifo that is open to be written to as a file, and somebody who could read from it. */
struct fifo {
    rondel_loop loop;
    rondel_file file;
    int reader;
};

static void fifo_begin(struct fifo *fifo) {
    fifo->loop = files_begin();
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    fifo->reader = open(in_folder("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    fifo->file = open_now(fifo->loop, "fifo", WRITE);
    CHECK(fifo->file > 0);
}

static void fifo_end(struct fifo *fifo) {
    close(fifo->reader);
    if (fifo->file > 0) close_now(fifo->file);
    CHECK_EQ(rondel_run(fifo->loop, RONDEL_RUN_DEFAULT), 0);
    files_end(fifo->loop);
}

/* Checks that what came is the start of `bytes`, or that only those came; gives how many there were. */
static int64_t came(const struct fifo *fifo, const char *bytes) {
    static char piece[1 << 16];
    int64_t all = 0;
    for (ssize_t n; (n = read(fifo->reader, piece, sizeof piece)) > 0; all += n)
        CHECK(memcmp(piece, bytes + all, (size_t)n) == 0);
    return all;
}

static const char *much(void) {
    static char bytes[MUCH];
    for (int i = 0; i < MUCH; i++) bytes[i] = (char)(i * 7 + i / 256);
    return bytes;
}

static int waits(rondel_file file) { return !(fcntl((int)rondel_fileno(file), F_GETFL) & O_NONBLOCK); }

TEST(a_write_that_does_not_fit_tells_how_much_went) {
    struct fifo fifo;
    const char *bytes = much();
    fifo_begin(&fifo);
    int64_t went = result_of(rondel_file_write(fifo.file, bytes, MUCH, RONDEL_POSITION, RONDEL_FUTURE));
    CHECK(went > 0 && went < MUCH);
    CHECK_EQ(result_of(rondel_file_write(fifo.file, bytes, MUCH, RONDEL_POSITION, RONDEL_FUTURE)), RONDEL_EAGAIN);
    CHECK_EQ(came(&fifo, bytes), went);
    /* The rest in turn, until all is there. */
    while (went < MUCH) {
        size_t left = (size_t)(MUCH - went);
        int64_t more = result_of(rondel_file_write(fifo.file, bytes + went, left, RONDEL_POSITION, RONDEL_FUTURE));
        CHECK(more > 0);
        if (more <= 0) break;
        CHECK_EQ(came(&fifo, bytes + went), more);
        went += more;
    }
    fifo_end(&fifo);
}

TEST(pieces_that_do_not_fit_tell_how_much_went) {
    enum { PIECES = 40 };
    struct fifo fifo;
    const char *bytes = much();
    rondel_buffer pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) pieces[i].bytes = bytes + i * (MUCH / PIECES), pieces[i].length = MUCH / PIECES;
    fifo_begin(&fifo);
    int64_t went = result_of(rondel_file_writev(fifo.file, pieces, PIECES, RONDEL_POSITION, RONDEL_FUTURE));
    CHECK(went > 0 && went < MUCH);
    CHECK_EQ(came(&fifo, bytes), went);
    fifo_end(&fifo);
}

TEST(a_reader_that_goes_is_an_error_and_no_signal) {
    struct fifo fifo;
    fifo_begin(&fifo);
    close(fifo.reader);
    CHECK_EQ(result_of(rondel_file_write(fifo.file, "x", 1, RONDEL_POSITION, RONDEL_FUTURE)), RONDEL_EPIPE);
    fifo.reader = -1;
    fifo_end(&fifo);
}

TEST(a_terminal_with_nothing_to_read_says_so_at_once) {
    rondel_loop loop = files_begin();
    struct pty pty;
    char bytes[16] = "";
    if (!pty_open(&pty)) SKIP("no pseudo-terminals");
    rondel_file file = result_of(rondel_file_open(loop, pty.name, READ | WRITE, 0, RONDEL_FUTURE));
    CHECK_EQ(result_of(rondel_file_read(file, bytes, 16, RONDEL_POSITION, RONDEL_FUTURE)), RONDEL_EAGAIN);
    CHECK_EQ(write(pty.master, "line\n", 5), 5);
    CHECK_EQ(result_of(rondel_file_read(file, bytes, 16, RONDEL_POSITION, RONDEL_FUTURE)), 5);
    CHECK_STR(bytes, "line\n");
    close_now(file);
    pty_close(&pty);
    files_end(loop);
}

static rondel_process spawn_with(rondel_loop loop, const char *script, int number, int64_t fd) {
    struct command command;
    command_of(&command, script);
    command_stdio(&command, number, RONDEL_STDIO_FD)->fd = fd;
    return spawn_command(loop, &command, NULL, NULL);
}

TEST(a_program_waits_for_room_in_the_fifo_it_is_given) {
    struct fifo fifo;
    static char bytes[1 << 16];
    int64_t all = 0;
    fifo_begin(&fifo);
    CHECK(!waits(fifo.file));
    rondel_process process = spawn_with(fifo.loop, "head -c 300000 /dev/zero", 1, rondel_fileno(fifo.file));
    CHECK(process > 0);
    CHECK(waits(fifo.file));
    close_now(fifo.file);
    fifo.file = 0;
    CHECK_EQ(fcntl(fifo.reader, F_SETFL, 0), 0); /* this end waits, too */
    for (ssize_t n; (n = read(fifo.reader, bytes, sizeof bytes)) > 0; all += n) continue;
    CHECK_EQ(all, 300000);
    CHECK_EQ(end_of(process), 0);
    fifo_end(&fifo);
}

TEST(a_program_waits_for_what_comes_of_the_fifo_it_is_given) {
    struct fifo fifo;
    fifo_begin(&fifo);
    rondel_file from = open_now(fifo.loop, "fifo", READ);
    rondel_process process = spawn_with(fifo.loop, "read line && test \"$line\" = hello", 0, rondel_fileno(from));
    CHECK(process > 0);
    CHECK(waits(from));
    CHECK_EQ(result_of(rondel_file_write(fifo.file, "hello\n", 6, RONDEL_POSITION, RONDEL_FUTURE)), 6);
    CHECK_EQ(end_of(process), 0);
    close_now(from);
    fifo_end(&fifo);
}

TEST(a_program_that_inherits_a_number_waits_too) {
    struct fifo fifo;
    fifo_begin(&fifo);
    int number = (int)rondel_fileno(fifo.file);
    struct command command;
    rondel_stdio stdio[1024];
    char script[64];
    snprintf(script, sizeof script, "echo through > /dev/fd/%d", number);
    memset(stdio, 0, sizeof stdio); /* RONDEL_STDIO_INHERIT */
    for (int i = 3; i < number; i++) stdio[i].kind = RONDEL_STDIO_CLOSED;
    command_of(&command, script)->stdio = stdio;
    command.options.stdio_count = (size_t)number + 1;
    CHECK_EQ(end_of(spawn_command(fifo.loop, &command, NULL, NULL)), 0);
    CHECK_EQ(came(&fifo, "through\n"), 8);
    CHECK(waits(fifo.file));
    fifo_end(&fifo);
}

TEST(files_of_all_kinds_wait_in_programs) {
    rondel_loop loop = files_begin();
    put_file("a", "text");
    rondel_file file = open_now(loop, "a", READ);
    CHECK_EQ(end_of(spawn_with(loop, "test $(cat) = text", 0, rondel_fileno(file))), 0);
    CHECK(waits(file));
    CHECK_EQ(end_of(spawn_with(loop, "test -z \"$(cat)\"", 0, rondel_fileno(file))), 0); /* again, at its end */
    CHECK(waits(file));
    close_now(file);
    files_end(loop);
}

TEST(where_no_program_starts_nothing_waits) {
    struct fifo fifo;
    struct command command;
    fifo_begin(&fifo);
    command_of(&command, "")->file = "/none";
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = rondel_fileno(fifo.file);
    CHECK_EQ(spawn_command(fifo.loop, &command, NULL, NULL), RONDEL_ENOENT);
    CHECK(!waits(fifo.file));
    /* A program that has it already goes on to wait. */
    CHECK_EQ(end_of(spawn_with(fifo.loop, "true", 1, rondel_fileno(fifo.file))), 0);
    CHECK_EQ(spawn_command(fifo.loop, &command, NULL, NULL), RONDEL_ENOENT);
    CHECK(waits(fifo.file));
    fifo_end(&fifo);
}

TEST(a_descriptor_of_the_callers_stays_as_it_is) {
    rondel_loop loop = files_begin();
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    rondel_file file = rondel_file_open_fd(loop, ends[1]);
    CHECK_EQ(end_of(spawn_with(loop, "echo said", 1, ends[1])), 0);
    CHECK(!waits(file));
    int64_t went = result_of(rondel_file_write(file, much(), MUCH, RONDEL_POSITION, RONDEL_FUTURE));
    CHECK(went > 0 && went < MUCH);
    close_now(file);
    close(ends[0]);
    files_end(loop);
}

TEST_MAIN(RUN(a_write_that_does_not_fit_tells_how_much_went), RUN(pieces_that_do_not_fit_tell_how_much_went),
          RUN(a_reader_that_goes_is_an_error_and_no_signal), RUN(a_terminal_with_nothing_to_read_says_so_at_once),
          RUN(a_program_waits_for_room_in_the_fifo_it_is_given),
          RUN(a_program_waits_for_what_comes_of_the_fifo_it_is_given), RUN(a_program_that_inherits_a_number_waits_too),
          RUN(files_of_all_kinds_wait_in_programs), RUN(where_no_program_starts_nothing_waits),
          RUN(a_descriptor_of_the_callers_stays_as_it_is))
