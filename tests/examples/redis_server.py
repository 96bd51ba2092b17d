# SPDX-License-Identifier: MIT OR Apache-2.0
"""A real redis-server for a test: on a free loopback port, in a folder of its own, keeping nothing."""

import re
import shutil
import socket
import subprocess
import tempfile
import threading

TRIES = 5  # for a port that somebody takes between our looking and the server's


class RedisServer:
    def __init__(self, program="redis-server", port=None):
        self._folder = tempfile.mkdtemp(prefix="rondel-redis-")
        try:
            for _ in range(TRIES):
                self.port = port or self._free_port()
                if self._start(program):
                    return
            raise RuntimeError(f"{program} did not start: {self._said}")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @staticmethod
    def _free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def _start(self, program):
        self._said = ""
        self.process = subprocess.Popen(
            [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
             "--daemonize", "no", "--dir", self._folder, "--logfile", ""],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        for line in self.process.stdout:
            self._said += line
            if re.search(r"ready to accept connections", line, re.IGNORECASE):
                # What else it says is of no use, but must not fill the pipe.
                self._drain = threading.Thread(target=self._read_on, daemon=True)
                self._drain.start()
                return True
        self.process.wait()
        self.process.stdout.close()
        return False

    def _read_on(self):
        for _ in self.process.stdout:
            pass

    def kill(self):
        """Ends it at once, as a crash would."""
        self.process.kill()
        self.process.wait()
        self._drain.join()

    def close(self):
        self.kill()
        self.process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
