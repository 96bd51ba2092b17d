/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files and forks: a child has the files of its parent, but nobody who works on them. */
#include "support/test.h"

#include "support/files.h"
#include "support/forked.h"
#include "support/steps.h"

enum { READ = RONDEL_OPEN_READ, WRITE = RONDEL_OPEN_WRITE, CREATE = RONDEL_OPEN_CREATE };

struct scene {
    rondel_loop loop;
    struct busy busy;
    struct seen queued, in_line, stat, closed, notice;
    rondel_file file, closing, idle;
    rondel_stat about;
};

/* One operation runs, one waits for a thread, one for its turn; one file is being closed. */
static void set_up(struct scene *scene) {
    memset(scene, 0, sizeof *scene);
    scene->loop = files_begin();
    scene->file = open_now(scene->loop, "a", WRITE | CREATE);
    scene->closing = open_now(scene->loop, "b", WRITE | CREATE);
    scene->idle = open_now(scene->loop, "c", READ | WRITE | CREATE);
    busy_begin(&scene->busy, scene->loop);
    CHECK(rondel_file_write(scene->file, "1", 1, RONDEL_POSITION, see, &scene->queued) > 0);
    CHECK(rondel_file_write(scene->file, "2", 1, RONDEL_POSITION, see, &scene->in_line) > 0);
    CHECK(rondel_file_stat(scene->loop, "/", &scene->about, see, &scene->stat) > 0);
    CHECK_EQ(rondel_on_close(scene->closing, see, &scene->notice), 0);
    CHECK(rondel_file_close(scene->closing, see, &scene->closed) > 0);
}

static void check_all_told(const struct scene *scene, int64_t result) {
    CHECK_EQ(scene->busy.seen.calls, 1);
    CHECK_EQ(scene->queued.calls, 1);
    CHECK_EQ(scene->in_line.calls, 1);
    CHECK_EQ(scene->stat.calls, 1);
    CHECK_EQ(scene->closed.calls, 1);
    CHECK_EQ(scene->notice.calls, 1);
    CHECK_EQ(scene->queued.result, result);
    CHECK_EQ(scene->in_line.result, result);
}

static void finish(struct scene *scene) {
    busy_let_go(&scene->busy);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    check_all_told(scene, 1);
    CHECK_STR(file_text("a"), "12");
    close(scene->busy.end);
    close_now(scene->busy.pipe);
    close_now(scene->file);
    close_now(scene->idle);
    files_end(scene->loop);
}

static int go_on(void *arg) {
    struct scene *scene = arg;
    char byte = 0;
    CHECK_EQ(rondel_loop_fork(scene->loop), 0);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    check_all_told(scene, RONDEL_ECANCELED);
    CHECK_EQ(scene->busy.seen.result, RONDEL_ECANCELED);
    CHECK_EQ(scene->closed.result, RONDEL_ECANCELED);
    /* The files are its own as well, and so is a pool. */
    CHECK_EQ(result_of(rondel_file_write(scene->idle, "c", 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(result_of(rondel_file_read(scene->idle, &byte, 1, 0, RONDEL_FUTURE)), 1);
    CHECK_EQ(byte, 'c');
    close_now(scene->idle);
    close_now(scene->file);
    CHECK_EQ(rondel_close(scene->busy.pipe), 0);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

TEST(a_child_goes_on_with_the_files_and_what_was_under_way_goes_on_at_the_parents) {
    static struct scene scene;
    set_up(&scene);
    in_child(go_on, &scene);
    CHECK_STR(file_text("c"), "c");
    finish(&scene);
}

static int free_it(void *arg) {
    struct scene *scene = arg;
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    check_all_told(scene, RONDEL_ECANCELED);
    return 0;
}

TEST(a_child_may_free_the_loop_with_all_its_files) {
    static struct scene scene;
    set_up(&scene);
    in_child(free_it, &scene);
    finish(&scene);
}

static int free_loop(void *arg) {
    CHECK_EQ(rondel_loop_free(*(rondel_loop *)arg), 0);
    return 0;
}

static int go_on_and_free_loop(void *arg) {
    rondel_loop loop = *(rondel_loop *)arg;
    CHECK_EQ(rondel_loop_fork(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    return free_loop(arg);
}

/* What is made under a new name is there, and the loop has not heard of it, as the children come. */
static void make_and_fork(int gives_up) {
    rondel_loop loop = files_begin();
    int64_t done = done_so_far();
    rondel_future made_file = rondel_file_make_temp(loop, in_folder("file-XXXXXX"), RONDEL_FUTURE);
    rondel_future made_folder = rondel_dir_make_temp(loop, in_folder("folder-XXXXXX"), RONDEL_FUTURE);
    wait_for_done(done + 2);
    done_so_far();
    if (gives_up) {
        CHECK_EQ(rondel_cancel(made_file), 0);
        CHECK_EQ(rondel_cancel(made_folder), 0);
    }
    in_child(free_loop, &loop);
    in_child(go_on_and_free_loop, &loop);
    CHECK_EQ(names_in(files_folder), 2);
    rondel_file file = rondel_run_until(loop, made_file);
    int64_t folder = rondel_run_until(loop, made_folder);
    if (gives_up) {
        CHECK_EQ(file, RONDEL_ECANCELED);
        CHECK_EQ(folder, RONDEL_ECANCELED);
        CHECK_EQ(names_in(files_folder), 0);
    } else {
        CHECK_EQ(result_of(rondel_file_write(file, "here", 4, 0, RONDEL_FUTURE)), 4);
        CHECK(folder > 0);
        CHECK_EQ(names_in(files_folder), 2);
        close_now(file);
    }
    files_end(loop);
}

TEST(a_child_leaves_its_parents_temporary_files_and_folders) { make_and_fork(0); }

TEST(a_child_leaves_it_to_its_parent_to_remove_what_was_given_up) { make_and_fork(1); }

struct reading {
    rondel_file folder;
    rondel_future read;
    rondel_loop loop;
};

static int read_on(void *arg) {
    struct reading *reading = arg;
    CHECK_EQ(rondel_loop_fork(reading->loop), 0);
    int64_t before = rondel_run_until(reading->loop, reading->read);
    CHECK(before == RONDEL_ECANCELED || before >= 0);
    for (int i = 0; i < 3; i++) CHECK(result_of(rondel_dir_read(reading->folder, 10, RONDEL_FUTURE)) >= 0);
    CHECK_EQ(rondel_close(reading->folder), 0);
    CHECK_EQ(rondel_run(reading->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(reading->loop), 0);
    return 0;
}

TEST(a_child_reads_folders_that_a_thread_of_its_parents_was_reading) {
    struct reading reading = {0, 0, files_begin()};
    uint64_t random = 88172645463325252u;
    int64_t names = test_scale(5000, 500);
    for (int64_t i = 0; i < names; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", (int)i);
        put_file(name, "");
    }
    for (int64_t i = test_scale(40, 5); i > 0; i--) {
        reading.folder = open_now(reading.loop, "", RONDEL_OPEN_READ | RONDEL_OPEN_FOLDER);
        reading.read = rondel_dir_read(reading.folder, 2 * names, RONDEL_FUTURE);
        busy_for((int64_t)(next_random(&random) % 1000000));
        in_child(read_on, &reading);
        int64_t found = rondel_run_until(reading.loop, reading.read);
        CHECK(found >= 0 && found <= names);
        close_now(reading.folder);
    }
    files_end(reading.loop);
}

TEST_MAIN(RUN(a_child_goes_on_with_the_files_and_what_was_under_way_goes_on_at_the_parents),
          RUN(a_child_leaves_its_parents_temporary_files_and_folders),
          RUN(a_child_leaves_it_to_its_parent_to_remove_what_was_given_up),
          RUN(a_child_reads_folders_that_a_thread_of_its_parents_was_reading),
          RUN(a_child_may_free_the_loop_with_all_its_files))
