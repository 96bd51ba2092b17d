# SPDX-License-Identifier: MIT OR Apache-2.0
"""A web server on a free loopback port that does what a path asks for: /bytes/N sends N bytes, /status/N that status,
/redirect/N leads there by N redirects, /circle to itself, /die sends half of what it promised, /drop nothing, /silent
waits for the client to go, /drip/N sends N bytes slowly, /echo what was posted, /connections how many there were."""

import http.server
import socket
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def log_message(self, *arguments):
        pass

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        word, _, number = self.path.strip("/").partition("/")
        count = int(number) if number.isdigit() else 0
        if word == "bytes":
            self.answer(pattern(count))
        elif word == "status":
            self.answer(b"so be it\n", count)
        elif word == "redirect" and count:
            self.answer(status=302, Location=f"/redirect/{count - 1}")
        elif word == "redirect":
            self.answer(b"arrived")
        elif word == "circle":
            self.answer(status=302, Location="/circle")
        elif word == "connections":
            self.answer(str(self.server.connections).encode())
        elif word == "die":
            self.promise(1000)
            self.wfile.write(pattern(500))
        elif word == "drop":
            self.close_connection = True
        elif word == "silent":
            self.promise(1)
            self.rfile.read(1)
        elif word == "drip":
            self.promise(count)
            for byte in pattern(count):
                self.wfile.write(bytes([byte]))
                time.sleep(0.001)
        else:
            self.answer(b"no such page\n", 404)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def promise(self, count):
        """A head for so many bytes, and the end of the connection after whatever is sent."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", str(count))
        self.end_headers()


def pattern(count):
    return (b"0123456789abcdef" * (count // 16 + 1))[:count]


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.connections = 0
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that leave in the middle are what is tested

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.socket.close()


def refused_port():
    """A port that is taken and that nobody listens at, as long as the socket lives."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]
