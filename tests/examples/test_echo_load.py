# SPDX-License-Identifier: MIT OR Apache-2.0
"""echo_load against the echo server, and against servers that lie, leave or say nothing: it has to notice each."""

import re
import signal
import unittest

import harness
from harness import Program, PythonServer, free_port
from test_echo_server import LISTENING, SERVED

RIGHT = "every byte came back right"


def forward(connection, change=lambda data, at: data):
    """Echoes, with what `change` makes of the bytes that begin at `at` of all there were."""
    at = 0
    while data := connection.recv(65536):
        connection.sendall(change(data, at))
        at += len(data)


class EchoLoad(harness.Case):
    def with_echo_server(self, connections, messages, size):
        server = Program("echo_server", "--port", 0, "--quiet", "--size", size)
        port = int(server.wait_for_line(LISTENING)[1])
        load = self.run_program("echo_load", "--port", port, "--connections", connections, "--messages", messages,
                                "--size", size)
        server.signal(signal.SIGINT)
        self.assertEqual(server.finish(), 0, str(server))
        served = SERVED.search(server.stdout)
        self.assertEqual([int(served[i]) for i in (1, 2, 3)], [connections, connections, connections * messages])
        return load.stdout

    def against(self, talk, *arguments):
        """What it says against a server that does `talk`; it has to fail."""
        with PythonServer(talk) as server:
            load = self.run_program("echo_load", "--port", server.port, "--connections", 4, "--messages", 20,
                                    *arguments, code=1)
        self.assertNotIn(RIGHT, load.stdout)
        self.assertIn("FAILED", load.stderr)
        return load.stderr

    def test_every_message_is_echoed_and_measured(self):
        out = self.with_echo_server(connections=100, messages=20, size=64)
        self.assertRegex(out, r"(?m)^100 connections, 2000 messages of 64 bytes in [\d.]+ s$")
        self.assertGreater(float(re.search(r"(?m)^(\d+) messages per second", out)[1]), 0)
        p50, p99 = map(float, re.search(r"(?m)^latency p50 ([\d.]+) ms, p99 ([\d.]+) ms$", out).groups())
        self.assertGreater(p50, 0)
        self.assertLessEqual(p50, p99)
        self.assertEqual(out.splitlines()[-1], RIGHT)

    def test_messages_of_one_byte(self):
        self.assertIn(RIGHT, self.with_echo_server(connections=3, messages=50, size=1))

    def test_messages_larger_than_any_buffer_on_the_way(self):
        self.assertIn(RIGHT, self.with_echo_server(connections=3, messages=2, size=7_654_321))

    def test_python_server_passes_too(self):
        with PythonServer(forward) as server:
            load = self.run_program("echo_load", "--port", server.port, "--connections", 4, "--messages", 20)
        self.assertIn(RIGHT, load.stdout)

    def test_one_wrong_byte_is_found(self):
        def change(data, at):
            wrong = 64 * 7 + 5 - at
            return data[:wrong] + bytes([data[wrong] ^ 1]) + data[wrong + 1:] if 0 <= wrong < len(data) else data
        said = self.against(lambda connection: forward(connection, change))
        self.assertRegex(said, r"client \d, message 8: byte 5 was sent as 0x[0-9a-f]{2} and came back as 0x")

    def test_a_message_of_the_past_is_not_taken_for_the_answer(self):
        def repeat_the_first(connection):
            first = connection.recv(64)
            connection.sendall(first)
            while connection.recv(64):
                connection.sendall(first)
        self.assertRegex(self.against(repeat_the_first), r"client \d, message 2: byte \d+ was sent as")

    def test_a_lost_byte_is_found(self):
        said = self.against(lambda connection: forward(connection, lambda data, at: data[1:] if at == 64 else data))
        self.assertRegex(said, r"message 2: byte \d+ was sent")

    def test_bytes_after_the_last_answer_are_found(self):
        def add_one(connection):
            forward(connection)
            connection.sendall(b"!")
        self.assertIn("got bytes it never sent, after message 20", self.against(add_one))

    def test_a_server_that_closes_early_is_told(self):
        said = self.against(lambda connection: connection.sendall(connection.recv(64)[:10]))
        self.assertRegex(said, r"the server closed client \d in message 1 of 20, 10 of its 64 bytes were back")

    def test_a_silent_server_is_given_up(self):
        said = self.against(lambda connection: forward(connection, lambda data, at: data if at < 640 else b""),
                            "--timeout", 5)
        self.assertRegex(said, r"nothing came back for 5 s, 40 of 80 messages are missing")

    def test_a_server_killed_in_the_middle_is_told(self):
        server = Program("echo_server", "--port", 0, "--quiet")
        port = int(server.wait_for_line(LISTENING)[1])
        load = Program("echo_load", "--port", port, "--connections", 20, "--messages", 1_000_000)
        load.wait_for_line(re.compile(r"^20/20 clients, [1-9]\d*/20000000 messages, "), "stderr")
        server.signal(signal.SIGKILL)
        self.assertEqual(load.finish(), 1, str(load))
        self.assertRegex(load.stderr, r"FAILED: (client \d+ lost its connection|the server closed client \d+)")
        self.assertIn("start echo_server again", load.stderr)

    def test_a_refused_port_is_told(self):
        holder, port = free_port()
        with holder:
            load = self.run_program("echo_load", "--port", port, "--connections", 3, code=1)
        self.assertRegex(load.stderr, rf"cannot connect client \d to 127\.0\.0\.1 port {port}: .*is echo_server")

    @unittest.skipIf(harness.WRAPPER, "the wrapper needs descriptors of its own")
    def test_too_few_descriptors_are_told(self):
        with PythonServer(forward) as server:
            load = Program("echo_load", command=[
                "sh", "-c", 'ulimit -n 40 && exec "$@"', "sh", harness.path("echo_load"), "--port", str(server.port),
                "--connections", "100"])
            self.assertEqual(load.finish(), 1, str(load))
        self.assertRegex(load.stderr, r"cannot connect client \d+ .*raise `ulimit -n`")

    def test_bad_arguments_are_told(self):
        for arguments in (["--port", "0"], ["--port", "70000"], ["--size", "0"], ["--messages"], ["--size", ""],
                          ["x", "1"]):
            with self.subTest(arguments):
                self.assertIn("usage: ", self.run_program("echo_load", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
