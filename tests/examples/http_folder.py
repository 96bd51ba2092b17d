# SPDX-License-Identifier: MIT OR Apache-2.0
"""A folder to be served and a server that does, for the tests of http_files."""

import os
import re
import signal
import tempfile

import harness

BIG = bytes((i * 7919 >> 5) & 0xff for i in range(1 << 16)) * 40  # 2.5 MiB


class Served(harness.Case):
    """Each test has a folder, and outside of it what nobody should get."""

    def setUp(self):
        self._outer = tempfile.TemporaryDirectory(prefix="rondel-http-")
        self.addCleanup(self._outer.cleanup)
        self.folder = os.path.join(self._outer.name, "www")
        os.makedirs(os.path.join(self.folder, "sub", "deeper"))
        for name, content in (("index.html", b"<h1>hello</h1>\n"), ("small.txt", b"0123456789"), ("big.bin", BIG),
                              ("empty", b""), ("sub/page.HTML", b"page"), ("sub/with space & <mark>.txt", b"odd"),
                              ("sub/\N{GREEK SMALL LETTER ALPHA}.json", b"{}"), ("../secret", b"the secret"),
                              ("../www-too/secret", b"the secret")):
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        os.symlink("small.txt", os.path.join(self.folder, "link.txt"))
        os.symlink("../secret", os.path.join(self.folder, "out.txt"))
        os.symlink("../www-too", os.path.join(self.folder, "out"))
        os.symlink("/", os.path.join(self.folder, "root"))

    def serve(self, *options):
        self.program = harness.Program("http_files", "--port", "0", *options, self.folder)
        self.port = int(self.program.wait_for_line(re.compile(r"^serving .* at http://127\.0\.0\.1:(\d+)/$")).group(1))

    def end(self):
        self.program.signal(signal.SIGTERM)
        self.assertEqual(self.program.finish(), 0, str(self.program))
        return int(re.search(r"^served (\d+) requests$", self.program.stdout, re.M).group(1))
