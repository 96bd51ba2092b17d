/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of files, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_FILE_H
#define RONDEL_TEST_CALLS_FILE_H

#include "test.h"

#include <fcntl.h>

#define FILES KIND_BIT(RONDEL_KIND_FILE)

static rondel_stat call_stat;
static rondel_statfs call_statfs;
static rondel_dirent call_dirent;
static char call_file_bytes[8];
static const rondel_room call_room = {call_file_bytes, sizeof call_file_bytes};

#define CALLS_OF_FILES(CALL)                                                                                           \
    CALL(future_bytes, FUTURES, (h, NULL))                                                                             \
    CALL(dir_entry, FUTURES, (h, 0, &call_dirent))                                                                     \
    CALL(file_open, LOOPS, (h, "/", RONDEL_OPEN_READ, 0, call_fn, &call_seen))                                         \
    CALL(file_open_fd, LOOPS, (h, INT32_MAX))                                                                          \
    CALL(file_close, FILES, (h, call_fn, &call_seen))                                                                  \
    CALL(file_read, FILES, (h, call_bytes, 1, 0, call_fn, &call_seen))                                                 \
    CALL(file_readv, FILES, (h, &call_room, 1, 0, call_fn, &call_seen))                                                \
    CALL(file_write, FILES, (h, call_bytes, 1, 0, call_fn, &call_seen))                                                \
    CALL(file_writev, FILES, (h, &call_buffer, 1, 0, call_fn, &call_seen))                                             \
    CALL(file_fstat, FILES, (h, &call_stat, call_fn, &call_seen))                                                      \
    CALL(file_truncate, FILES, (h, 0, call_fn, &call_seen))                                                            \
    CALL(file_sync, FILES, (h, call_fn, &call_seen))                                                                   \
    CALL(file_datasync, FILES, (h, call_fn, &call_seen))                                                               \
    CALL(file_fchmod, FILES, (h, 0600, call_fn, &call_seen))                                                           \
    CALL(file_fchown, FILES, (h, -1, -1, call_fn, &call_seen))                                                         \
    CALL(file_futime, FILES, (h, RONDEL_TIME_OMIT, RONDEL_TIME_OMIT, call_fn, &call_seen))                             \
    CALL(file_stat, LOOPS, (h, "/nowhere/at-all", &call_stat, call_fn, &call_seen))                                    \
    CALL(file_lstat, LOOPS, (h, "/nowhere/at-all", &call_stat, call_fn, &call_seen))                                   \
    CALL(file_statfs, LOOPS, (h, "/nowhere/at-all", &call_statfs, call_fn, &call_seen))                                \
    CALL(file_realpath, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                            \
    CALL(file_readlink, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                            \
    CALL(file_unlink, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                              \
    CALL(file_rename, LOOPS, (h, "/nowhere/at-all", "/nowhere/else", call_fn, &call_seen))                             \
    CALL(file_link, LOOPS, (h, "/nowhere/at-all", "/nowhere/else", call_fn, &call_seen))                               \
    CALL(file_symlink, LOOPS, (h, "/nowhere/at-all", "/nowhere/else", 0, call_fn, &call_seen))                         \
    CALL(file_access, LOOPS, (h, "/nowhere/at-all", 0, call_fn, &call_seen))                                           \
    CALL(file_chmod, LOOPS, (h, "/nowhere/at-all", 0600, call_fn, &call_seen))                                         \
    CALL(file_chown, LOOPS, (h, "/nowhere/at-all", -1, -1, call_fn, &call_seen))                                       \
    CALL(file_lchown, LOOPS, (h, "/nowhere/at-all", -1, -1, call_fn, &call_seen))                                      \
    CALL(file_utime, LOOPS, (h, "/nowhere/at-all", 0, 0, call_fn, &call_seen))                                         \
    CALL(file_lutime, LOOPS, (h, "/nowhere/at-all", 0, 0, call_fn, &call_seen))                                        \
    CALL(file_slurp, LOOPS, (h, "/nowhere/at-all", 0, call_fn, &call_seen))                                            \
    CALL(file_spew, LOOPS, (h, "/nowhere/at-all", "x", 1, 0600, call_fn, &call_seen))                                  \
    CALL(file_copy, LOOPS, (h, "/nowhere/at-all", "/nowhere/else", 0, call_fn, &call_seen))                            \
    CALL(dir_make, LOOPS, (h, "/nowhere/at-all", 0700, call_fn, &call_seen))                                           \
    CALL(dir_remove, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                               \
    CALL(dir_remove_all, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                           \
    CALL(dir_scan, LOOPS, (h, "/nowhere/at-all", call_fn, &call_seen))                                                 \
    CALL(dir_read, FILES, (h, 1, call_fn, &call_seen))                                                                 \
    CALL(dir_make_all, LOOPS, (h, "/dev/null/at-all", 0700, call_fn, &call_seen))                                      \
    CALL(dir_make_temp, LOOPS, (h, "/nowhere/XXXXXX", call_fn, &call_seen))                                            \
    CALL(file_make_temp, LOOPS, (h, "/nowhere/XXXXXX", call_fn, &call_seen))

#define MAKES_OF_FILES(MAKE) MAKE(FILE, rondel_file_open_fd(loop, open("/dev/null", O_RDWR)))

#endif
