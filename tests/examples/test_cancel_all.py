# SPDX-License-Identifier: MIT OR Apache-2.0
"""cancel_all: a real Ctrl-C in mid-sleep cancels every task, each says so, and the program ends in order."""

import re
import signal

import harness
import original

ORIGINAL = """
async def work(number):
    print(f"worker {number}: asleep")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print(f"worker {number}: cancelled")
        await asyncio.sleep(number / 1000)
        print(f"worker {number}: cleaned up")
        raise

async def employ():
    workers = [asyncio.create_task(work(number)) for number in (1, 2, 3)]
    try:
        await asyncio.gather(*workers)
    except asyncio.CancelledError:
        # asyncio's gather does not wait for those that it cancels.
        await asyncio.wait(workers)
        print("main: cancelled")
        raise

try:
    asyncio.run(employ())
except KeyboardInterrupt:
    print("interrupted")
"""
ASLEEP = re.compile("^worker 3: asleep$")


class CancelAll(original.Case):
    def interrupt(self, program):
        program.wait_for_line(ASLEEP)
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish(), 0, str(program))
        return program.lines["stdout"]

    def test_says_what_the_original_says(self):
        said = self.interrupt(harness.Program("cancel_all"))
        self.assertEqual(said, [
            *(f"worker {number}: asleep" for number in (1, 2, 3)),
            *(f"worker {number}: cancelled" for number in (1, 2, 3)),
            *(line for line in said if line.endswith(": cleaned up")), "main: cancelled", "interrupted"])
        # The clean-ups are a millisecond apart: their order is the machine's.
        self.assertEqual(sorted(self.interrupt(original.start(ORIGINAL))), sorted(said))


if __name__ == "__main__":
    harness.main()
