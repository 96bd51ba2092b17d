# SPDX-License-Identifier: MIT OR Apache-2.0
"""http_files over raw sockets: what it answers, whatever it is asked."""

import email.utils
import os
import re
import socket
import struct
import threading
import time
import unittest

import harness
from http_folder import BIG, Served


class Answer:
    """One answer, read off a connection."""

    def __init__(self, connection, head_only=False):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise AssertionError(f"the server ended in the middle of {head!r}")
            head += byte
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.headers = {}
        for line in lines[1:-2]:
            name, value = line.split(": ", 1)
            assert name.lower() not in self.headers, line
            self.headers[name.lower()] = value
        assert self.version == "HTTP/1.1" and "date" in self.headers, head
        self.body = b""
        if not head_only and self.status != 304:
            length = int(self.headers["content-length"])
            self.body = harness.receive(connection, length)
            assert len(self.body) == length


class HttpFiles(Served):
    def connect(self):
        connection = harness.connect(self.port)
        self.addCleanup(connection.close)
        return connection

    def ask(self, target, *headers, method="GET", connection=None, version="HTTP/1.1", host=True):
        connection = connection or self.connect()
        lines = [f"{method} {target} {version}", *(["Host: here"] if host else []), *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        return Answer(connection, method == "HEAD")

    def assert_closed(self, connection):
        self.assertEqual(connection.recv(1), b"")

    def test_files_are_served_with_what_they_are(self):
        self.serve()
        for target, body, kind in (("/", b"<h1>hello</h1>\n", "text/html; charset=utf-8"),
                                   ("/index.html", b"<h1>hello</h1>\n", "text/html; charset=utf-8"),
                                   ("/small.txt?query=1#part", b"0123456789", "text/plain; charset=utf-8"),
                                   ("/big.bin", BIG, "application/octet-stream"),
                                   ("/empty", b"", "application/octet-stream"),
                                   ("/sub/page.HTML", b"page", "text/html; charset=utf-8"),
                                   ("/sub/with%20space%20%26%20%3cmark%3E.txt", b"odd", "text/plain; charset=utf-8"),
                                   ("/sub/%ce%b1.json", b"{}", "application/json"),
                                   ("/link.txt", b"0123456789", "text/plain; charset=utf-8"),
                                   ("/sub//page.HTML", b"page", "text/html; charset=utf-8"),
                                   ("http://here/small.txt", b"0123456789", "text/plain; charset=utf-8")):
            with self.subTest(target):
                answer = self.ask(target)
                self.assertEqual((answer.status, answer.body, answer.headers["content-type"]), (200, body, kind))
        self.assertEqual(self.end(), 11)

    def test_head_says_the_same_without_a_body(self):
        self.serve()
        connection = self.connect()
        for target in ("/small.txt", "/big.bin", "/nothing", "/sub"):
            head = self.ask(target, method="HEAD", connection=connection)
            get = self.ask(target, connection=connection)
            del head.headers["date"], get.headers["date"]
            self.assertEqual((head.status, head.headers), (get.status, get.headers))
        self.end()

    def test_nothing_outside_of_the_folder_is_served(self):
        self.serve("--list")
        for target in ("/../secret", "/%2e%2e/secret", "/%2E%2E%2fsecret", "/sub/../../secret", "/..", "/sub/..",
                       "/.%2e/secret", "/%2e%2e%5csecret", "/..%5csecret", "/sub/%00", "/small.txt%00.png"):
            with self.subTest(target):
                self.assertEqual(self.ask(target).status, 400)
        for target in ("/out.txt", "/out/secret", "/out/", "/root/etc/passwd", "/root/", "/%252e%252e/secret",
                       "/...", "/small.txt/", "/small.txt/x", "/index.html/..x"):
            with self.subTest(target):
                answer = self.ask(target)
                self.assertEqual(answer.status, 404)
                self.assertNotIn(b"secret", answer.body)
        self.end()

    def test_ranges(self):
        self.serve()
        connection = self.connect()
        for value, first, last in (("bytes=0-0", 0, 0), ("bytes=2-4", 2, 4), ("bytes=5-", 5, 9), ("bytes=-3", 7, 9),
                                   ("bytes=-99", 0, 9), ("bytes=9-99999999999", 9, 9)):
            with self.subTest(value):
                answer = self.ask("/small.txt", f"Range: {value}", connection=connection)
                self.assertEqual((answer.status, answer.body), (206, b"0123456789"[first:last + 1]))
                self.assertEqual(answer.headers["content-range"], f"bytes {first}-{last}/10")
        for value in ("bytes=10-", "bytes=99-100", "bytes=-0"):
            with self.subTest(value):
                answer = self.ask("/small.txt", f"Range: {value}", connection=connection)
                self.assertEqual((answer.status, answer.headers["content-range"]), (416, "bytes */10"))
        for value in ("bytes=4-2", "bytes=a-b", "bytes=1", "bytes=", "lines=1-2", "bytes=0-1,3-4", "bytes=--1",
                      "bytes=99999999999999999999-", "bytes=1-2x", "bytes=+1-2"):
            with self.subTest(value):
                answer = self.ask("/small.txt", f"Range: {value}", connection=connection)
                self.assertEqual((answer.status, answer.body), (200, b"0123456789"))
        answer = self.ask("/big.bin", "Range: bytes=1000000-1999999", connection=connection)
        self.assertEqual((answer.status, answer.body == BIG[1000000:2000000]), (206, True))
        etag = answer.headers["etag"]
        self.assertEqual(self.ask("/big.bin", "Range: bytes=0-1", f"If-Range: {etag}").status, 206)
        self.assertEqual(self.ask("/big.bin", "Range: bytes=0-1", 'If-Range: "other"').status, 200)
        self.assertEqual(self.ask("/empty", "Range: bytes=0-").status, 416)
        self.end()

    def test_what_is_known_already_is_not_sent_again(self):
        self.serve()
        connection = self.connect()
        first = self.ask("/small.txt", connection=connection)
        etag, modified = first.headers["etag"], first.headers["last-modified"]
        path = os.path.join(self.folder, "small.txt")
        self.assertEqual(email.utils.parsedate_to_datetime(modified).timestamp(), int(os.stat(path).st_mtime))
        later = email.utils.formatdate(time.time() + 1000, usegmt=True)
        earlier = email.utils.formatdate(os.stat(path).st_mtime - 10, usegmt=True)
        for header, status in ((f"If-None-Match: {etag}", 304), (f'If-None-Match: "a", {etag}', 304),
                               ("If-None-Match: *", 304), ('If-None-Match: "a"', 200), (f"If-None-Match: W/{etag}", 304),
                               (f"If-Modified-Since: {modified}", 304), (f"If-Modified-Since: {later}", 304),
                               (f"If-Modified-Since: {earlier}", 200), ("If-Modified-Since: yesterday", 200),
                               (f'If-None-Match: "a"\r\nIf-Modified-Since: {later}', 200)):
            with self.subTest(header):
                answer = self.ask("/small.txt", header, connection=connection)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["etag"], etag)
        with open(path, "ab") as file:
            file.write(b"more")
        self.assertEqual(self.ask("/small.txt", f"If-None-Match: {etag}", connection=connection).body, b"0123456789more")
        self.end()

    def test_folders(self):
        self.serve()
        answer = self.ask("/sub?x=1")
        self.assertEqual((answer.status, answer.headers["location"]), (301, "/sub/"))
        self.assertEqual(self.ask("//sub").headers["location"], "/sub/")  # no other server's name
        self.assertEqual(self.ask("/sub/").status, 404)
        self.assertEqual(self.ask("/nothing").status, 404)
        self.end()
        self.serve("--list")
        answer = self.ask("/sub/")
        self.assertEqual(answer.status, 200)
        self.assertIn(b'<a href="./with%20space%20%26%20%3Cmark%3E.txt">with space &#38; &#60;mark&#62;.txt</a>',
                      answer.body)
        self.assertIn('<a href="./%CE%B1.json">\N{GREEK SMALL LETTER ALPHA}.json</a>'.encode(), answer.body)
        self.assertEqual(self.ask("/").body, b"<h1>hello</h1>\n")
        self.end()

    def test_what_may_not_be_read_is_not_served(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        self.serve()
        os.chmod(os.path.join(self.folder, "small.txt"), 0)
        self.assertEqual(self.ask("/small.txt").status, 403)
        self.end()

    def test_a_connection_is_kept_as_long_as_both_want(self):
        self.serve()
        connection = self.connect()
        for _ in range(100):
            self.assertEqual(self.ask("/small.txt", connection=connection).headers["connection"], "keep-alive")
        self.assertEqual(self.ask("/small.txt", "Connection: foo, Close", connection=connection).headers["connection"],
                         "close")
        self.assert_closed(connection)
        connection = self.connect()
        self.ask("/small.txt", "Connection: keep-alive", connection=connection, version="HTTP/1.0")
        self.ask("/small.txt", connection=connection, version="HTTP/1.0", host=False)
        self.assert_closed(connection)
        self.end()

    def test_requests_sent_ahead_are_answered_in_order(self):
        self.serve()
        connection = self.connect()
        targets = ["/small.txt", "/big.bin", "/nothing", "/empty", "/"] * 8
        threading.Thread(target=connection.sendall, args=(
            b"".join(b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % target.encode() for target in targets),)).start()
        bodies = {"/small.txt": b"0123456789", "/big.bin": BIG, "/nothing": b"404 Not Found\n", "/empty": b"",
                  "/": b"<h1>hello</h1>\n"}
        for target in targets:
            self.assertTrue(Answer(connection).body == bodies[target], target)
        self.assertEqual(self.end(), len(targets))

    def test_requests_may_come_in_any_pieces(self):
        self.serve()
        connection = self.connect()
        for byte in b"GET /small.txt HTTP/1.1\r\nHost: here\r\n\r\n":
            connection.sendall(bytes([byte]))
        self.assertEqual(Answer(connection).body, b"0123456789")
        self.end()

    def test_what_is_no_request_is_refused_and_ends_the_connection(self):
        self.serve()
        good = b"GET / HTTP/1.1\r\nHost: here\r\n"
        for request, status in ((b"\r\n\r\n", 400), (b"GET /\r\n\r\n", 400), (b"GET  / HTTP/1.1\r\n\r\n", 400),
                                (b"GET / HTTP/1.1\r\n\r\n", 400), (good + b"Host: there\r\n\r\n", 400),
                                (b"GET / HTTP/2.0\r\nHost: here\r\n\r\n", 505), (b"GET / FTP/1.1\r\n\r\n", 400),
                                (b"GET nowhere HTTP/1.1\r\nHost: here\r\n\r\n", 400),
                                (b"GET /%zz HTTP/1.1\r\nHost: here\r\n\r\n", 400),
                                (b"GET /%4 HTTP/1.1\r\nHost: here\r\n\r\n", 400),
                                (b"GET /\x01 HTTP/1.1\r\nHost: here\r\n\r\n", 400),
                                (b"GET /sub\nX:1 HTTP/1.1\r\nHost: here\r\n\r\n", 400),
                                (good + b"no colon\r\n\r\n", 400), (good + b"Blank : x\r\n\r\n", 400),
                                (good + b"A: b\r\n folded\r\n\r\n", 400), (good + b"A: \x00\r\n\r\n", 400),
                                (good + b": x\r\n\r\n", 400), (b"\x16\x03\x01" + bytes(range(200)) + b"\r\n\r\n", 400),
                                (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414),
                                (good + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431), (b"x" * 20000, 431)):
            with self.subTest(request[:60]):
                connection = self.connect()
                connection.sendall(request)
                answer = Answer(connection)
                self.assertEqual((answer.status, answer.headers["connection"]), (status, "close"))
                self.assert_closed(connection)
        self.end()

    def test_bodies_and_other_methods_are_not_for_this_server(self):
        self.serve()
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "get"):
            self.assertEqual(self.ask("/small.txt", method=method).headers["allow"], "GET, HEAD")
        connection = self.connect()
        connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000000)
        self.assertEqual(Answer(connection).status, 405)  # and not a reset, although nobody wants the body
        self.assert_closed(connection)
        # What comes in a body is no request.
        connection = self.connect()
        connection.sendall(b"GET /small.txt HTTP/1.1\r\nHost: here\r\nContent-Length: 37\r\n\r\n"
                           b"GET /secret HTTP/1.1\r\nHost: here\r\n\r\n")
        self.assertEqual(Answer(connection).body, b"0123456789")
        self.assert_closed(connection)
        self.assertEqual(self.end(), 7)

    def test_slow_clients_meet_their_deadline_and_others_are_served(self):
        self.serve("--patience", "5", "--log")
        silent, dripping = self.connect(), self.connect()
        dripping.sendall(b"GET / HTTP/1.1\r\nX: ")
        # One that takes nothing: its file has to be larger than all buffers on the way.
        with open(os.path.join(self.folder, "huge"), "wb") as file:
            file.truncate(1 << 30)
        stalled = harness.connect(self.port, receive_buffer=4096)
        self.addCleanup(stalled.close)
        stalled.sendall(b"GET /huge HTTP/1.1\r\nHost: here\r\n\r\n")
        self.assertEqual(self.ask("/small.txt").body, b"0123456789")
        for connection in (silent, dripping):
            self.assertEqual(Answer(connection).status, 408)
            self.assert_closed(connection)
        self.program.wait_for_line(re.compile(r"^-110 GET /huge$"))  # timed out
        self.end()

    @unittest.skipUnless(os.path.exists("/proc/self/status"), "tells how much memory a program has had")
    def test_a_client_that_takes_no_answers_is_read_no_further(self):
        self.serve("--patience", "5")
        before, ahead = self.most_memory(), b"PUT / HTTP/1.1\r\nHost: here\r\n\r\n" * 1000
        connection = self.connect()
        with self.assertRaises(ConnectionError):
            for _ in range(1000):
                connection.sendall(ahead)
        self.assertLess(self.most_memory() - before, 32 << 20)
        self.assertEqual(self.ask("/small.txt").body, b"0123456789")
        self.end()

    def most_memory(self):
        with open(f"/proc/{self.program.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read(), re.M).group(1)) << 10

    def test_clients_that_go_away_in_the_middle_do_no_harm(self):
        self.serve()
        for i in range(50):
            connection = harness.connect(self.port)
            connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: here\r\n\r\n"[:20 if i % 3 == 0 else None])
            if i % 3 == 1:
                connection.recv(1000)
            if i % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.assertEqual(self.ask("/big.bin").body, BIG)
        self.end()

    def test_too_many_clients_are_told(self):
        self.serve("--clients", "2")
        kept = [self.connect(), self.connect()]
        for connection in kept:
            self.assertEqual(self.ask("/small.txt", connection=connection).status, 200)
        connection = self.connect()
        self.assertTrue(harness.receive(connection, 1 << 16).startswith(b"HTTP/1.1 503 "))
        for connection in kept:
            self.assertEqual(self.ask("/small.txt", connection=connection).status, 200)
        self.end()

    def test_its_end_ends_everything(self):
        self.serve("--log")
        waiting = [self.connect() for _ in range(20)]
        for connection in waiting[:10]:
            self.ask("/small.txt", connection=connection)
        stalled = harness.connect(self.port, receive_buffer=4096)
        self.addCleanup(stalled.close)
        stalled.sendall(b"GET /big.bin HTTP/1.1\r\nHost: here\r\n\r\n")
        self.assertEqual(stalled.recv(8), b"HTTP/1.1")
        self.end()
        self.assertIn("200 GET /small.txt", self.program.stdout)

    def test_what_cannot_be_served_is_told(self):
        self.assertIn("usage", self.run_program("http_files", code=2).stderr)
        self.assertIn("usage", self.run_program("http_files", "--patience", "0", self.folder, code=2).stderr)
        self.assertIn("/nowhere", self.run_program("http_files", "/nowhere", code=1).stderr)
        holder, port = harness.free_port()
        with holder:
            holder.listen()
            self.assertIn("in use", self.run_program("http_files", "--port", port, self.folder, code=1).stderr)


if __name__ == "__main__":
    harness.main()
