# SPDX-License-Identifier: MIT OR Apache-2.0
"""run: real commands side by side, and a real Ctrl-C."""

import os
import re
import signal
import tempfile

import harness


class Run(harness.Case):
    def test_lines_carry_the_number_of_their_command(self):
        program = self.run_program("run", "echo one; echo uno >&2", "printf 'two\\n\\nlast without an end'", "true")
        self.assertEqual([l for l in program.lines["stdout"] if l[0] == "1"], ["1 | one", "1 | uno"])
        self.assertEqual([l for l in program.lines["stdout"] if l[0] == "2"],
                         ["2 | two", "2 | ", "2 | last without an end"])
        self.assertEqual(program.stderr, "")

    def test_they_run_side_by_side(self):
        # Each waits for the other: one after the other they would never end.
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/a")
            os.mkfifo(f"{folder}/b")
            program = self.run_program("run", f"echo ping > {folder}/a; cat {folder}/b",
                                       f"cat {folder}/a; echo pong > {folder}/b")
        self.assertEqual(sorted(program.lines["stdout"]), ["1 | pong", "2 | ping"])

    def test_a_failure_is_told_and_the_others_go_on(self):
        program = self.run_program("run", "exit 3", "kill -9 $$", "no-such-command", "echo fine", code=1)
        self.assertIn("4 | fine", program.stdout)
        self.assertEqual(sorted(program.lines["stderr"]),
                         ["1: exited with 3", "2: ended by signal 9", "3: exited with 127"])

    def test_long_output_comes_whole_and_after_the_end(self):
        program = self.run_program("run", "seq 1 20000", "seq 1 20000 >&2")
        for number in "12":
            mine = [line[4:] for line in program.lines["stdout"] if line.startswith(f"{number} | ")]
            self.assertEqual(mine, [str(n) for n in range(1, 20001)])

    def test_ctrl_c_stops_all_of_them_and_what_they_started(self):
        program = harness.Program("run", "echo up; sleep 1000", "sleep 1000 & echo up; wait")
        for _ in range(2):
            program.wait_for_line(re.compile(r"\| up$"))
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish(), 1, str(program))
        self.assertEqual(program.lines["stderr"][0], "stopping")
        self.assertEqual(sorted(program.lines["stderr"][1:]), ["1: ended by signal 15", "2: ended by signal 15"])

    def test_who_does_not_stop_is_killed(self):
        program = harness.Program("run", "trap '' TERM; echo up; while true; do sleep 1; done")
        program.wait_for_line(re.compile(r"\| up$"))
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish(), 1, str(program))
        self.assertEqual(program.lines["stderr"], ["stopping", "1: ended by signal 9"])

    def test_without_commands_it_says_how(self):
        program = self.run_program("run", code=2)
        self.assertIn("usage", program.stderr)


if __name__ == "__main__":
    harness.main()
