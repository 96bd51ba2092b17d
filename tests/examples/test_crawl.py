# SPDX-License-Identifier: MIT OR Apache-2.0
"""crawl: every page is fetched or failed for, each within its time, and never more than ten at once."""

import re
import signal
import socket
import struct
import threading

import harness
import original

ORIGINAL = """
deadline, host, port, paths = float(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]
reasons = {asyncio.TimeoutError: "timed out", asyncio.IncompleteReadError: "end of stream",
           ConnectionResetError: "connection reset by the peer"}

async def fetch(path):
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n".encode())
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        return int(head.split()[1]), len(await reader.read())
    finally:
        writer.close()

async def visit(places, path):
    async with places:
        try:
            status, size = await asyncio.wait_for(fetch(path), deadline)
        except tuple(reasons) as error:
            print("failed ", path, "", reasons[type(error)])
            return 0
    print(f"{status:6}  {path}  {size} bytes")
    return status == 200

async def run_crawl():
    places = asyncio.Semaphore(10)
    fetched = await asyncio.gather(*(visit(places, path) for path in paths))
    print(sum(fetched), "of", len(paths), "fetched")

asyncio.run(run_crawl())
"""


class Server(harness.PythonServer):
    """Counts how many pages are being asked for at once: from the request up to the answer."""

    def __init__(self, together):
        self.lock = threading.Lock()
        self.active = self.most = self.asked = 0
        self.together = threading.Barrier(together)
        self.silent = threading.Semaphore(0)
        super().__init__(self.serve)

    def serve(self, connection):
        request = b""
        while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
            request += part
        path = request.split()[1].decode()
        if path.startswith("/slow"):
            self.silent.release()
            connection.recv(1)  # until the client has had enough
        elif path.startswith("/broken"):
            pass
        elif path.startswith("/reset"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.answer(connection, path)

    def answer(self, connection, path):
        with self.lock:
            self.active += 1
            self.asked += 1
            self.most = max(self.most, self.active)
            first = self.asked <= self.together.parties
        if first:
            self.together.wait(harness.PATIENCE)  # goes on when so many are there at once
        with self.lock:
            self.active -= 1  # before the answer, or the client might be quicker with its next request
        found = re.fullmatch(r"/page/(\d+)", path)
        body = b"x" * (int(found[1]) * 1000) if found else b"nothing here"
        connection.sendall(b"HTTP/1.0 %s\r\n\r\n" % (b"200 OK" if found else b"404 Not Found") + body)


PAGES = [f"/page/{number}" for number in range(40)]
TROUBLE = ["/slow/1", "/missing", "/slow/2", "/broken", "/reset"]
DEADLINE = 20 if harness.WRAPPER else 6  # which those that answer shall not miss, however busy the machine


class Crawl(original.Case):
    def test_says_what_the_original_says_and_is_at_ten_at_once(self):
        # The pages first: ten of them are to be there together, and with others between there might be fewer places.
        said = []
        for start in (original.start, harness.Program):
            with Server(10) as server:
                source = ORIGINAL if start is original.start else "crawl"
                program = start(source, "--deadline", DEADLINE, "127.0.0.1", server.port, *PAGES, *TROUBLE)
                self.assertEqual(program.finish(), int(start is harness.Program), str(program))
                self.assertEqual(server.most, 10)
            said.append(sorted(program.lines["stdout"]))
        self.assertEqual(said[1], said[0])
        self.assertIn("40 of 45 fetched", said[1])
        for line in ("   200  /page/7  7000 bytes", "   404  /missing  12 bytes", "failed  /slow/1  timed out",
                     "failed  /broken  end of stream", "failed  /reset  connection reset by the peer"):
            self.assertIn(line, said[1])

    def test_more_or_fewer_at_once(self):
        for at_once in (1, 25):
            with Server(at_once) as server:
                program = self.run_program("crawl", "--at-once", at_once, "127.0.0.1", server.port, *PAGES)
                self.assertEqual(server.most, at_once)
            self.assertEqual(program.lines["stdout"][-1], "40 of 40 fetched")

    def test_ctrl_c_ends_it_with_fetches_under_way(self):
        with Server(1) as server:
            program = harness.Program("crawl", "--deadline", 10 * harness.PATIENCE, "127.0.0.1", server.port,
                                      *(f"/slow/{number}" for number in range(30)))
            for _ in range(10):
                self.assertTrue(server.silent.acquire(timeout=harness.PATIENCE))
            program.signal(signal.SIGINT)
            self.assertEqual(program.finish(), 1, str(program))
        self.assertEqual(program.lines["stdout"][-1], "0 of 30 fetched")
        self.assertEqual(program.stdout.count("cancelled"), 10)  # those that had no place yet say nothing
        self.assertIn("crawl: cancelled", program.stderr)

    def test_a_server_that_is_not_there_is_said(self):
        holder, port = harness.free_port()
        with holder:
            program = self.run_program("crawl", "127.0.0.1", port, "/", code=1)
        self.assertEqual(program.lines["stdout"], ["failed  /  connection refused", "0 of 1 fetched"])

    def test_bad_arguments_are_told(self):
        for arguments in ([], ["127.0.0.1", "80"], ["127.0.0.1", "x", "/"], ["--at-once", "0", "127.0.0.1", "80", "/"]):
            with self.subTest(arguments):
                self.assertIn("usage: ", self.run_program("crawl", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
