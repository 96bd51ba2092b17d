# SPDX-License-Identifier: MIT OR Apache-2.0
"""glib_guest: both loops of it get their turns, and neither keeps the other one awake."""

import re
import signal
import threading

import harness

TICK = re.compile(r"^tick (\d+): (\d+) clients, (\d+) bytes, (\d+) turns")


class GlibGuest(harness.Case):
    def start(self):
        program = harness.Program("glib_guest")
        port = int(program.wait_for_line(re.compile(r"^listening on 127\.0\.0\.1:(\d+)$")).group(1))
        return program, port

    def tick(self, program, wanted=lambda clients, bytes, turns: True):
        while True:
            numbers = [int(number) for number in program.wait_for_line(TICK).groups()]
            if wanted(*numbers[1:]):
                return numbers

    def end(self, program):
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish(), 0, str(program))

    def test_timers_of_both_loops_fire(self):
        program, _ = self.start()
        first = self.tick(program)[0]
        self.assertEqual(self.tick(program)[0], first + 1)
        self.end(program)
        self.assertRegex(program.stderr, r"hello, says a call of Rondel's")

    def test_clients_are_served_between_the_ticks(self):
        program, port = self.start()
        message = bytes(range(256)) * 256
        wrong = []

        def talk():
            with harness.connect(port) as connection:
                for _ in range(5):
                    connection.sendall(message)
                    if harness.receive(connection, len(message)) != message:
                        wrong.append(port)

        threads = [threading.Thread(target=talk) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.tick(program, lambda clients, bytes, turns: clients == 0 and bytes == 20 * 5 * len(message))
        self.end(program)

    def test_the_guest_sleeps_while_nothing_happens(self):
        program, port = self.start()
        with harness.connect(port) as connection:
            connection.sendall(b"hello")
            self.assertEqual(harness.receive(connection, 5), b"hello")
            before = self.tick(program, lambda clients, bytes, turns: clients == 1 and bytes == 5)
            # The call 50 ms after the start has been made by the first tick; from the second on nothing is due.
            before = self.tick(program)
            for _ in range(5):
                self.assertEqual(self.tick(program)[3], before[3])
        self.tick(program, lambda clients, bytes, turns: clients == 0)
        self.end(program)

    def test_a_port_that_is_taken_is_told(self):
        holder, port = harness.free_port()
        with holder:
            holder.listen()
            self.assertIn("address", self.run_program("glib_guest", port, code=1).stderr.lower())


if __name__ == "__main__":
    harness.main()
