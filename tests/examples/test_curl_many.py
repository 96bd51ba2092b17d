# SPDX-License-Identifier: MIT OR Apache-2.0
"""curl_many: every URL is fetched or failed for, never more than so many at once, and each is told as it comes."""

import re
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import harness

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bindings" / "curl"))
from server import Handler, Server, refused_port  # noqa: E402


class Counting(Server):
    """Holds answers back until so many are asked for at once, and knows the most there were."""

    def __init__(self, together):
        super().__init__()
        self.active = self.most = 0
        self.together = threading.Barrier(together)
        self.RequestHandlerClass = CountingHandler


class CountingHandler(Handler):
    def do_GET(self):
        with self.server.lock:
            self.server.active += 1
            self.server.most = max(self.server.most, self.server.active)
        self.server.together.wait(harness.PATIENCE)
        with self.server.lock:
            self.server.active -= 1
        super().do_GET()


class CurlMany(harness.Case):
    def url(self, server, path):
        return f"http://127.0.0.1:{server.port}{path}"

    def test_fetches_every_url_and_no_more_at_once_than_told(self):
        with Counting(5) as server:
            urls = [self.url(server, f"/bytes/{n}") for n in range(0, 2000, 20)]
            program = self.run_program("curl_many", "--at-once", 5, *urls)
            self.assertEqual(server.most, 5)
        lines = re.findall(r"^ +200  (\S+)  (\d+) bytes in \d+ ms$", program.stdout, re.M)
        self.assertEqual(sorted(url for url, _ in lines), sorted(urls))
        for url, size in lines:
            self.assertEqual(url.rsplit("/", 1)[1], size)
        self.assertEqual(program.lines["stdout"][-1], "100 of 100 fetched")

    def test_tells_what_went_wrong_and_goes_on(self):
        holder, port = refused_port()
        with holder, Server() as server:
            urls = [self.url(server, path) for path in
                    ("/die", "/drop", "/status/404", "/redirect/3", "/silent", "/circle", "/bytes/10")]
            urls += [f"http://127.0.0.1:{port}/", "nonsense://x/"]
            program = self.run_program("curl_many", "--deadline", 20 if harness.WRAPPER else 8, *urls, code=1)
            out = program.stdout
            for path in ("/die", "/drop", "/silent", "/circle"):
                self.assertRegex(out, rf"(?m)^failed  {self.url(server, path)}  \S", out)
            self.assertRegex(out, r"(?m)^failed  http://127.0.0.1:\d+/silent  timed out$")
            self.assertRegex(out, r"(?m)^   404  .*/status/404  ")
            self.assertRegex(out, r"(?m)^   200  .*/redirect/3  7 bytes in ")
            self.assertRegex(out, r"(?m)^failed  http://127.0.0.1:\d+/  .*(refused|connect)")
            self.assertRegex(out, r"(?m)^failed  nonsense://x/  ")
            self.assertEqual(program.lines["stdout"][-1], "2 of 9 fetched")

    def test_each_is_told_as_it_comes(self):
        with Server() as server:
            program = harness.Program("curl_many", self.url(server, "/silent"), self.url(server, "/bytes/3"))
            program.wait_for_line(re.compile("/bytes/3  3 bytes"))  # while the other has not answered
            program.process.terminate()
            program.finish()

    def test_reads_urls_from_standard_input(self):
        with Server() as server:
            text = "".join(f"{self.url(server, f'/bytes/{n}')}\n\n" for n in range(50))
            done = subprocess.run(harness.WRAPPER + [harness.path("curl_many"), "--at-once", "7"], input=text,
                                  stdout=subprocess.PIPE, encoding="utf-8", timeout=harness.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(done.stdout.splitlines()[-1], "50 of 50 fetched")
            self.assertLess(server.connections, 25)  # they are kept and used again

    def test_refuses_options_it_does_not_have(self):
        self.run_program("curl_many", "--strange", "1", "http://127.0.0.1/", code=2)
        self.run_program("curl_many", "--at-once", "0", "http://127.0.0.1/", code=2)


if __name__ == "__main__":
    harness.main()
