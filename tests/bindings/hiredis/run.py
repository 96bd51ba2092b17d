#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""run.py REDIS_SERVER PROGRAM [ARGUMENTS]: runs a test program beside a real server, which is started anew whenever it
dies; the program finds its port in RONDEL_REDIS_PORT."""

import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
from redis_server import RedisServer  # noqa: E402


class Immortal:
    """A server on one port, that lives again after each death."""

    def __init__(self, program):
        self._program = program
        self._server = RedisServer(program)
        self.port = self._server.port
        self._ending = False
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            self._server.process.wait()
            with self._lock:
                if self._ending:
                    return
                self._server.close()
                self._server = RedisServer(self._program, self.port)

    def close(self):
        with self._lock:
            self._ending = True
            self._server.close()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    server = Immortal(sys.argv[1])
    try:
        environment = dict(os.environ, RONDEL_REDIS_PORT=str(server.port))
        return subprocess.run(sys.argv[2:], env=environment).returncode
    finally:
        server.close()


sys.exit(main())
