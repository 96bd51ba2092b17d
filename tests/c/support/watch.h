/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * For tests of watched paths: a folder of the test's own, things done in it, and a diary of what was told. */
#ifndef RONDEL_TEST_WATCH_H
#define RONDEL_TEST_WATCH_H

#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* The test's own folder, and paths in it; several at a time. */
static char room[PATH_MAX / 2];

static inline const char *in_room(const char *name) {
    static char paths[8][PATH_MAX];
    static int next;
    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s%s%s", room, *name ? "/" : "", name);
    return paths[next];
}

static inline void make_room(void) {
    const char *place = getenv("TMPDIR");
    snprintf(room, sizeof room, "%s/rondel-watch-XXXXXX", place ? place : "/tmp");
    CHECK(mkdtemp(room) != NULL);
}

static inline void write_to(const char *name, int flags, const char *text) {
    int fd = open(in_room(name), O_WRONLY | O_CREAT | flags, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    CHECK_EQ(close(fd), 0);
}

static inline void make_file(const char *name) { write_to(name, O_EXCL, "new"); }
static inline void append_to(const char *name) { write_to(name, O_APPEND, "more"); }
static inline void make_folder(const char *name) { CHECK_EQ(mkdir(in_room(name), 0700), 0); }
static inline void move(const char *old, const char *name) { CHECK_EQ(rename(in_room(old), in_room(name)), 0); }
static inline void take_away(const char *name) { CHECK_EQ(remove(in_room(name)), 0); }

static inline void clear_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[PATH_MAX];
        struct stat file;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if ((size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= sizeof below) continue;
        if (lstat(below, &file) == 0 && S_ISDIR(file.st_mode)) clear_folder(below);
        remove(below);
    }
    closedir(folder);
}

/* On Windows a folder that was watched is there until the watch's thread has ended. */
static inline void leave_room(void) {
    int left;
    do {
        clear_folder(room);
        left = rmdir(room);
    } while (left < 0 && ON_WINDOWS);
    CHECK_EQ(left, 0);
}

/* What a watch has told. Paths are kept as they are in the room. */
struct diary {
    rondel_loop loop;
    rondel_path_watch watch;
    char mark[64]; /* the name of a file that nobody makes but until_quiet */
    int64_t calls, what, count;
    struct {
        int64_t what;
        char path[256], old[256];
    } told[4096];
};

enum { SEPARATOR = ON_WINDOWS ? '\\' : '/' };

static inline void put_slashes(char *path) {
    while ((path = strchr(path, SEPARATOR)) != NULL) *path++ = '/';
}

static inline void keep_name(char *name, size_t size, const char *path) {
    size_t length = strlen(room);
    if (!strncmp(path, room, length)) path += length;
    if (*path == '/' || *path == SEPARATOR) path++;
    length = strlen(path);
    REQUIRE(length < size);
    memcpy(name, path, length + 1);
    put_slashes(name);
}

static inline void on_change(rondel_handle watch, int64_t what, void *user_data) {
    struct diary *diary = user_data;
    int64_t all = 0, count = rondel_watch_count(watch);
    CHECK_EQ(watch, diary->watch);
    CHECK(what > 0);
    CHECK(count > 0);
    diary->calls++;
    diary->what |= what;
    for (int64_t i = 0; i < count; i++) {
        char path[PATH_MAX], old[PATH_MAX];
        int64_t one = rondel_watch_what(watch, (size_t)i), length = rondel_watch_path(watch, (size_t)i, path, sizeof path);
        int64_t old_length = rondel_watch_old_path(watch, (size_t)i, old, sizeof old);
        all |= one;
        CHECK_EQ(length, strlen(path));
        CHECK_EQ(old_length, strlen(old));
        CHECK_EQ(old_length > 0, (one & RONDEL_WATCH_RENAMED) != 0);
        if (diary->count == 4096) continue;
        diary->told[diary->count].what = one;
        keep_name(diary->told[diary->count].path, sizeof diary->told[0].path, path);
        keep_name(diary->told[diary->count].old, sizeof diary->told[0].old, old);
        diary->count++;
    }
    CHECK_EQ(all, what);
    CHECK_EQ(rondel_watch_path(watch, (size_t)count, NULL, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_watch_what(watch, (size_t)count), RONDEL_EINVAL);
}

static inline void begin_diary(struct diary *diary, rondel_loop loop, const char *name, int flags) {
    memset(diary, 0, sizeof *diary);
    diary->loop = loop;
    snprintf(diary->mark, sizeof diary->mark, "%s%s.mark", name, *name ? "/" : "");
    diary->watch = rondel_watch_start(loop, in_room(name), flags, on_change, diary);
    CHECK(diary->watch > 0);
}

static inline void forget(struct diary *diary) { diary->what = diary->calls = diary->count = 0; }

/* All that was told of a path. */
static inline int64_t told_of(const struct diary *diary, const char *name) {
    int64_t what = 0;
    for (int64_t i = 0; i < diary->count; i++)
        if (!strcmp(diary->told[i].path, name)) what |= diary->told[i].what;
    return what;
}

static inline int was_renamed(const struct diary *diary, const char *old, const char *name) {
    int count = 0;
    for (int64_t i = 0; i < diary->count; i++)
        count += !strcmp(diary->told[i].path, name) && !strcmp(diary->told[i].old, old);
    return count;
}

/* How many paths were told of. */
static inline int64_t different(const struct diary *diary) {
    int64_t count = 0;
    for (int64_t i = 0; i < diary->count; i++) {
        int64_t j = 0;
        while (strcmp(diary->told[i].path, diary->told[j].path)) j++;
        count += i == j;
    }
    return count;
}

static inline void print_diary(const struct diary *diary) {
    for (int64_t i = 0; i < diary->count; i++)
        fprintf(stderr, "    %3" PRId64 " \"%s\" <- \"%s\"\n", diary->told[i].what, diary->told[i].path, diary->told[i].old);
}

/* Runs the loop until this was told; a test that hangs here says so. */
static inline void until_told(struct diary *diary, const char *name, int64_t what) {
    while ((told_of(diary, name) & what) != what) CHECK(rondel_run(diary->loop, RONDEL_RUN_ONCE) >= 0);
}

static inline void until_renamed(struct diary *diary, const char *old, const char *name) {
    while (!was_renamed(diary, old, name)) CHECK(rondel_run(diary->loop, RONDEL_RUN_ONCE) >= 0);
}

/* What a thread tells comes when it comes, but in order: nothing that was before the mark comes after it. */
static inline void until_marked(struct diary *diary) {
    int64_t kept = 0;
    make_file(diary->mark);
    until_told(diary, diary->mark, RONDEL_WATCH_CREATED);
    take_away(diary->mark);
    until_told(diary, diary->mark, RONDEL_WATCH_REMOVED);
    diary->what = 0;
    for (int64_t i = 0; i < diary->count; i++) {
        if (!strcmp(diary->told[i].path, diary->mark)) continue;
        diary->what |= diary->told[i].what;
        diary->told[kept++] = diary->told[i];
    }
    diary->count = kept;
}

/* Whatever has happened by now is told when this returns. */
static inline void until_quiet(struct diary *diary) {
    if (ON_WINDOWS) {
        until_marked(diary);
        return;
    }
    for (int64_t calls = -1; calls != diary->calls;) {
        calls = diary->calls;
        for (int i = 0; i < 4; i++) CHECK(rondel_run(diary->loop, RONDEL_RUN_NOWAIT) >= 0);
    }
}

static inline void end_diary(struct diary *diary) {
    CHECK_EQ(rondel_close(diary->watch), 0);
    CHECK_EQ(rondel_run(diary->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(diary->loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(diary->loop), 0);
    leave_room();
}

#endif
