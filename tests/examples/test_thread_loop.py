# SPDX-License-Identifier: MIT OR Apache-2.0
"""thread_loop: nothing handed to the other thread is lost or reordered, and wrong calls are refused."""

import harness


class ThreadLoop(harness.Case):
    def test_every_job_arrives_in_order_and_wrong_calls_are_refused(self):
        for _ in range(1 if harness.WRAPPER else 20):  # stop and join race anew each time
            program = self.run_program("thread_loop")
            self.assertEqual(program.lines["stdout"], [
                "rondel_call_soon from the wrong thread: RONDEL_ETHREAD",
                "100000 jobs done, 0 out of order, sum 4999950000",
                "rondel_call_soon_threadsafe after the end: RONDEL_EGONE"], str(program))


if __name__ == "__main__":
    harness.main()
