# SPDX-License-Identifier: MIT OR Apache-2.0
"""pull: a whole exchange between two ends by rondel_next alone."""

import harness


class Pull(harness.Case):
    def test_five_rounds_come_back_and_it_ends_by_itself(self):
        program = self.run_program("pull")
        self.assertEqual(program.lines["stdout"], [
            *(f"round {i} came back" for i in range(1, 6)), "5 rounds played without a callback"])
        self.assertEqual(program.stderr, "")


if __name__ == "__main__":
    harness.main()
