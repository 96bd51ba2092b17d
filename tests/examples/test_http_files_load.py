# SPDX-License-Identifier: MIT OR Apache-2.0
"""http_files under the clients it was made for: curl, and a thousand at once by wrk."""

import os
import re
import subprocess
import tempfile

import harness
from http_folder import BIG, Served

CLIENTS = 50 if harness.WRAPPER else 1000


class HttpFilesLoad(Served):
    def run_tool(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def curl(self, *arguments):
        return self.run_tool("curl", "--silent", "--show-error", "--noproxy", "*", *arguments)

    def test_curl_gets_files_ranges_and_heads(self):
        self.serve()
        self.assertTrue(self.curl(self.url("big.bin")) == BIG)
        self.assertEqual(self.curl("--range", "3-5", self.url("small.txt")), b"345")
        self.assertRegex(self.curl("--head", self.url("small.txt")).decode(), r"(?m)^Content-Length: 10\r$")
        self.assertEqual(self.curl("--location", "--output", os.devnull, "--write-out", "%{http_code} %{num_redirects}",
                                   self.url("sub")), b"404 1")
        self.assertEqual(self.curl("--path-as-is", "--output", os.devnull, "--write-out", "%{http_code}",
                                   self.url("sub/../../secret")), b"400")
        self.end()

    def test_curl_goes_on_where_it_was_interrupted_and_asks_for_what_is_new(self):
        self.serve()
        with tempfile.TemporaryDirectory() as folder:
            path, etag = os.path.join(folder, "got"), os.path.join(folder, "etag")
            with open(path, "wb") as file:
                file.write(BIG[:1234567])
            self.curl("--continue-at", "-", "--output", path, self.url("big.bin"))
            with open(path, "rb") as file:
                self.assertTrue(file.read() == BIG)
            for expected in (b"200", b"304"):
                code = self.curl("--etag-save", etag, "--etag-compare", etag, "--output", os.devnull,
                                 "--write-out", "%{http_code}", self.url("small.txt")) if os.path.exists(etag) else \
                    self.curl("--etag-save", etag, "--output", os.devnull, "--write-out", "%{http_code}",
                              self.url("small.txt"))
                self.assertEqual(code, expected)
            self.assertEqual(self.curl("--time-cond", path, "--output", os.devnull, "--write-out", "%{http_code}",
                                       self.url("small.txt")), b"304")
        self.end()

    def wrk(self, path, seconds=2):
        """How many requests were answered: some, but a busy machine may take a while for the first."""
        text = self.run_tool("wrk", "--threads", "2", "--connections", str(CLIENTS), "--timeout", "30s", "--duration",
                             f"{seconds}s", self.url(path)).decode()
        self.assertNotRegex(text, "Socket errors|Non-2xx", text)
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        if requests == 0 and seconds * 3 < harness.PATIENCE:
            return self.wrk(path, seconds * 3)
        self.assertGreater(requests, 0, text)
        return requests

    def test_a_thousand_clients_are_kept_alive_and_served(self):
        self.serve()
        requests = self.wrk("small.txt")
        large = self.wrk("big.bin")
        self.assertEqual(self.curl(self.url("small.txt")), b"0123456789")
        self.assertGreaterEqual(self.end(), requests + large + 1)


if __name__ == "__main__":
    harness.main()
