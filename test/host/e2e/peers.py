"""Helpers of the ports' self-test: a server that sends back what it gets, one that speaks HTTP, and a
visitor of the device's own port."""
import http.server
import socket
import socketserver
import threading
import time

from lab import PATIENCE

DELIVERED = 3000  # ACME_SELFTEST_DELIVERED


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except OSError:
            pass


class _Http(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"x" * 700
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a device that hangs up is no error of the bench


class Peers:
    """Both servers, and a port where nobody listens."""

    def __init__(self):
        self.taken = socket.socket()  # bound, so that nobody else can listen there
        self.taken.bind(("127.0.0.1", 0))
        self.refused = self.taken.getsockname()[1]
        self.servers = [_Server(("127.0.0.1", 0), _Echo), _Server(("127.0.0.1", 0), _Http)]
        self.echo, self.http = (s.server_address[1] for s in self.servers)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self):
        self.taken.close()
        for server in self.servers:
            server.shutdown()
            server.server_close()


def read_all(stream):
    data = b""
    while part := stream.recv(4096):
        data += part
    return data


def connect(port, seconds):
    end = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 30 * PATIENCE)
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds * PATIENCE:.0f} s for somebody at port {port}") from None
            time.sleep(0.05)


def visit_line(port, seconds=60):
    """The first visit: a line, which comes back. A forwarded connection may end before the device has
    begun to listen: that one is made again."""
    end = time.monotonic() + seconds * PATIENCE
    line = b"hello, device\n"
    while True:
        try:
            with connect(port, seconds) as s:
                s.sendall(line)
                answer = b""
                while len(answer) < len(line) and (part := s.recv(100)):
                    answer += part
                if answer == line:
                    return
        except OSError:
            pass
        if time.monotonic() > end:
            raise TimeoutError("the device does not send the line back")
        time.sleep(0.1)


def visit_take(port, seconds=60):
    """The second visit: what the device sends before it closes."""
    with connect(port, seconds) as s:
        return read_all(s)
