# SPDX-License-Identifier: MIT OR Apache-2.0
"""tasks_hello: three sleeps pass at once, and the program says what its original on asyncio says."""

import re

import harness
import original

ORIGINAL = """
second = int(sys.argv[1]) / 1000

async def say_hello(seconds):
    print("hello, I sleep", seconds, "s")
    await asyncio.sleep(seconds * second)
    return seconds

async def greet():
    began = time.monotonic()
    for slept in await asyncio.gather(*(say_hello(seconds) for seconds in (1, 2, 4))):
        print("slept", slept, "s")
    print(f"all of it took {(time.monotonic() - began) / second:.1f} s")

asyncio.run(greet())
"""
TOOK = re.compile(r"(?<=^all of it took )[\d.]+")


class TasksHello(original.Case):
    def test_says_what_the_original_says(self):
        program = self.assert_same("tasks_hello", ORIGINAL, 100, but_for=TOOK)
        # All were asleep before the first woke; and a sleep is never short.
        firsts = [line.split()[0] for line in program.lines["stdout"]]
        self.assertEqual(firsts, ["hello,"] * 3 + ["slept"] * 3 + ["all"])
        self.assertGreaterEqual(float(TOOK.search(program.lines["stdout"][-1])[0]), 4.0)

    def test_bad_arguments_are_told(self):
        self.assertIn("usage: ", self.run_program("tasks_hello", "soon", code=2).stderr)


if __name__ == "__main__":
    harness.main()
