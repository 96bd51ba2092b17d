# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of the examples share: they run the real programs and look at what these print and return.

RONDEL_EXAMPLE_WRAPPER is put before every program ("valgrind -q --error-exitcode=99 ..."). No wait is without a
limit: a program that says nothing, or does not end, fails the test and is killed.
"""

import os
import queue
import re
import shlex
import socket
import subprocess
import sys
import threading
import unittest

WRAPPER = shlex.split(os.environ.get("RONDEL_EXAMPLE_WRAPPER", ""))
PATIENCE = 200.0 if WRAPPER else 40.0  # seconds for any one thing; never waited for when all is well

_programs = []
_directory = None


def path(name):
    return os.path.join(_directory, name)


class Program:
    """A running example. Its lines are read as they come, so that a test can wait for one."""

    def __init__(self, name, *arguments, command=None, stdin=subprocess.DEVNULL):
        self.command = command or WRAPPER + [path(name), *map(str, arguments)]
        self.process = subprocess.Popen(
            self.command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = {"stdout": [], "stderr": []}
        self._arrivals = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr))]
        for reader in self._readers:
            reader.start()
        _programs.append(self)

    def _read(self, name, stream):
        for line in stream:
            line = line.decode(errors="replace").rstrip("\n")
            if WRAPPER and re.match(r"--\d+-- ", line):
                continue  # valgrind's, of a system call it does not know
            self.lines[name].append(line)
            self._arrivals.put((name, line))
        self._arrivals.put((name, None))

    def wait_for_line(self, wanted, stream="stdout"):
        """The match of the regular expression `wanted` in the next line that has it."""
        while True:
            try:
                name, line = self._arrivals.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"{self} did not print {wanted.pattern!r} on {stream}") from None
            if name == stream and line is None:
                raise AssertionError(f"{self} ended its {stream} before {wanted.pattern!r}")
            found = name == stream and wanted.search(line)
            if found:
                return found

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Waits for the end; the exit code."""
        try:
            code = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not end") from None
        for reader in self._readers:
            reader.join(timeout=PATIENCE)
        return code

    @property
    def stdout(self):
        return "\n".join(self.lines["stdout"])

    @property
    def stderr(self):
        return "\n".join(self.lines["stderr"])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        self.process.stdout.close()
        self.process.stderr.close()
        if self.process.stdin:
            self.process.stdin.close()

    def __str__(self):
        return f"{' '.join(self.command)} (stdout: {self.stdout!r}, stderr: {self.stderr!r})"


class Case(unittest.TestCase):
    def tearDown(self):
        while _programs:
            _programs.pop().kill()

    def run_program(self, name, *arguments, code=0):
        """Runs it to its end, which has to be `code`."""
        program = Program(name, *arguments)
        self.assertEqual(program.finish(), code, str(program))
        return program


class PythonServer:
    """A server on a free loopback port: `talk(connection)` runs in a thread for each connection."""

    def __init__(self, talk):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(PATIENCE)
            try:
                self._talk(connection)
            except OSError:
                pass  # the program under test may leave at any time; it is its own report that is looked at

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._listener.close()


def connect(port, receive_buffer=None):
    connection = socket.socket()
    connection.settimeout(PATIENCE)
    if receive_buffer is not None:  # before the connect, or the window may have been offered already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection, count):
    """Exactly `count` bytes, or fewer if the peer ends."""
    parts = []
    while count > 0:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def free_port():
    """A port that nobody listens on: bound, but not listening, until the returned socket is closed."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


def _give_up():
    print(f"not done after {limit:.0f} s", file=sys.stderr, flush=True)
    for program in list(_programs):
        print(program, file=sys.stderr, flush=True)
        program.process.kill()
    os._exit(1)


limit = PATIENCE * 1.4  # above PATIENCE, so that a wait that fails gets to say which one it was


def main():
    global _directory
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} DIRECTORY_OF_THE_EXAMPLES [unittest arguments]")
    _directory = os.path.abspath(sys.argv.pop(1))
    watchdog = threading.Timer(limit, _give_up)
    watchdog.daemon = True
    watchdog.start()
    unittest.main(module="__main__")
