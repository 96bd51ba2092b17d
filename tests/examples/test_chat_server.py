# SPDX-License-Identifier: MIT OR Apache-2.0
"""chat_server: everybody hears the others, in order; who does not read is dropped, and nobody waits for him."""

import re
import signal

import harness
import original

ORIGINAL = """
clients, last_number = {}, 0

def tell_others(speaker, what):
    line = f"client {speaker}{what}\\n"
    print(line, end="")
    for number, (writer, outbox) in list(clients.items()):
        if number != speaker:
            outbox.put_nowait(line.encode())

async def write_outbox(writer, outbox):
    while True:
        writer.write(await outbox.get())
        await writer.drain()

async def serve_client(reader, writer):
    global last_number
    last_number += 1
    me, outbox = last_number, asyncio.Queue(100)
    task = asyncio.create_task(write_outbox(writer, outbox))
    clients[me] = writer, outbox
    tell_others(me, " has come")
    while line := await reader.readline():
        tell_others(me, ": " + line.decode()[:-1])
    del clients[me]
    tell_others(me, " has left")
    task.cancel()
    writer.close()

async def serve():
    server = await asyncio.start_server(serve_client, "127.0.0.1", 0)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()

asyncio.run(serve())
"""
LISTENING = re.compile(r"^listening on 127\.0\.0\.1:(\d+)$")


class Client:
    def __init__(self, port, receive_buffer=None):
        self.connection = harness.connect(port, receive_buffer)
        self.file = self.connection.makefile("rb")

    def say(self, text):
        self.connection.sendall(text.encode() + b"\n")

    def hears(self):
        return self.file.readline().decode().rstrip("\n")

    def close(self):
        self.file.close()
        self.connection.close()


class ChatServer(original.Case):
    def port_of(self, program):
        self.program = program
        return int(program.wait_for_line(LISTENING)[1])

    def enter(self, port, receive_buffer=None):
        """A client, and what the server called it."""
        client = Client(port, receive_buffer)
        self.addCleanup(client.close)
        return client, int(self.program.wait_for_line(re.compile(r"^client (\d+) has come$"))[1])

    def talk(self, port):
        """What each of three clients hears of a talk."""
        heard = []
        ann, _ = self.enter(port)
        bob, _ = self.enter(port)
        heard.append(ann.hears())
        cat, _ = self.enter(port)
        heard += [ann.hears(), bob.hears()]
        for speaker, others in ((ann, (bob, cat)), (bob, (ann, cat)), (cat, (ann, bob))):
            for text in ("hello", "", "how are you?", "x" * 900):
                speaker.say(text)
                heard += [other.hears() for other in others]
        bob.close()
        heard += [ann.hears(), cat.hears()]
        ann.say("he is gone")
        heard.append(cat.hears())
        return heard

    def test_everybody_hears_what_the_original_tells(self):
        expected = self.talk(self.port_of(original.start(ORIGINAL)))
        program = harness.Program("chat_server")
        self.assertEqual(self.talk(self.port_of(program)), expected)
        self.assertEqual(expected[-1], "client 1: he is gone")
        self.stop(program)

    def stop(self, program):
        program.signal(signal.SIGINT)
        self.assertEqual(program.finish(), 0, str(program))
        self.assertRegex(program.lines["stdout"][-1], r"^\d+ clients served$")

    def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(self):
        program = harness.Program("chat_server", "--queue", 5)
        port = self.port_of(program)
        slow, number = self.enter(port, receive_buffer=4096)
        speaker, _ = self.enter(port)
        listener, _ = self.enter(port)
        speaker.hears()
        said = 0
        dropped = f"client {number} is too slow: dropped"
        # One line at a time: the queue of the listener never has more than one. That of the slow client fills, after
        # what the kernel has taken for it; that it has left may then be told before a line or after it.
        left = f"client {number} has left"
        while True:
            text = f"{said} " + "y" * 900
            speaker.say(text)
            heard = listener.hears()
            if heard == left:
                self.assertEqual(listener.hears(), f"client 2: {text}")
                break
            self.assertEqual(heard, f"client 2: {text}")
            said += 1
        self.assertEqual(speaker.hears(), left)
        while slow.hears():  # what it had been sent, up to the end
            pass
        self.stop(program)
        self.assertIn(dropped, program.lines["stdout"])

    def test_ctrl_c_ends_it_with_clients_there(self):
        program = harness.Program("chat_server")
        port = self.port_of(program)
        clients = [self.enter(port)[0] for _ in range(10)]
        self.stop(program)
        self.assertEqual(program.lines["stdout"][-1], "10 clients served")
        for client in clients:
            while client.hears():  # to the end of the stream
                pass

    def test_a_line_too_long_ends_its_client_only(self):
        program = harness.Program("chat_server")
        port = self.port_of(program)
        loud, _ = self.enter(port)
        other, _ = self.enter(port)
        self.assertEqual(loud.hears(), "client 2 has come")
        loud.say("z" * 5000)
        self.assertEqual(other.hears(), "client 1 has left")
        self.stop(program)

    def test_bad_arguments_are_told(self):
        for arguments in (["--queue", "0"], ["here"]):
            self.assertIn("usage: ", self.run_program("chat_server", *arguments, code=2).stderr)


if __name__ == "__main__":
    harness.main()
