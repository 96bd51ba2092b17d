# SPDX-License-Identifier: MIT OR Apache-2.0
"""echo_server against raw sockets: good clients, and the ones that servers die of."""

import random
import re
import select
import signal
import socket
import struct

import harness
from harness import Program, connect, receive

LISTENING = re.compile(r"^listening on 127\.0\.0\.1:(\d+)$")
SERVED = re.compile(r"^served (\d+) clients \((\d+) at once\), (\d+) messages, ([\d.]+) MiB each way$", re.M)
COST = re.compile(r"^CPU per message ([\d.]+) us \(user [\d.]+, system [\d.]+\)$", re.M)
MIB = 1 << 20


def pattern(length, seed):
    """Always the same bytes for the same seed, in which no block can stand for another."""
    return random.Random(seed).randbytes(length)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class EchoServer(harness.Case):
    def start(self, *arguments):
        server = Program("echo_server", "--port", 0, *arguments)
        return server, int(server.wait_for_line(LISTENING)[1])

    def end(self, server, number=signal.SIGINT):
        server.signal(number)
        self.assertEqual(server.finish(), 0, str(server))
        served = SERVED.search(server.stdout)
        self.assertIsNotNone(served, str(server))
        return [int(served[i]) for i in (1, 2, 3)]

    def assert_echoes(self, port):
        with connect(port) as connection:
            connection.sendall(b"still there?")
            self.assertEqual(receive(connection, 12), b"still there?")

    def stall(self, connection, data):
        """Sends without reading until nothing more is taken; how much that was."""
        connection.setblocking(False)
        sent = 0
        while sent < len(data) and select.select([], [connection], [], 1)[1]:
            sent += connection.send(data[sent:sent + MIB])
        connection.settimeout(harness.PATIENCE)
        return sent

    def test_many_clients_at_once_each_get_their_own_bytes(self):
        server, port = self.start("--quiet", "--size", 1000)
        clients = [connect(port) for _ in range(200)]
        for round in range(3):
            for i, client in enumerate(clients):
                client.sendall(pattern(1000, i + round))
            for i, client in enumerate(clients):
                self.assertEqual(receive(client, 1000), pattern(1000, i + round))
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(1), b"")
            client.close()
        self.assertEqual(self.end(server), [200, 200, 600])
        self.assertGreater(float(COST.search(server.stdout)[1]), 0)

    def test_half_closed_client_gets_everything_then_the_end(self):
        # With some of these sizes the server learns of the half-close while answers are still in its own queue,
        # beyond what the system takes: one of the sizes falls into the mebibyte before it stops reading.
        server, port = self.start("--quiet")
        data = pattern(32 * MIB, 5)
        previous, stalled = None, False
        for size in range(MIB // 2, len(data), MIB // 2):
            client = connect(port, receive_buffer=64 * 1024)
            sent = self.stall(client, data[:size])
            client.shutdown(socket.SHUT_WR)
            for connection, count in filter(None, [previous, (client, sent) if sent < size else None]):
                with connection:
                    self.assertEqual(receive(connection, len(data)), data[:count])
            if sent < size:
                stalled = True
                break
            previous = client, sent
        self.assertTrue(stalled)
        self.end(server)

    def test_slow_reader_is_paused_and_loses_nothing(self):
        server, port = self.start("--quiet")
        data = pattern(96 * MIB, 9)
        with connect(port) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            sent = self.stall(slow, data)
            # What the two sockets hold is the system's; a server without watermarks takes all of it.
            self.assertLess(sent, 64 * MIB)
            self.assert_echoes(port)
            self.assertEqual(receive(slow, sent), data[:sent])
            slow.sendall(b"awake again")
            self.assertEqual(receive(slow, 11), b"awake again")
        self.end(server)

    def test_reset_clients_are_forgotten_and_the_server_lives(self):
        server, port = self.start()
        for _ in range(20):
            client = connect(port)
            client.sendall(pattern(MIB // 4, 1))
            reset(client)
        stalled = connect(port)
        self.stall(stalled, pattern(96 * MIB, 2))
        reset(stalled)  # while its answers are queued and the reading from it is paused
        server.wait_for_line(re.compile(r"(^|\D)0 clients, "), "stderr")
        self.assert_echoes(port)
        self.assertEqual(self.end(server)[0], 22)

    def test_progress_tells_clients_and_messages(self):
        server, port = self.start()
        with connect(port) as client:
            client.sendall(b"one")
            self.assertEqual(receive(client, 3), b"one")
            server.wait_for_line(re.compile(r"^1 clients, \d+ messages/s, [\d.]+ MiB/s each way$"), "stderr")
        self.end(server)

    def test_interrupt_ends_it_with_clients_connected_and_answers_queued(self):
        server, port = self.start("--quiet")
        idle, stalled = connect(port), connect(port)
        with idle, stalled:
            idle.sendall(b"hello")
            self.assertEqual(receive(idle, 5), b"hello")
            self.stall(stalled, pattern(96 * MIB, 3))
            self.assertEqual(self.end(server)[:2], [2, 2])
            self.assertEqual(idle.recv(1), b"")

    def test_terminate_ends_it_before_any_client(self):
        server, _ = self.start("--quiet")
        self.assertEqual(self.end(server, signal.SIGTERM), [0, 0, 0])
        self.assertNotRegex(server.stdout, COST)

    def test_port_in_use_is_told(self):
        _, port = self.start("--quiet")
        second = self.run_program("echo_server", "--port", port, code=1)
        self.assertIn(f"cannot listen on port {port}: ", second.stderr)

    def test_bad_arguments_are_told(self):
        for arguments in (["--port", "70000"], ["--port", "x"], ["--port"], ["--port", ""], ["--size", "-1"], ["7000"]):
            with self.subTest(arguments):
                self.assertIn("usage: ", self.run_program("echo_server", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
