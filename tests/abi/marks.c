/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Linked at a fixed address: rondel_keep and rondel_enqueue are told from a function of the program's own.
 */
#include <rondel.h>
#include <stdio.h>

int main(void) {
    rondel_completion completion;
    int mine = 7;
    rondel_loop loop = rondel_loop_new();
    rondel_future kept = rondel_call_soon(loop, RONDEL_FUTURE);
    rondel_future queued = rondel_call_soon(loop, rondel_enqueue, &mine);
    int64_t n = rondel_next(loop, &completion, 1, RONDEL_SECOND);
    if (n != 1 || completion.source != queued || completion.user_data != &mine)
        return fprintf(stderr, "rondel_enqueue was not known: rondel_next gave %lld\n", (long long)n), 1;
    if (rondel_future_state(kept) != RONDEL_DONE)
        return fprintf(stderr, "rondel_keep was not known: the future is not kept\n"), 1;
    rondel_release(kept);
    return (int)rondel_loop_free(loop);
}
