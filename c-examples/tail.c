/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Follows a file, as tail -F does: prints what is added to it. It may be truncated, rotated away and replaced, removed,
 * and need not be there yet.
 *
 *     tail [--all] /var/log/syslog
 *
 * Begins at the end of the file, with --all at its beginning. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tail {
    const char *path;
    int fd; /* of the file that is followed; -1: there is none yet */
    off_t at;
};

static void say(struct tail *tail, const char *what) {
    fflush(stdout);
    fprintf(stderr, "tail: %s: %s\n", tail->path, what);
}

/* Prints what has come. */
static void print_rest(struct tail *tail) {
    char bytes[64 * 1024];
    struct stat file;
    ssize_t n;
    if (tail->fd < 0) return;
    if (fstat(tail->fd, &file) == 0 && file.st_size < tail->at) {
        say(tail, "truncated");
        tail->at = 0;
    }
    while ((n = pread(tail->fd, bytes, sizeof bytes, tail->at)) > 0) {
        fwrite(bytes, 1, (size_t)n, stdout);
        tail->at += n;
    }
    fflush(stdout);
}

/* Goes over to the file that has the name now, if it is another one. */
static void open_current(struct tail *tail) {
    struct stat now, followed;
    int fd = open(tail->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return; /* what is written to the old one still comes, until there is a new one */
    if (tail->fd >= 0 && fstat(fd, &now) == 0 && fstat(tail->fd, &followed) == 0 && now.st_dev == followed.st_dev &&
        now.st_ino == followed.st_ino) {
        close(fd);
        return;
    }
    if (tail->fd >= 0) {
        print_rest(tail); /* what came to the old one while we looked */
        close(tail->fd);
        say(tail, "replaced");
    }
    tail->fd = fd;
    tail->at = 0;
    print_rest(tail);
}

static void on_change(rondel_path_watch watch, int64_t what, void *user_data) {
    struct tail *tail = user_data;
    (void)watch;
    print_rest(tail);
    if (what & (RONDEL_WATCH_REMOVED | RONDEL_WATCH_RENAMED) && access(tail->path, F_OK) < 0) say(tail, "gone");
    open_current(tail);
}

int main(int argc, char **argv) {
    struct tail tail = {.fd = -1};
    int all = argc == 3 && !strcmp(argv[1], "--all");
    if (argc != 2 + all || argv[argc - 1][0] == '-') return fprintf(stderr, "usage: tail [--all] FILE\n"), 2;
    tail.path = argv[argc - 1];
    rondel_loop loop = rondel_loop_new();
    /* First the watch, then the look: so nothing is missed in between. */
    rondel_path_watch watch = rondel_watch_start(loop, tail.path, RONDEL_WATCH_MISSING, on_change, &tail);
    if (watch < 0) return say(&tail, rondel_error_message(watch)), 1;
    tail.fd = open(tail.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (tail.fd >= 0 && !all) tail.at = lseek(tail.fd, 0, SEEK_END);
    say(&tail, tail.fd < 0 ? "not there yet" : "followed");
    print_rest(&tail);
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    if (tail.fd >= 0) close(tail.fd);
    return (int)rondel_loop_free(loop);
}
