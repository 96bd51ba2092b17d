/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Results in the order in which they are there, not in the order in which they were asked for.
 *
 *     as_completed [MILLISECONDS]          (that a second shall last; 1000) */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct errand {
    const char *what;
    int64_t seconds;
};

static int64_t second = RONDEL_SECOND;

static int64_t run_errand(void *arg) {
    struct errand *errand = arg;
    int64_t result = rondel_sleep(errand->seconds * second);
    return result < 0 ? result : errand->seconds;
}

static int64_t run_all(void *arg) {
    static struct errand errands[] = {{"the long one", 4}, {"the short one", 1}, {"the other", 2}, {"the last", 3}};
    enum { COUNT = sizeof errands / sizeof *errands };
    rondel_future tasks[COUNT];
    (void)arg;
    for (int i = 0; i < COUNT; i++) {
        tasks[i] = rondel_task_spawn(rondel_loop_current(), run_errand, &errands[i]);
        printf("began %s\n", errands[i].what);
    }
    rondel_iterator done = rondel_as_completed(tasks, COUNT);
    int64_t i;
    while ((i = rondel_await(rondel_as_completed_next(done, RONDEL_FUTURE))) >= 0) {
        int64_t took = rondel_await(tasks[i]);
        if (took < 0) return took;
        printf("done after %" PRId64 " s: %s\n", took, errands[i].what);
    }
    rondel_close(done);
    return i == RONDEL_EOF ? 0 : i;
}

int main(int argc, char **argv) {
    if (argc > 1) second = atoi(argv[1]) * RONDEL_MS;
    if (second <= 0) return fprintf(stderr, "usage: as_completed [MILLISECONDS]\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(run_all, NULL);
    if (result < 0) fprintf(stderr, "as_completed: %s\n", rondel_error_message(result));
    return result < 0;
}
