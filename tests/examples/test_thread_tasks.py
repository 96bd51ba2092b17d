# SPDX-License-Identifier: MIT OR Apache-2.0
"""thread_tasks: results, errors and the lack of either reach the thread, as in the original on asyncio."""

import harness
import original

ORIGINAL = """
from concurrent.futures import TimeoutError

loop = asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
send = lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop)

async def square(number):
    await asyncio.sleep(number / 1000)
    return number * number

async def fail():
    raise FileNotFoundError("no such file or directory")

async def sleep_long():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("in the loop: cancelled")
        raise

squares = [send(square(number)) for number in range(1, 6)]
for number, future in enumerate(squares, 1):
    print(number, "squared is", future.result())
try:
    send(fail()).result()
except OSError as error:
    print("failed:", error)
late = send(sleep_long())
try:
    late.result(timeout=0.5)
except TimeoutError:
    print("not waited for: timed out")
late.cancel()
async def wait_for_rest():
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
send(wait_for_rest()).result()
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
print("joined")
"""


class ThreadTasks(original.Case):
    def test_says_what_the_original_says(self):
        program = self.assert_same("thread_tasks", ORIGINAL)
        self.assertIn("5 squared is 25", program.lines["stdout"])


if __name__ == "__main__":
    harness.main()
