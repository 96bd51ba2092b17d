# SPDX-License-Identifier: MIT OR Apache-2.0
"""The task benchmark on Python's asyncio. Prints nanoseconds each, and bytes for a sleeping task, as JSON."""
import asyncio
import json
import sys
import time


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


async def nothing():
    return 0


async def sleeper():
    await asyncio.sleep(3600)


async def main(count, sleepers):
    loop = asyncio.get_running_loop()
    found = {}

    def timed(name, begin, times=count):
        found[name] = (time.process_time_ns() - begin) / times

    future = loop.create_future()
    future.set_result(1)
    begin = time.process_time_ns()
    for _ in range(count):
        await future
    timed("await of a ready future", begin)

    begin = time.process_time_ns()
    for _ in range(count):
        await asyncio.sleep(0)
    timed("yield", begin)

    begin = time.process_time_ns()
    for _ in range(0, count, 1000):
        await asyncio.gather(*(nothing() for _ in range(1000)))
    timed("spawn and finish", begin)

    lock = asyncio.Lock()
    begin = time.process_time_ns()
    for _ in range(count):
        await lock.acquire()
        lock.release()
    timed("lock, uncontended", begin)

    async def producer(queue):
        for n in range(count):
            await queue.put(n)

    for room, name in ((64, "queue hand-over"), (1, "queue hand-over, room for one")):
        queue = asyncio.Queue(room)
        begin = time.process_time_ns()
        producing = loop.create_task(producer(queue))
        for _ in range(count):
            await queue.get()
        await producing
        timed(name, begin)

    before = resident()
    sleeping = [loop.create_task(sleeper()) for _ in range(sleepers)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    found["bytes of a sleeping task"] = (resident() - before) / sleepers
    for task in sleeping:
        task.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)
    print(json.dumps(found))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
