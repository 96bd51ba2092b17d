# SPDX-License-Identifier: MIT OR Apache-2.0
"""copy_tree: what it makes is what is there, with links, permissions, times and odd names, and a file that cannot be
read does not stop it."""

import os
import random
import re
import shutil
import signal
import stat
import tempfile
import unittest

import harness

SUMMARY = re.compile(r"(\d+) files, (\d+) folders, (\d+) links, (\d+) bytes; (\d+) failed")
# Root reads everything unless it gives this up.
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def describe(folder):
    """Everything below a folder that a copy has to have: a dictionary from path to what is known of it."""
    known = {}
    for path, folders, files in os.walk(os.fsencode(folder)):
        for name in [b"."] + folders + files:
            full = os.path.join(path, name)
            about = os.lstat(full)
            if stat.S_ISLNK(about.st_mode):
                contents = os.readlink(full)
            elif stat.S_ISREG(about.st_mode):
                with open(full, "rb") as file:
                    contents = file.read()
            else:
                contents = None
            mode = about.st_mode if not stat.S_ISLNK(about.st_mode) else stat.S_IFLNK
            known[os.path.relpath(full, os.fsencode(folder))] = (
                mode, about.st_uid, about.st_gid, about.st_mtime_ns, contents)
    return known


class CopyTree(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="copy_tree-")
        self.addCleanup(self.remove)
        self.source, self.copy = os.path.join(self.place, "source"), os.path.join(self.place, "copy")
        os.mkdir(self.source)

    def remove(self):
        for path, _, _ in os.walk(self.place):
            os.chmod(path, 0o700)
        shutil.rmtree(self.place)

    def put(self, name, contents=b"", mode=0o644):
        path = os.path.join(os.fsencode(self.source), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(contents)
        os.chmod(path, mode)
        os.utime(path, ns=(1_000_000_000, random.randrange(1 << 60)))
        return path

    def run_it(self, *arguments, prefix=()):
        command = [*prefix, *harness.WRAPPER, harness.path("copy_tree"), *arguments]
        program = harness.Program("copy_tree", command=command)
        return program, program.finish()

    def summary(self, program):
        return tuple(map(int, SUMMARY.fullmatch(program.stdout).groups()))

    def test_copies_everything_as_it_is(self):
        for name in "plain", "with space", b"\xff not utf-8", "line\nbreak", "-rf", "a/b/c/deep", ".hidden", "n" * 255:
            self.put(name, os.urandom(random.randrange(10000)), random.choice([0o644, 0o600, 0o755, 0o444, 0o4711]))
        self.put("empty")
        self.put("large", os.urandom(5_000_000))
        os.mkdir(os.path.join(self.source, "nothing in it"))
        os.mkdir(os.path.join(self.source, "read only"))
        self.put("read only/file", b"x")
        os.chmod(os.path.join(self.source, "read only"), 0o555)
        for name, target in ("link", "plain"), ("dangling", "no such file"), ("to folder", "a/b"), ("circle", "circle"):
            os.symlink(target, os.path.join(self.source, name))
            os.utime(os.path.join(self.source, name), ns=(5, 123456789), follow_symlinks=False)
        os.utime(os.path.join(self.source, "a"), ns=(7, 77_777_777_777))
        expected = describe(self.source)
        for at_once in 1, 16:
            copy = self.copy + str(at_once)
            program, code = self.run_it("--at-once", str(at_once), self.source, copy)
            self.assertEqual((code, program.stderr), (0, ""))
            self.assertEqual(describe(copy), expected)
            files, folders, links, count, failed = self.summary(program)
            sizes = [len(row[4]) for row in expected.values() if stat.S_ISREG(row[0])]
            self.assertEqual((files, count, failed), (len(sizes), sum(sizes), 0))
            self.assertEqual((folders, links), (6, 4))
        self.assertEqual(describe(self.source), expected)

    def test_copies_thousands_of_files_with_few_tasks(self):
        count = 300 if harness.WRAPPER else 5000
        for i in range(count):
            self.put(f"{i % 37}/{i}", b"%d" % i)
        program, code = self.run_it("--progress", "--at-once", "8", self.source, self.copy)
        self.assertEqual(code, 0)
        self.assertEqual(describe(self.copy), describe(self.source))
        self.assertEqual(self.summary(program)[:2], (count, 38))
        self.assertRegex(program.stderr, r"^\d+ files, \d+ KiB")

    def test_tells_of_what_cannot_be_copied_and_goes_on(self):
        self.put("good", b"good")
        os.mkfifo(os.path.join(self.source, "fifo"))
        program, code = self.run_it(self.source, self.copy)
        self.assertEqual(code, 1)
        self.assertEqual(os.listdir(self.copy), ["good"])
        self.assertEqual(self.summary(program), (1, 1, 0, 4, 1))
        self.assertEqual(program.stderr, f"copy_tree: {self.source}/fifo: operation not supported")

    def test_tells_of_what_may_not_be_read_and_goes_on(self):
        if UNPRIVILEGED and self.run_it(prefix=UNPRIVILEGED)[1] != 2:
            self.skipTest("root cannot be kept from reading here")
        self.put("good", b"good")
        self.put("secret", b"secret", 0)
        self.put("locked/inside", b"x")
        os.chmod(os.path.join(self.source, "locked"), 0)
        program, code = self.run_it(self.source, self.copy, prefix=UNPRIVILEGED)
        self.assertEqual(code, 1)
        self.assertEqual(sorted(os.listdir(self.copy)), ["good", "locked"])
        self.assertEqual(os.stat(os.path.join(self.copy, "locked")).st_mode & 0o7777, 0)
        self.assertEqual(self.summary(program), (1, 2, 0, 4, 2))
        lines = sorted(program.lines["stderr"])
        self.assertEqual(lines, [f"copy_tree: {self.source}/locked: permission denied",
                                 f"copy_tree: {self.source}/secret: permission denied"])

    def test_refuses_what_makes_no_sense(self):
        self.put("file", b"x")
        os.mkdir(self.copy)
        for source, copy, message in ((self.source, self.copy, "file exists"),
                                      (self.place + "/none", self.copy + "2", "no such file or directory"),
                                      (self.source + "/file", self.copy + "2", "not a directory")):
            program, code = self.run_it(source, copy)
            self.assertEqual(code, 1)
            self.assertIn(message, program.stderr)
            self.assertFalse(os.path.exists(self.copy + "2"))
        for arguments in (), (self.source,), ("--at-once", "0", self.source, self.copy), ("--what", "a", "b"):
            self.assertEqual(self.run_it(*arguments)[1], 2)

    def test_a_folder_copied_into_itself_ends(self):
        self.put("file", b"x")
        program, code = self.run_it(self.source, os.path.join(self.source, "copy"))
        self.assertEqual(code, 1)
        self.assertEqual(os.listdir(os.path.join(self.source, "copy")), ["file"])

    def test_ctrl_c_leaves_no_half_file(self):
        for i in range(40):
            self.put(f"{i}", b"%c" % (65 + i % 26) * 3_000_000)
        program = harness.Program("copy_tree", "--progress", "--at-once", "4", self.source, self.copy)
        program.wait_for_line(re.compile("files"), stream="stderr")
        program.signal(signal.SIGINT)
        code = program.finish()
        found = os.listdir(self.copy) if os.path.exists(self.copy) else []
        if len(found) < 40:
            self.assertEqual(code, 1)
        for name in found:
            with open(os.path.join(self.copy, name), "rb") as file:
                self.assertEqual(file.read(), b"%c" % (65 + int(name) % 26) * 3_000_000)


if __name__ == "__main__":
    harness.main()
