# SPDX-License-Identifier: MIT OR Apache-2.0
"""nested: what the tasks below found is returned upward, in the order of the original on asyncio."""

import harness
import original

ORIGINAL = """
room = ("room", 0, [("desk", 0, [("drawer", 2, [("purse", 7, []), ("tin", 30, [])]), ("shelf", 0, [])]),
                    ("coat", 3, [])])

async def count_coins(name, coins, boxes):
    print("looking into the", name)
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(count_coins(*box)) for box in boxes]
    for task in tasks:
        coins += await task
    print("the", name, "has", coins)
    return coins

print(asyncio.run(count_coins(*room)), "coins in all")
"""


class Nested(original.Case):
    def test_says_what_the_original_says(self):
        program = self.assert_same("nested", ORIGINAL)
        self.assertEqual(program.lines["stdout"][-1], "42 coins in all")


if __name__ == "__main__":
    harness.main()
