# SPDX-License-Identifier: MIT OR Apache-2.0
"""udp_time: its server asked by plain sockets, its client answered by them, and the two with each other."""

import re
import signal
import socket
import struct
import threading
import time

import harness
from harness import PATIENCE, Program

TELLING = re.compile(r"^telling the time at port (\d+)$")
ANSWERED = re.compile(r"^answered (\d+)$", re.M)
LINE = r"^{}: (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d) UTC, ([+-]\d+) s from ours, in [\d.]+ ms at try (\d+)$"
FROM_1900 = 2208988800


def bound(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.settimeout(PATIENCE)
    return made


class Answerer(threading.Thread):
    """A server whose answers the test decides: one for each question that comes, None for none."""

    def __init__(self, answers):
        super().__init__(daemon=True)
        self.socket, self.answers, self.questions = bound(), answers, []
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        for answer in self.answers:
            question, peer = self.socket.recvfrom(100)
            self.questions.append(question)
            if answer is not None:
                self.socket.sendto(answer, peer)

    def end(self):
        self.join(PATIENCE)
        self.socket.close()


class UdpTime(harness.Case):
    def serve(self):
        server = Program("udp_time", "serve", "--port", 0)
        return server, int(server.wait_for_line(TELLING)[1])

    def end(self, server, number=signal.SIGTERM):
        server.signal(number)
        self.assertEqual(server.finish(), 0, str(server))
        return int(ANSWERED.search(server.stdout)[1])

    def assert_is_now(self, answer):
        self.assertEqual(len(answer), 4)
        self.assertAlmostEqual(struct.unpack("!I", answer)[0] - FROM_1900, time.time(), delta=PATIENCE)

    def test_plain_sockets_are_told_the_time(self):
        server, port = self.serve()
        for host, question in ("127.0.0.1", b""), ("127.0.0.1", b"what time is it?"), ("::1", b""):
            try:
                client = bound(host)
            except OSError:
                continue  # no IPv6 here
            with client:
                client.sendto(question, (host, port))
                answer, peer = client.recvfrom(100)
                self.assert_is_now(answer)
                self.assertEqual(peer[:2], (host, port))
        self.assertGreaterEqual(self.end(server), 2)

    def test_answers_come_from_the_address_that_was_asked(self):
        server, port = self.serve()
        with bound() as client:
            client.sendto(b"", ("127.0.0.42", port))
            answer, peer = client.recvfrom(100)
            self.assert_is_now(answer)
            self.assertEqual(peer, ("127.0.0.42", port))
        self.end(server, signal.SIGINT)

    def test_many_who_ask_at_once_are_all_told(self):
        server, port = self.serve()
        # No more than the server's socket can hold while the server does not run.
        clients = [bound() for _ in range(120)]
        for client in clients:
            client.sendto(b"", ("127.0.0.1", port))
        for client in clients:
            self.assert_is_now(client.recv(100))
            client.close()
        self.assertEqual(self.end(server), 120)

    def test_client_and_server_agree(self):
        server, port = self.serve()
        names = ["127.0.0.1", "localhost", "127.0.0.7"]
        done = self.run_program("udp_time", "ask", "--port", port, "--wait", int(PATIENCE * 1000), *names)
        for name in names:
            told = re.search(LINE.format(re.escape(name)), done.stdout, re.M)
            self.assertIsNotNone(told, done.stdout)
            self.assertLessEqual(abs(int(told[2])), PATIENCE)
        self.assertEqual(self.end(server), 3)

    def test_the_client_tells_another_clock(self):
        hour_ahead = struct.pack("!I", int(time.time()) + FROM_1900 + 3600)
        answerer = Answerer([hour_ahead])
        done = self.run_program("udp_time", "ask", "--port", answerer.port, "--wait", int(PATIENCE * 1000), "127.0.0.1")
        told = re.search(LINE.format("127.0.0.1"), done.stdout, re.M)
        self.assertAlmostEqual(int(told[2]), 3600, delta=PATIENCE)
        answerer.end()
        self.assertEqual(answerer.questions, [b""])

    def test_a_lost_answer_is_asked_for_again(self):
        answerer = Answerer([None, None, struct.pack("!I", int(time.time()) + FROM_1900)])
        wait = 5000 if harness.WRAPPER else 1500
        done = self.run_program("udp_time", "ask", "--port", answerer.port, "--tries", 3, "--wait", wait, "127.0.0.1")
        self.assertEqual(re.search(LINE.format("127.0.0.1"), done.stdout, re.M)[3], "3")
        answerer.end()
        self.assertEqual(len(answerer.questions), 3)

    def test_silence_and_nonsense_and_nobody_are_told(self):
        silent, odd, nobody = Answerer([None, None]), Answerer([b"12345678"]), bound()
        port = nobody.getsockname()[1]
        nobody.close()
        ask = lambda port, *more: self.run_program("udp_time", "ask", "--port", port, *more, "127.0.0.1", code=1).stderr
        self.assertIn("127.0.0.1: timed out", ask(silent.port, "--tries", 2, "--wait", 50))
        self.assertIn("127.0.0.1: message too long", ask(odd.port, "--wait", int(PATIENCE * 1000)))
        self.assertIn("127.0.0.1: connection refused", ask(port, "--wait", int(PATIENCE * 1000)))
        silent.end()
        odd.end()

    def test_one_host_that_fails_keeps_no_other_from_answering(self):
        server, port = self.serve()
        done = self.run_program("udp_time", "ask", "--port", port, "--wait", int(PATIENCE * 1000), "no-such-host.invalid",
                                "127.0.0.1", code=1)
        self.assertIsNotNone(re.search(LINE.format("127.0.0.1"), done.stdout, re.M), done.stdout)
        self.assertIn("no-such-host.invalid: ", done.stderr)
        self.end(server)

    def test_a_port_in_use_is_told(self):
        server, port = self.serve()
        self.assertIn("address already in use", self.run_program("udp_time", "serve", "--port", port, code=1).stderr)
        self.end(server)

    def test_bad_arguments_are_told(self):
        for arguments in ([], ["sing"], ["ask"], ["serve", "--port", "70000"], ["serve", "--port"], ["serve", "x"],
                          ["serve", "--tries", "1"], ["ask", "--tries", "0", "h"], ["ask", "--port", "x", "h"]):
            with self.subTest(arguments):
                self.assertIn("usage: ", self.run_program("udp_time", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
