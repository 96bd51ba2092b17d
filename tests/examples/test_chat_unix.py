# SPDX-License-Identifier: MIT OR Apache-2.0
"""chat_unix: its server talks with Python's sockets and with its own client, its client with Python's server."""

import os
import re
import signal
import socket
import socketserver
import stat
import subprocess
import tempfile
import threading

import harness

COME = re.compile(r"^process (\d+) has come$")


class Client:
    """Of the chat, in Python."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(harness.PATIENCE)
        self.connection.connect(path)
        self.file = self.connection.makefile("rb")

    def say(self, text):
        self.connection.sendall(text.encode() + b"\n")

    def hears(self):
        return self.file.readline().decode().rstrip("\n")

    def close(self):
        self.file.close()
        self.connection.close()


class ChatUnix(harness.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "chat")

    def serve(self):
        server = harness.Program("chat_unix", "serve", self.path)
        server.wait_for_line(re.compile("^listening at "))
        return server

    def enter(self, server):
        client = Client(self.path)
        self.addCleanup(client.close)
        server.wait_for_line(COME)
        return client

    def join(self):
        return harness.Program("chat_unix", "join", self.path, stdin=subprocess.PIPE)

    def stop(self, server):
        server.signal(signal.SIGINT)
        self.assertEqual(server.finish(), 0, str(server))
        self.assertFalse(os.path.exists(self.path))

    def test_everybody_hears_the_others_and_who_they_are(self):
        server = self.serve()
        me = f"process {os.getpid()}"
        ann = self.enter(server)
        bob = self.enter(server)
        self.assertEqual(ann.hears(), f"{me} has come")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        for text in ("hello", "", "x" * 900):
            ann.say(text)
            self.assertEqual(bob.hears(), f"{me}: {text}")
        bob.say("hi\nthere")
        self.assertEqual([ann.hears(), ann.hears()], [f"{me}: hi", f"{me}: there"])
        bob.close()
        self.assertEqual(ann.hears(), f"{me} has left")
        self.stop(server)
        self.assertEqual(ann.hears(), "")

    def test_two_clients_of_its_own_and_one_of_pythons(self):
        server = self.serve()
        listener = self.enter(server)
        one, two = self.join(), self.join()
        # Behind a wrapper too, the process that connects is the one that was started.
        come = {listener.hears(), listener.hears()}
        self.assertEqual(come, {f"process {program.process.pid} has come" for program in (one, two)})
        one.process.stdin.write(b"said by one\n")
        one.process.stdin.flush()
        said = f"process {one.process.pid}: said by one"
        self.assertEqual(listener.hears(), said)
        two.wait_for_line(re.compile(f"^{said}$"))
        listener.say("said by python")
        for program in one, two:
            program.wait_for_line(re.compile(f"^process {os.getpid()}: said by python$"))
        one.process.stdin.write(b"last words")  # without an end of line: it never was one
        one.process.stdin.close()
        self.assertEqual(one.finish(), 0, str(one))
        self.assertEqual(listener.hears(), f"process {one.process.pid} has left")
        server.signal(signal.SIGINT)
        self.assertEqual(server.finish(), 0, str(server))
        self.assertEqual(two.finish(), 0, str(two))  # though its input is still open

    def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(self):
        server = self.serve()
        slow = self.enter(server)
        speaker = self.enter(server)
        listener = self.enter(server)
        speaker.hears()
        said, left = 0, f"process {os.getpid()} has left"
        while True:
            text = f"{said} " + "y" * 900
            speaker.say(text)
            heard = listener.hears()
            if heard == left:
                break
            self.assertEqual(heard, f"process {os.getpid()}: {text}")
            said += 1
        self.assertGreater(said, 1000)  # a megabyte
        while slow.hears():
            pass
        self.stop(server)
        self.assertIn(f"process {os.getpid()} is too slow: dropped", server.lines["stdout"])

    def test_a_crash_leaves_a_socket_that_the_next_server_replaces(self):
        crashed = self.serve()
        crashed.process.kill()
        crashed.finish()
        self.assertTrue(os.path.exists(self.path))
        refused = self.run_program("chat_unix", "join", self.path, code=1)
        self.assertIn("connection refused", refused.stderr)
        server = self.serve()
        second = self.run_program("chat_unix", "serve", self.path, code=1)
        self.assertIn("address already in use", second.stderr)
        self.enter(server).say("works")
        self.stop(server)

    def test_its_client_talks_with_a_server_of_pythons(self):
        heard = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    heard.append(line)
                    self.wfile.write(b"you said " + line)
                self.wfile.write(b"goodbye\n")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        with Server(self.path, Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            client = self.join()
            lines = [f"line {i} {'z' * (i % 300)}".encode() for i in range(20000)]
            client.process.stdin.write(b"\n".join(lines) + b"\n")
            client.process.stdin.close()
            self.assertEqual(client.finish(), 0, str(client)[:500])
            server.shutdown()
        self.assertEqual(heard, [line + b"\n" for line in lines])
        self.assertEqual(client.lines["stdout"], [f"you said {line.decode()}" for line in lines] + ["goodbye"])

    def test_bad_arguments_and_paths_are_told(self):
        for arguments in ([], ["serve"], ["hear", self.path], ["join", self.path, "x"]):
            self.assertIn("usage: ", self.run_program("chat_unix", *arguments, code=2).stderr)
        self.assertIn("no such file", self.run_program("chat_unix", "join", self.path, code=1).stderr)
        long = os.path.join(self.path, "x" * 200)
        for role in "serve", "join":
            self.assertIn("too long", self.run_program("chat_unix", role, long, code=1).stderr)


if __name__ == "__main__":
    harness.main()
