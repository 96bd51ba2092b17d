/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Random operations on files, cancelled, timed out and closed over at any moment, against a model of what the files may
 * hold and of who is to be told what. */
#include "support/test.h"

#include "support/files.h"
#include "support/steps.h"

enum { CELLS = 24, SIZE = 97, LINES = 4000 };

/* A part of the file that one operation at a time works on. It holds one letter, or, after a write that was given up
 * while it ran, perhaps another. */
struct cell {
    char letter, perhaps;
    char bytes[SIZE];
    rondel_future pending;
    int writes, told;
    int64_t place;
};

static uint64_t state;
static struct cell cells[CELLS];
static int64_t in_flight, completed, cancelled;

static int64_t pick(int64_t n) { return (int64_t)(next_random(&state) % (uint64_t)n); }

static int is_all(const char *bytes, char letter) {
    for (int i = 0; i < SIZE; i++)
        if (bytes[i] != letter) return 0;
    return 1;
}

static void on_cell(rondel_handle future, int64_t result, void *user_data) {
    struct cell *cell = user_data;
    CHECK_EQ(future, cell->pending);
    CHECK_EQ(cell->told++, 0);
    in_flight--;
    cell->pending = 0;
    if (result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT) {
        cancelled++;
        if (cell->writes) cell->perhaps = cell->bytes[0]; /* it may have been written all the same */
        return;
    }
    completed++;
    CHECK_EQ(result, SIZE);
    if (cell->writes) {
        cell->letter = cell->perhaps = cell->bytes[0];
    } else {
        CHECK(is_all(cell->bytes, cell->letter) || is_all(cell->bytes, cell->perhaps));
        cell->letter = cell->perhaps = cell->bytes[0];
    }
}

/* Lines that are written at the position: in order, and none of those that were told to be written is missing. */
static char lines[LINES][8];
static int line_result[LINES]; /* 0: not told, 1: written, -1: given up */
static rondel_future line_pending[LINES];
static int lines_begun;

static void on_line(rondel_handle future, int64_t result, void *user_data) {
    int *told = user_data;
    (void)future;
    CHECK_EQ(*told, 0);
    CHECK(result == 5 || result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT);
    *told = result == 5 ? 1 : -1;
    line_pending[told - line_result] = 0;
    in_flight--;
}

static void begin_cell(rondel_file file, struct cell *cell) {
    if (cell->pending) return;
    /* What a cell holds must be known to two letters, so it is read before it is written again. */
    cell->writes = cell->letter == cell->perhaps && pick(2);
    cell->told = 0;
    memset(cell->bytes, cell->writes ? (int)('a' + pick(26)) : 0, SIZE);
    cell->pending = cell->writes ? rondel_file_write(file, cell->bytes, SIZE, cell->place, on_cell, cell)
                                 : rondel_file_read(file, cell->bytes, SIZE, cell->place, on_cell, cell);
    CHECK(cell->pending > 0);
    in_flight++;
}

static void begin_line(rondel_file log) {
    if (lines_begun == LINES) return;
    int i = lines_begun++;
    snprintf(lines[i], sizeof lines[i], "%04d\n", i);
    line_pending[i] = rondel_file_write(log, lines[i], 5, RONDEL_POSITION, on_line, &line_result[i]);
    CHECK(line_pending[i] > 0);
    in_flight++;
}

static void give_up_one(void) {
    rondel_future future = pick(2) ? cells[pick(CELLS)].pending : lines_begun ? line_pending[pick(lines_begun)] : 0;
    if (!future) return;
    int64_t result = pick(2) ? rondel_cancel(future) : rondel_timeout(future, pick(100000));
    CHECK(result == 0 || result == future || result == RONDEL_ESTATE);
}

TEST(random_operations_keep_every_promise) {
    for (uint64_t seed = 1; seed <= (uint64_t)test_scale(40, 3); seed++) {
        struct seen notice = {0, 0, 0};
        rondel_loop loop = files_begin();
        state = seed * 0x9e3779b97f4a7c15u;
        in_flight = lines_begun = 0;
        memset(line_result, 0, sizeof line_result), memset(line_pending, 0, sizeof line_pending);
        int64_t steps = test_scale(3000, 300), closes = 0;
        rondel_file file = open_now(loop, "cells", RONDEL_OPEN_READ | RONDEL_OPEN_WRITE | RONDEL_OPEN_CREATE);
        rondel_file log = open_now(loop, "log", seed % 2 ? RONDEL_OPEN_WRITE | RONDEL_OPEN_CREATE
                                                         : RONDEL_OPEN_APPEND | RONDEL_OPEN_CREATE);
        for (int i = 0; i < CELLS; i++) {
            memset(&cells[i], 0, sizeof cells[i]);
            cells[i].place = i * SIZE;
            cells[i].letter = cells[i].perhaps = 'a';
            memset(cells[i].bytes, 'a', SIZE);
            CHECK_EQ(result_of(rondel_file_write(file, cells[i].bytes, SIZE, cells[i].place, RONDEL_FUTURE)), SIZE);
        }
        CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 1 + pick(4)) > 0, 1);
        while (steps-- > 0) {
            int64_t what = pick(100);
            if (what < 45) begin_cell(file, &cells[pick(CELLS)]);
            else if (what < 65) begin_line(log);
            else if (what < 80) give_up_one();
            else if (what < 99) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
            else {
                /* The other file may be closed over what goes on: that waits, or is cancelled. */
                CHECK_EQ(rondel_on_close(file, see, &notice), 0);
                closes++;
                if (pick(2)) CHECK_EQ(rondel_close(file), 0);
                else CHECK(rondel_file_close(file, NULL, NULL) > 0);
                file = open_now(loop, "cells", RONDEL_OPEN_READ | RONDEL_OPEN_WRITE);
            }
        }
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(in_flight, 0);
        CHECK_EQ(notice.calls, closes);
        close_now(file), close_now(log);
        const char *text = file_text("log");
        for (int i = 0; i < lines_begun; i++) {
            int there = !strncmp(text, lines[i], 5);
            CHECK(there ? line_result[i] != 0 : line_result[i] == -1);
            if (there) text += 5;
        }
        CHECK_STR(text, "");
        text = file_text("cells");
        for (int i = 0; i < CELLS; i++)
            CHECK(is_all(text + cells[i].place, cells[i].letter) || is_all(text + cells[i].place, cells[i].perhaps));
        files_end(loop);
    }
    CHECK(completed > 0 && cancelled > 0);
}

TEST_MAIN(RUN(random_operations_keep_every_promise))
