# SPDX-License-Identifier: MIT OR Apache-2.0
"""callback_chain: each callback sees the result and its argument, in the order of the original on asyncio."""

import harness
import original

ORIGINAL = """
from functools import partial

def tell(what, future):
    print(f"{what}: {future.result()}")

def add_one(future):
    next_step(future.get_loop(), future.result() + 1)

def next_step(loop, value):
    promise = loop.create_future()
    promise.add_done_callback(partial(tell, "goes on with" if value else "begins with"))
    promise.add_done_callback(add_one if value < 3 else partial(tell, "ends with"))
    promise.set_result(value)
    print("set")
    if value == 3:
        promise.add_done_callback(lambda promise: loop.stop())

async def count_down(number):
    await asyncio.sleep(0.001)
    return number

loop = asyncio.new_event_loop()
next_step(loop, 0)
loop.run_forever()
task = loop.create_task(count_down(42))
task.add_done_callback(partial(tell, "the task returned"))
loop.run_until_complete(task)
task.add_done_callback(partial(tell, "asked later, it still says"))
loop.call_soon(loop.stop)
loop.run_forever()
loop.close()
"""


class CallbackChain(original.Case):
    def test_says_what_the_original_says(self):
        program = self.assert_same("callback_chain", ORIGINAL)
        self.assertEqual(program.lines["stdout"][:2], ["set", "begins with: 0"])


if __name__ == "__main__":
    harness.main()
