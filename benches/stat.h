/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The work of the stat benchmark, the same for every library: what is known of each of ten thousand files, asked on the
 * worker threads and told on the loop. Each program defines how one is asked and how the loop runs, and includes this
 * for the rest. */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include "common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAT_THREADS = 4 };

/* Per library: */
static void stat_open(void);
static void stat_ask(size_t index); /* asks for file_path(index); the answer calls stat_done */
static void stat_run(void);         /* until all have been answered */

static char files_folder[] = "/tmp/rondel-bench-XXXXXX";
static size_t files_count, files_asked, files_answered;

static inline const char *file_path(size_t index) {
    static char path[sizeof files_folder + 32];
    snprintf(path, sizeof path, "%s/file-%06zu", files_folder, index);
    return path;
}

/* An answer, and the next question if there is one. */
static inline void stat_done(int64_t result, uint64_t size) {
    if (result || size != 3) fail("stat");
    files_answered++;
    if (files_asked < files_count) stat_ask(files_asked++);
}

static void ask_all(size_t at_once) {
    files_asked = files_answered = 0;
    while (files_asked < at_once) stat_ask(files_asked++);
    stat_run();
    if (files_answered != files_count) fail("an answer was lost");
}

/* Asks for all files so many times, as the shorter it takes the more chance there is in it. */
static void measure(const char *name, size_t at_once, int times, int last) {
    double asked = (double)files_count * times;
    int64_t cpu = cpu_ns(), wall = wall_ns();
    for (int time = 0; time < times; time++) ask_all(at_once);
    wall = wall_ns() - wall;
    cpu = cpu_ns() - cpu;
    printf("\"%s wall\": %.1f, \"%s cpu\": %.1f%s", name, (double)wall / asked, name, (double)cpu / asked,
           last ? "}\n" : ", ");
}

/* stat_<library> FILES: nanoseconds a file. */
int main(int argc, char **argv) {
    files_count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    if (!mkdtemp(files_folder)) fail("mkdtemp");
    for (size_t i = 0; i < files_count; i++) {
        int fd = open(file_path(i), O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write(fd, "abc", 3) != 3) fail("write");
        close(fd);
    }
    stat_open();
    ask_all(files_count); /* the threads are there, and the names known */
    printf("{");
    measure("all at once", files_count, 20, 0);
    measure("16 at a time", 16, 5, 0);
    measure("one at a time", 1, 1, 1);
    for (size_t i = 0; i < files_count; i++) unlink(file_path(i));
    rmdir(files_folder);
    return 0;
}

#endif
