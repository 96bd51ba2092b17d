# SPDX-License-Identifier: MIT OR Apache-2.0
"""as_completed: results come in the order in which they are there, as in the original on asyncio."""

import harness
import original

ORIGINAL = """
second = int(sys.argv[1]) / 1000
errands = {"the long one": 4, "the short one": 1, "the other": 2, "the last": 3}

async def run_errand(what, seconds):
    await asyncio.sleep(seconds * second)
    return what, seconds

async def run_all():
    tasks = []
    for what, seconds in errands.items():
        tasks.append(asyncio.create_task(run_errand(what, seconds)))
        print("began", what)
    for done in asyncio.as_completed(tasks):
        what, seconds = await done
        print(f"done after {seconds} s: {what}")

asyncio.run(run_all())
"""


class AsCompleted(original.Case):
    def test_says_what_the_original_says(self):
        program = self.assert_same("as_completed", ORIGINAL, 100)
        self.assertEqual(program.lines["stdout"][4:], [
            "done after 1 s: the short one", "done after 2 s: the other", "done after 3 s: the last",
            "done after 4 s: the long one"])

    def test_bad_arguments_are_told(self):
        self.assertIn("usage: ", self.run_program("as_completed", "-1", code=2).stderr)


if __name__ == "__main__":
    harness.main()
