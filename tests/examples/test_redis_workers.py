# SPDX-License-Identifier: MIT OR Apache-2.0
"""redis_workers: every job of the queue is done once, many at a time, and the program ends as it says."""

import re
import signal
import socket

import harness
from redis_server import RedisServer


class Redis:
    """As much of a client as is needed."""

    def __init__(self, port):
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)
        self._file = self._connection.makefile("rb")

    def __call__(self, *words):
        words = [str(word).encode() for word in words]
        self._connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self._reply()

    def _reply(self):
        line = self._file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return self._file.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        assert kind == b"+", line
        return rest.decode()

    def close(self):
        self._file.close()
        self._connection.close()


class RedisWorkers(harness.Case):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.redis = Redis(self.server.port)
        self.addCleanup(self.redis.close)

    def start(self, *arguments):
        program = harness.Program("redis_workers", *arguments, self.server.port)
        program.wait_for_line(re.compile("^waiting for jobs$"))
        return program

    def push(self, *jobs):
        self.redis("LPUSH", "jobs", *jobs)

    @staticmethod
    def complaint(program):
        """The last that it said on stderr; a wrapper may have said something before."""
        return program.lines["stderr"][-1] if program.lines["stderr"] else ""

    def results(self):
        return self.redis("LRANGE", "results", 0, -1)

    def test_a_task_a_job_works_on_all_at_once(self):
        program = self.start()
        self.push(1500, 500, 1000, "stop")
        self.assertEqual(program.finish(), 0, str(program))
        # The master took all of them before the first was done, and the shortest came first.
        self.assertEqual(self.results(), ["500", "1000", "1500"], str(program))
        what = [re.sub(r"^worker \d+: (\w+) .*", r"\1", line) for line in program.lines["stdout"]]
        self.assertEqual(what, ["waiting for jobs", *["begins"] * 3, *["done"] * 3, "3 jobs done"], str(program))

    def test_many_jobs_are_each_done_once(self):
        program = self.start()
        jobs = [i % 50 for i in range(500)]
        for job in jobs:
            self.push(job)
        self.push("stop")
        self.assertEqual(program.finish(), 0, str(program))
        self.assertEqual(sorted(map(int, self.results())), sorted(jobs))

    def test_consumers_share_the_queue(self):
        program = self.start("--consumers", 3)
        jobs = [i % 7 for i in range(60)]
        self.push(*jobs, "stop")
        self.assertEqual(program.finish(), 0, str(program))
        self.assertEqual(sorted(map(int, self.results())), sorted(jobs))
        done = re.findall(r"(?m)^worker (\d): done", program.stdout)
        self.assertEqual(len(done), len(jobs))
        self.assertEqual(set(done), {"1", "2", "3"}, str(program))

    def test_ctrl_c_ends_it_with_work_in_hand(self):
        for arguments in ((), ("--consumers", 2)):
            program = self.start(*arguments)
            self.push(10 ** 7, 10 ** 7)
            for _ in range(2):
                program.wait_for_line(re.compile("begins a job"))
            program.signal(signal.SIGINT)
            self.assertEqual(program.finish(), 1, str(program))
            self.assertIn("0 jobs done", program.stdout)
            self.assertEqual(self.complaint(program), "redis_workers: cancelled")

    def test_a_server_that_dies_ends_it(self):
        for arguments in ((), ("--consumers", 2)):
            program = self.start(*arguments)
            self.push(10 ** 7)
            program.wait_for_line(re.compile("begins a job"))
            self.server.kill()
            self.assertEqual(program.finish(), 1, str(program))
            self.assertRegex(self.complaint(program), r"^redis_workers: (end of stream|connection reset|not connected)")
            self.server = RedisServer()
            self.addCleanup(self.server.close)
            self.redis = Redis(self.server.port)
            self.addCleanup(self.redis.close)

    def test_no_server_is_said(self):
        holder, port = harness.free_port()
        with holder:
            program = self.run_program("redis_workers", port, code=1)
        self.assertEqual(self.complaint(program), "redis_workers: connection refused")


if __name__ == "__main__":
    harness.main()
