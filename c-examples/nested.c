/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tasks that await tasks: each adds up what the ones below it found, and returns it upward.
 *
 *     nested
 *
 * The tasks of one level run at once; a task goes on when all of its own have returned. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>

struct box {
    const char *name;
    int64_t coins;
    const struct box *boxes; /* in it; ends with one without a name */
};

static const struct box in_drawer[] = {{"purse", 7, NULL}, {"tin", 30, NULL}, {NULL, 0, NULL}};
static const struct box in_desk[] = {{"drawer", 2, in_drawer}, {"shelf", 0, NULL}, {NULL, 0, NULL}};
static const struct box in_room[] = {{"desk", 0, in_desk}, {"coat", 3, NULL}, {NULL, 0, NULL}};
static const struct box room = {"room", 0, in_room};

static int64_t count_coins(void *arg) {
    const struct box *box = arg;
    rondel_future tasks[8];
    size_t count = 0;
    printf("looking into the %s\n", box->name);
    int64_t coins = rondel_yield(); /* others look meanwhile */
    if (coins < 0) return coins;
    coins = box->coins;
    for (const struct box *inner = box->boxes; inner && inner->name; inner++)
        tasks[count++] = rondel_task_spawn(rondel_loop_current(), count_coins, (void *)inner);
    for (size_t i = 0; i < count; i++) {
        int64_t found = rondel_await(tasks[i]);
        if (found < 0) coins = found;
        if (coins >= 0) coins += found;
    }
    printf("the %s has %" PRId64 "\n", box->name, coins);
    return coins;
}

int main(void) {
    int64_t coins = rondel_main(count_coins, (void *)&room);
    if (coins < 0) return fprintf(stderr, "nested: %s\n", rondel_error_message(coins)), 1;
    printf("%" PRId64 " coins in all\n", coins);
    return 0;
}
