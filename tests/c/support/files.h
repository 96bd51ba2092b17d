/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of files share: a folder of the test's own, looks at files by plain system calls, and a way to keep the
 * pool's only thread for files busy for as long as a test likes. */
#ifndef RONDEL_TEST_FILES_H
#define RONDEL_TEST_FILES_H

#include "futures.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The folder, and names in it. */
static char files_folder[256];

static inline const char *in_folder(const char *name) {
    static char paths[16][1024];
    static int next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", files_folder, name);
    return path;
}

/* Begins a test with an empty folder and a loop. */
static inline rondel_loop files_begin(void) {
    const char *where = getenv("TMPDIR");
    snprintf(files_folder, sizeof files_folder, "%s/rondel-files-XXXXXX", where ? where : "/tmp");
    CHECK(mkdtemp(files_folder) != NULL);
    umask(022);
    return rondel_loop_new();
}

static inline void files_remove_all(const char *path) {
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        chmod(path, 0700);
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
            char name[2048];
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            CHECK(length > 0 && (size_t)length < sizeof name);
            files_remove_all(name);
        }
        if (folder) closedir(folder);
        CHECK_EQ(rmdir(path), 0);
    } else {
        CHECK_EQ(unlink(path), 0);
    }
}

static inline void files_end(rondel_loop loop) {
    nothing_left(loop);
    files_remove_all(files_folder);
}

/* Runs the loop until an operation is done, and gives its result. */
static inline int64_t result_of(rondel_future future) {
    return future < 0 ? future : rondel_run_until(rondel_loop_of(future), future);
}

/* Opens a file in the test's folder. */
static inline rondel_file open_now(rondel_loop loop, const char *name, int flags) {
    return result_of(rondel_file_open(loop, in_folder(name), flags, 0644, RONDEL_FUTURE));
}

static inline void close_now(rondel_file file) { CHECK_EQ(result_of(rondel_file_close(file, RONDEL_FUTURE)), 0); }

/* Makes a file of these bytes by plain system calls. */
static inline void put_file(const char *name, const char *text) {
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* What is in a file, as a C string. */
static inline const char *file_text(const char *name) {
    static char text[1 << 16];
    int fd = open(in_folder(name), O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n < 0 ? 0 : n] = 0;
    return n < 0 ? "(no such file)" : text;
}

static inline int64_t size_of_file(const char *name) {
    struct stat about;
    return stat(in_folder(name), &about) == 0 ? (int64_t)about.st_size : -errno;
}

/* How many names are in the folder. */
static inline int names_in(const char *path) {
    int count = -2;
    DIR *folder = opendir(path);
    if (!folder) return -1;
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* Waits until the pool has done so much in all with files, which the loop has not heard of yet. */
/* How many operations are done, once no thread is at one: it counts one a moment after it was told of. */
static inline int64_t done_so_far(void) {
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_IDLE) <
           rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_THREADS))
        sched_yield();
    return rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
}

static inline void wait_for_done(int64_t done) {
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE) < done) sched_yield();
}

/* Keeps the pool's only thread for files busy: a read that ends when the test says so. What is started meanwhile waits
 * in the pool's queue. */
struct busy {
    int64_t size_before;
    int end;
    rondel_file pipe;
    char byte;
    struct seen seen;
};

static inline void busy_begin(struct busy *busy, rondel_loop loop) {
    int ends[2];
    memset(busy, 0, sizeof *busy);
    busy->size_before = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 1), 1);
    CHECK_EQ(pipe(ends), 0);
    busy->end = ends[1];
    busy->pipe = rondel_file_open_fd(loop, ends[0]);
    CHECK(rondel_file_read(busy->pipe, &busy->byte, 1, RONDEL_POSITION, see, &busy->seen) > 0);
    /* The thread has it when nothing waits for one any more. */
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) > 0) usleep(1000);
}

/* Lets the thread go on. The read completes as the loop runs. */
static inline void busy_let_go(struct busy *busy) {
    CHECK_EQ(write(busy->end, "x", 1), 1);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, busy->size_before), busy->size_before);
}

static inline void busy_end(struct busy *busy) {
    close(busy->end);
    close_now(busy->pipe);
    CHECK_EQ(busy->seen.calls, 1);
}

#endif
