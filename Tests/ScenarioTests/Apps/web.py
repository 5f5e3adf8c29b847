"""What the other apps of the scenarios stand on: a threaded HTTP/1.1 server on $PORT or $SOCKET with kept-alive
connections, which ends at once when told to."""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    timeout = 300

    def do_GET(self):
        self.answer(200, b"ok\n")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def answer(self, status, body, **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "client"

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 4096

    def handle_error(self, request, client_address):
        """Connections that break are what these scenarios are about."""


class UnixServer(Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("client", 0)


def serve(handler):
    signal.signal(signal.SIGTERM, lambda *arguments: os._exit(0))
    if os.environ.get("SOCKET"):
        server = UnixServer(os.environ["SOCKET"], handler)
    else:
        server = Server(("127.0.0.1", int(os.environ["PORT"])), handler)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(serve(Handler))
