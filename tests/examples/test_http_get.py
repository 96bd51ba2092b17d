# SPDX-License-Identifier: MIT OR Apache-2.0
"""http_get against python's own http.server, and against servers that break off, stall or speak something else."""

import os
import re
import sys
import tempfile

import harness
from harness import Program, PythonServer, free_port

SERVING = re.compile(r"^Serving HTTP on 127\.0\.0\.1 port (\d+) ")
SIZES = {"empty": 0, "small.txt": 5, "page.html": 70_000, "large.bin": 24 << 20}


def answer(reply):
    """A server that reads the request, sends `reply` and closes."""
    def talk(connection):
        request = b""
        while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
            request += part
        connection.sendall(reply)
    return talk


class HttpGet(harness.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, size in SIZES.items():
            with open(os.path.join(folder.name, name), "wb") as file:
                file.write(os.urandom(size))
        server = Program("http.server", command=[
            sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder.name])
        self.port = int(server.wait_for_line(SERVING)[1])

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def assert_fetched(self, program, name):
        self.assertRegex(program.stdout, rf"(?m)^   200  {re.escape(self.url(name))}  {SIZES[name]} bytes, [\d.]+ ms$")

    def test_all_pages_come_whole(self):
        program = self.run_program("http_get", *map(self.url, SIZES))
        for name in SIZES:
            self.assert_fetched(program, name)
        self.assertEqual(program.lines["stdout"][-1], "4 of 4 fetched")

    def test_fifty_at_once(self):
        # Not from http.server, whose backlog of five makes the system repeat connects after seconds.
        with PythonServer(answer(b"HTTP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000)) as server:
            program = self.run_program("http_get", *[f"http://127.0.0.1:{server.port}/"] * 50)
        self.assertEqual(len(re.findall(r"(?m)^   200  http://\S+  70000 bytes, ", program.stdout)), 50)
        self.assertEqual(program.lines["stdout"][-1], "50 of 50 fetched")

    def test_a_name_is_looked_up(self):
        program = self.run_program("http_get", f"http://localhost:{self.port}/small.txt")
        self.assertRegex(program.stdout, r"(?m)^   200  http://localhost:\d+/small.txt  5 bytes")

    def test_a_url_without_a_path_asks_for_the_root(self):
        program = self.run_program("http_get", f"http://127.0.0.1:{self.port}")
        self.assertRegex(program.stdout, r"(?m)^   200  http://127.0.0.1:\d+  \d+ bytes")

    def test_a_missing_page_fails_and_the_others_come(self):
        program = self.run_program("http_get", self.url("small.txt"), self.url("none"), self.url("large.bin"), code=1)
        self.assert_fetched(program, "small.txt")
        self.assert_fetched(program, "large.bin")
        self.assertRegex(program.stdout, rf"(?m)^   404  {self.url('none')}  \d+ bytes")
        self.assertEqual(program.lines["stdout"][-1], "2 of 3 fetched")

    def test_a_refused_port_fails_and_the_others_come(self):
        holder, port = free_port()
        with holder:
            program = self.run_program("http_get", f"http://127.0.0.1:{port}/", self.url("small.txt"), code=1)
        self.assertRegex(program.stdout, rf"(?m)^failed  http://127\.0\.0\.1:{port}/  .*refused")
        self.assert_fetched(program, "small.txt")

    def test_a_body_that_breaks_off_fails(self):
        with PythonServer(answer(b"HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\nonly this")) as server:
            url = f"http://127.0.0.1:{server.port}/"
            program = self.run_program("http_get", url, code=1)
        self.assertIn(f"failed  {url}  ", program.stdout)

    def test_a_body_without_a_length_ends_with_the_stream(self):
        with PythonServer(answer(b"HTTP/1.1 203 Fine\r\n\r\n" + b"x" * 100_000)) as server:
            program = self.run_program("http_get", f"http://127.0.0.1:{server.port}/")
        self.assertRegex(program.stdout, r"(?m)^   203  http://\S+  100000 bytes")

    def test_an_announced_end_is_not_waited_for(self):
        def keep_open(connection):
            answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")(connection)
            connection.recv(1)  # until the client closes
        with PythonServer(keep_open) as server:
            program = self.run_program("http_get", f"http://127.0.0.1:{server.port}/")
        self.assertRegex(program.stdout, r"(?m)^   200  http://\S+  4 bytes")

    def test_something_that_is_not_http_fails(self):
        for reply in (b"220 mail.example ESMTP\r\n\r\n", b"no end of a head",
                      b"HTTP/1.0 200 OK\r\nX: " + b"x" * 20_000):
            with self.subTest(reply[:30]), PythonServer(answer(reply)) as server:
                program = self.run_program("http_get", f"http://127.0.0.1:{server.port}/", code=1)
                self.assertRegex(program.stdout, r"(?m)^failed  http://\S+  \S")

    def test_a_silent_server_meets_the_deadline_and_the_others_come(self):
        for talk in (lambda connection: connection.recv(65536) and connection.recv(1),
                     lambda connection: answer(b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhalf")(connection)
                     or connection.recv(1)):
            with self.subTest(), PythonServer(talk) as server:
                url = f"http://127.0.0.1:{server.port}/"
                program = self.run_program("http_get", "--deadline", 20 if harness.WRAPPER else 5, url, self.url("small.txt"), code=1)
                self.assertRegex(program.stdout, rf"(?m)^failed  {url}  .*timed out")
                self.assert_fetched(program, "small.txt")

    def test_a_url_that_makes_no_sense_fails(self):
        for url in ("ftp://127.0.0.1/", "http://", "http://127.0.0.1:70000/", "http://127.0.0.1:80x/", "http://[::1/"):
            with self.subTest(url):
                program = self.run_program("http_get", url, code=1)
                self.assertIn(f"failed  {url}  ", program.stdout)

    def test_bad_arguments_are_told(self):
        for arguments in ([], ["--deadline", "0", "http://127.0.0.1/"], ["--deadline", "5"]):
            with self.subTest(arguments):
                self.assertIn("usage: ", self.run_program("http_get", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
