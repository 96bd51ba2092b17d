# SPDX-License-Identifier: MIT OR Apache-2.0
"""tail: whatever becomes of the file, each line that real writers write comes once, in order."""

import logging.handlers
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

import harness

FOLLOWED, MISSING, GONE, REPLACED, TRUNCATED = (
    re.compile(text) for text in ("followed$", "not there yet$", "gone$", "replaced$", "truncated$"))


class Tail(harness.Case):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self._folder.name, "log")

    def tearDown(self):
        super().tearDown()
        self._folder.cleanup()

    def write(self, *lines, mode="a"):
        with open(self.path, mode, encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def follow(self, ready, *options):
        program = harness.Program("tail", *options, self.path)
        program.wait_for_line(ready, "stderr")
        return program

    def check(self, program, *lines):
        """Waits for so many lines, whatever is said on standard error meanwhile, and sees that they are these."""
        limit = time.monotonic() + harness.PATIENCE
        while len(program.lines["stdout"]) < len(lines) and time.monotonic() < limit:
            time.sleep(0.002)
        self.assertEqual(program.lines["stdout"], list(lines), str(program))
        program.lines["stdout"].clear()

    def test_prints_what_is_added(self):
        self.write("old")
        program = self.follow(FOLLOWED)
        self.write("one", "two")
        self.check(program, "one", "two")
        self.write("three")
        self.check(program, "three")

    def test_prints_all_when_asked_to(self):
        self.write("old")
        program = self.follow(FOLLOWED, "--all")
        self.check(program, "old")

    def test_starts_over_when_the_file_is_truncated(self):
        self.write("a long line that is gone", "another one")
        program = self.follow(FOLLOWED)
        os.truncate(self.path, 0)
        program.wait_for_line(TRUNCATED, "stderr")
        self.write("new")
        self.check(program, "new")
        self.write("x", mode="w")
        self.check(program, "x")

    def test_waits_for_a_file_that_is_not_there(self):
        program = self.follow(MISSING)
        self.write("first")
        self.check(program, "first")
        os.remove(self.path)
        program.wait_for_line(GONE, "stderr")
        self.write("second")
        self.check(program, "second")

    def test_follows_a_rotation_and_loses_nothing_of_the_old_file(self):
        self.write("old")
        program = self.follow(FOLLOWED)
        for round in range(3):
            with open(self.path, "a", encoding="utf-8") as old:
                print("before", round, file=old, flush=True)
                os.rename(self.path, self.path + ".1")
                program.wait_for_line(GONE, "stderr")
                print("late", round, file=old, flush=True)
            self.write(f"after {round}")
            self.check(program, f"before {round}", f"late {round}", f"after {round}")

    def test_follows_an_editor_that_replaces_the_file(self):
        self.write("old")
        program = self.follow(FOLLOWED)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            print("other", file=file)
        os.replace(self.path + ".new", self.path)
        program.wait_for_line(REPLACED, "stderr")
        self.write("more")
        self.check(program, "other", "more")

    def test_keeps_up_with_another_process_that_writes_and_a_logger_that_rotates(self):
        program = self.follow(MISSING)
        writer = "import sys\nfor i in range(5000): print('line', i, file=open(sys.argv[1], 'a'))"
        subprocess.run([sys.executable, "-c", writer, self.path], check=True, timeout=harness.PATIENCE)
        self.check(program, *(f"line {i}" for i in range(5000)))
        logger = logging.handlers.RotatingFileHandler(self.path, maxBytes=0, backupCount=3)
        try:
            for i in range(5):
                logger.emit(logging.makeLogRecord({"msg": f"record {i}"}))
                logger.doRollover()
                logger.emit(logging.makeLogRecord({"msg": f"rolled {i}"}))
                self.check(program, f"record {i}", f"rolled {i}")
        finally:
            logger.close()

    def test_refuses_what_makes_no_sense(self):
        self.run_program("tail", code=2)
        self.run_program("tail", "--strange", code=2)


if __name__ == "__main__":
    harness.main()
