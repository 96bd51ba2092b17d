/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Folders that are read piece by piece. */
#include "support/test.h"

#include "support/files.h"

enum { READ = RONDEL_OPEN_READ, FOLDER = RONDEL_OPEN_READ | RONDEL_OPEN_FOLDER };

static void make_files(int from, int to) {
    char name[32];
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof name, "%d", i);
        put_file(name, "");
    }
}

/* Notes how often each number came among the names of a read that is done, and releases it. */
static void note_names(rondel_future read, uint8_t *times, int most) {
    rondel_dirent entry;
    int64_t count = rondel_future_result(read);
    for (int64_t i = 0; i < count; i++) {
        CHECK_EQ(rondel_dir_entry(read, (size_t)i, &entry), 0);
        CHECK_EQ(strlen(entry.name), entry.length);
        CHECK(entry.type == RONDEL_FILE_REGULAR || entry.type == RONDEL_FILE_UNKNOWN);
        int number = atoi(entry.name);
        CHECK(number >= 0 && number < most);
        times[number]++;
    }
    CHECK_EQ(rondel_dir_entry(read, (size_t)count, &entry), RONDEL_EINVAL);
    CHECK_EQ(rondel_release(read), 0);
}

/* Reads up to `most` names and notes them; gives how many came. */
static int64_t read_some(rondel_file folder, int64_t most, uint8_t *times, int numbers) {
    rondel_future read = rondel_dir_read(folder, most, RONDEL_FUTURE);
    CHECK(read > 0);
    if (read <= 0) return read;
    while (rondel_future_result(read) == RONDEL_EAGAIN) CHECK(rondel_run(rondel_loop_of(folder), RONDEL_RUN_ONCE) >= 0);
    int64_t count = rondel_future_result(read);
    note_names(read, times, numbers);
    return count;
}

TEST(pieces_have_each_name_once) {
    enum { MANY = 1000 };
    uint8_t times[MANY] = {0};
    rondel_loop loop = files_begin();
    make_files(0, MANY);
    rondel_file folder = open_now(loop, "", FOLDER);
    CHECK_EQ(rondel_kind(folder), RONDEL_KIND_FILE);
    int64_t count, all = 0;
    while ((count = read_some(folder, 7, times, MANY)) > 0) {
        CHECK(count <= 7);
        all += count;
    }
    CHECK_EQ(count, 0);
    CHECK_EQ(all, MANY);
    for (int i = 0; i < MANY; i++) CHECK_EQ(times[i], 1);
    CHECK_EQ(read_some(folder, 7, times, MANY), 0); /* it stays at the end */
    make_files(0, 1);
    CHECK_EQ(read_some(folder, 7, times, MANY), 0);
    close_now(folder);
    files_end(loop);
}

TEST(all_that_is_left_may_be_asked_for_at_once) {
    enum { MANY = 500 };
    uint8_t times[MANY] = {0};
    rondel_loop loop = files_begin();
    make_files(0, MANY);
    rondel_file folder = open_now(loop, "", FOLDER);
    CHECK_EQ(read_some(folder, 1, times, MANY), 1);
    CHECK_EQ(read_some(folder, INT64_MAX, times, MANY), MANY - 1);
    for (int i = 0; i < MANY; i++) CHECK_EQ(times[i], 1);
    CHECK_EQ(read_some(folder, 1, times, MANY), 0);
    close_now(folder);
    files_end(loop);
}

TEST(names_have_their_types) {
    if (ON_WINDOWS) SKIP("makes links and FIFOs");
    rondel_loop loop = files_begin();
    rondel_dirent entry;
    CHECK_EQ(mkdir(in_folder("folder"), 0700), 0);
    CHECK_EQ(mkfifo(in_folder("fifo"), 0600), 0);
    CHECK_EQ(symlink("none", in_folder("link")), 0);
    put_file("..x", "x"), put_file("\xff odd\nname", "");
    const char *const names[] = {"..x", "fifo", "folder", "link", "\xff odd\nname"};
    const int64_t types[] = {RONDEL_FILE_REGULAR, RONDEL_FILE_FIFO, RONDEL_FILE_FOLDER, RONDEL_FILE_LINK,
                             RONDEL_FILE_REGULAR};
    int times[5] = {0};
    rondel_file folder = open_now(loop, "", READ);
    rondel_future read = rondel_dir_read(folder, 100, RONDEL_FUTURE);
    CHECK_EQ(rondel_dir_entry(read, 0, &entry), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(read), 5);
    for (size_t i = 0; i < 5; i++) {
        CHECK_EQ(rondel_dir_entry(read, i, &entry), 0);
        for (int j = 0; j < 5; j++) {
            if (strcmp(entry.name, names[j]) != 0) continue;
            times[j]++;
            CHECK(entry.type == types[j] || entry.type == RONDEL_FILE_UNKNOWN);
        }
    }
    for (int j = 0; j < 5; j++) CHECK_EQ(times[j], 1);
    CHECK_EQ(rondel_release(read), 0);
    close_now(folder);
    files_end(loop);
}

TEST(an_empty_folder_is_at_its_end) {
    rondel_loop loop = files_begin();
    rondel_file folder = open_now(loop, "", FOLDER);
    CHECK_EQ(read_some(folder, 10, NULL, 0), 0);
    CHECK_EQ(read_some(folder, 10, NULL, 0), 0);
    close_now(folder);
    files_end(loop);
}

TEST(each_open_folder_begins_at_the_start) {
    enum { MANY = 20 };
    uint8_t first[MANY] = {0}, second[MANY] = {0};
    rondel_loop loop = files_begin();
    make_files(0, MANY);
    rondel_file a = open_now(loop, "", FOLDER), b = open_now(loop, "", FOLDER);
    CHECK_EQ(read_some(a, 15, first, MANY), 15);
    CHECK_EQ(read_some(b, 100, second, MANY), MANY);
    CHECK_EQ(read_some(a, 100, first, MANY), 5);
    for (int i = 0; i < MANY; i++) CHECK(first[i] == 1 && second[i] == 1);
    close_now(a), close_now(b);
    files_end(loop);
}

TEST(what_comes_and_goes_meanwhile_does_no_harm_to_the_rest) {
    enum { MANY = 2000, KEPT = 1000 };
    uint8_t times[MANY] = {0};
    char name[32];
    int64_t count;
    rondel_loop loop = files_begin();
    make_files(0, KEPT + 500);
    rondel_file folder = open_now(loop, "", FOLDER);
    for (int next = KEPT; (count = read_some(folder, 11, times, MANY)) > 0; next++) {
        snprintf(name, sizeof name, "%d", next);
        if (next < KEPT + 500) CHECK_EQ(unlink(in_folder(name)), 0);
        if (next < KEPT + 500) make_files(next + 500, next + 501);
    }
    CHECK_EQ(count, 0);
    for (int i = 0; i < MANY; i++) CHECK(i < KEPT ? times[i] == 1 : times[i] <= 1);
    close_now(folder);
    files_end(loop);
}

TEST(a_folder_that_is_gone_is_at_its_end) {
    if (ON_WINDOWS) SKIP("an open folder keeps its name");
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("gone"), 0700), 0);
    rondel_file folder = open_now(loop, "gone", FOLDER);
    CHECK_EQ(rmdir(in_folder("gone")), 0);
    CHECK_EQ(read_some(folder, 10, NULL, 0), 0);
    close_now(folder);
    files_end(loop);
}

TEST(one_needs_no_right_but_to_read_it) {
    if (ON_WINDOWS) SKIP("folders have no modes");
    rondel_loop loop = files_begin();
    CHECK_EQ(mkdir(in_folder("list"), 0700), 0);
    put_file("list/0", "");
    uint8_t times[1] = {0};
    CHECK_EQ(chmod(in_folder("list"), 0400), 0);
    rondel_file folder = open_now(loop, "list", FOLDER);
    CHECK_EQ(read_some(folder, 10, times, 1), 1);
    close_now(folder);
    files_end(loop);
}

TEST(reads_run_in_the_order_of_their_starts_and_a_cancelled_one_takes_nothing_before_it_begins) {
    enum { MANY = 100 };
    if (ON_WINDOWS) SKIP("has a pipe of Unix keep a thread busy");
    uint8_t times[MANY] = {0};
    rondel_loop loop = files_begin();
    struct busy busy;
    make_files(0, MANY);
    rondel_file folder = open_now(loop, "", FOLDER);
    busy_begin(&busy, loop);
    rondel_future reads[6];
    for (int i = 0; i < 6; i++) reads[i] = rondel_dir_read(folder, 30, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(reads[0]), 0); /* waits for a thread */
    CHECK_EQ(rondel_cancel(reads[2]), 0); /* waits for its turn */
    busy_let_go(&busy);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    const int64_t results[] = {RONDEL_ECANCELED, 30, RONDEL_ECANCELED, 30, 30, 10};
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(rondel_future_result(reads[i]), results[i]);
        if (results[i] > 0) note_names(reads[i], times, MANY);
        else CHECK_EQ(rondel_release(reads[i]), 0);
    }
    for (int i = 0; i < MANY; i++) CHECK_EQ(times[i], 1);
    busy_end(&busy);
    close_now(folder);
    files_end(loop);
}

TEST(a_folder_may_be_closed_in_the_middle) {
    uint8_t times[100] = {0};
    struct seen seen = {0, 0, 0}, closed = {0, 0, 0};
    rondel_loop loop = files_begin();
    make_files(0, 100);
    rondel_file a = open_now(loop, "", FOLDER), b = open_now(loop, "", FOLDER), c = open_now(loop, "", FOLDER);
    CHECK_EQ(read_some(a, 7, times, 100), 7);
    CHECK_EQ(read_some(b, 7, times, 100), 7);
    close_now(a);
    CHECK_EQ(rondel_dir_read(a, 1, see, &seen), RONDEL_EGONE);
    /* A close by rondel_file_close lets those before it end. */
    CHECK(rondel_dir_read(b, 7, see, &seen) > 0);
    CHECK(rondel_file_close(b, see, &closed) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 7);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.result, 0);
    /* The loop goes with one that is open. */
    CHECK_EQ(read_some(c, 7, times, 100), 7);
    CHECK(rondel_dir_read(c, 7, see, &seen) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    files_remove_all(files_folder);
}

TEST(what_is_no_folder_has_no_names) {
    rondel_loop loop = files_begin();
    rondel_dirent entry;
    put_file("file", "x");
    rondel_file file = open_now(loop, "file", READ);
    rondel_future read = rondel_dir_read(file, 1, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(read), RONDEL_ENOTDIR);
    CHECK_EQ(rondel_dir_entry(read, 0, &entry), RONDEL_EINVAL);
    CHECK_EQ(rondel_release(read), 0);
    CHECK_EQ(result_of(rondel_dir_read(file, 1, RONDEL_FUTURE)), RONDEL_ENOTDIR); /* again */
    close_now(file);
    files_end(loop);
}

TEST(no_or_fewer_names_make_no_sense) {
    rondel_loop loop = files_begin();
    struct seen seen = {0, 0, 0};
    rondel_file folder = open_now(loop, "", FOLDER);
    CHECK_EQ(rondel_dir_read(folder, 0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_read(folder, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_dir_read(folder, INT64_MIN, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    close_now(folder);
    files_end(loop);
}

TEST_MAIN(RUN(pieces_have_each_name_once), RUN(all_that_is_left_may_be_asked_for_at_once), RUN(names_have_their_types),
          RUN(an_empty_folder_is_at_its_end), RUN(each_open_folder_begins_at_the_start),
          RUN(what_comes_and_goes_meanwhile_does_no_harm_to_the_rest), RUN(a_folder_that_is_gone_is_at_its_end),
          RUN(one_needs_no_right_but_to_read_it),
          RUN(reads_run_in_the_order_of_their_starts_and_a_cancelled_one_takes_nothing_before_it_begins),
          RUN(a_folder_may_be_closed_in_the_middle), RUN(what_is_no_folder_has_no_names),
          RUN(no_or_fewer_names_make_no_sense))
