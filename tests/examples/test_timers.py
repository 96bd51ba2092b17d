# SPDX-License-Identifier: MIT OR Apache-2.0
"""timers: what it prints is what a newcomer is told about timers, so it has to be true."""

import re

import harness


class Timers(harness.Case):
    @classmethod
    def setUpClass(cls):
        program = harness.Program("timers")
        cls.code = program.finish()
        cls.told = str(program)
        cls.said = [(float(at), what) for at, what in re.findall(r"(?m)^ *([\d.]+) ms  (.*)$", program.stdout)]
        cls.lines = program.lines["stdout"]
        program.kill()

    def position(self, beginning):
        found = [i for i, (_, what) in enumerate(self.said) if what.startswith(beginning)]
        self.assertEqual(len(found), 1, f"{beginning!r} in {self.told}")
        return found[0]

    def test_ends_well(self):
        self.assertEqual(self.code, 0, self.told)
        self.assertEqual(self.said[-1][1], "nothing left to do")

    def test_fires_by_deadline_and_equal_ones_in_start_order(self):
        self.position("soon")  # where, depends: a loop that gets going 10 ms late takes due timers first
        order = [self.position(beginning) for beginning in (
            "10 ms, started second", "20 ms, started third", "30 ms, started first", "40 ms, first",
            "40 ms, second", "40 ms, third")]
        self.assertEqual(order, sorted(order), self.told)

    def test_never_fires_early(self):
        once = [(at, int(what.split()[0])) for at, what in self.said if re.match(r"\d+ ms", what)]
        self.assertEqual(len(once), 7)
        for at, asked in once:
            self.assertGreaterEqual(at, asked)

    def test_repeating_timer_counts_missed_periods(self):
        ticks = [(at, int(passed), int(total)) for at, what in self.said
                 for passed, total in re.findall(r"^every 50 ms: (\d+) passed, (\d+) in all$", what)]
        self.assertEqual(sum(passed for _, passed, _ in ticks), ticks[-1][2])
        self.assertGreaterEqual(ticks[-1][2], 6)
        for at, _, total in ticks:
            self.assertGreaterEqual(at, 50 * total)
        stopped = self.position("(120 ms spent")
        after = [passed for at, passed, _ in ticks if at >= self.said[stopped][0]]
        if ticks[-len(after) - 1][2] < 6:  # else it was so late before that it was through by then
            self.assertGreaterEqual(after[0], 2)

    def test_cancelled_call_is_told_once_and_stopped_timer_is_not_due(self):
        self.position("the call in an hour: told once that it was cancelled")
        self.assertRegex(self.lines[0], r"^stopped timer is due: RONDEL_ESTATE$")


if __name__ == "__main__":
    harness.main()
