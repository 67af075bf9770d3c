"""The HTTP endpoint of metrics and health: whatever its clients do, it costs little and goes on.

At most `MOST_CONNECTIONS` are served at a time, and others wait. Each has `REQUEST_SECONDS` to send
its request, of which about `MOST_REQUEST_BYTES` are read at most, and as long to take the answer.
"""

import io
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import cast

from preloader.agent.clock import Clock
from preloader.agent.reporting.health import Health
from preloader.agent.reporting.metrics import render

MOST_CONNECTIONS = 8
MOST_REQUEST_BYTES = 8192
# A scraper sends one short request and reads one short answer.
REQUEST_SECONDS = 5
_READ_BYTES = 4096
_ENDS = (b"\n\r\n", b"\n\n")

_Request = socket.socket | tuple[bytes, socket.socket]
_Client = tuple[str, int] | tuple[str, int, int, int] | str


class Endpoint(ThreadingHTTPServer):
    """Serves `/metrics`, `/healthz` and `/readyz` on one address, in threads. Raises OSError."""

    request_queue_size = 64

    def __init__(self, address: str, port: int, health: Health, clock: Clock) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._health, self._clock = health, clock
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((address, port), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, path: str) -> tuple[int, str]:
        """Returns the HTTP status and the text of a page."""
        health, uptime = self._health, self._clock.uptime()
        why_not_alive = None if health.is_alive(uptime) else "the agent hangs"
        if path == "/metrics":
            return 200, render(health, uptime)
        if path not in {"/healthz", "/readyz"}:
            return 404, "not found"
        why_not = why_not_alive or (health.why_not if path == "/readyz" else None)
        return (200, "ok") if why_not is None else (503, why_not)

    def server_bind(self) -> None:
        """Not HTTPServer's, which asks the DNS for the host's name."""
        TCPServer.server_bind(self)

    def process_request(self, request: _Request, client_address: _Client) -> None:
        """Waits until fewer are served."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No thread could be started.
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: _Request, client_address: _Client) -> None:
        """Serves one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: _Request, client_address: _Client) -> None:
        """Says nothing of a client that went away: the report is the agent's only log."""


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_SECONDS

    def setup(self) -> None:
        super().setup()
        # The library's own reader has a time limit a byte and takes 6 MiB of headers.
        self.rfile = io.BytesIO(_read_head(self.connection))

    def do_GET(self) -> None:
        endpoint = cast("Endpoint", self.server)
        status, text = endpoint.answer(self.path.partition("?")[0])
        body = text.encode(errors="backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _read_head(connection: socket.socket) -> bytes:
    """Returns the request without its body. Raises OSError, also if it is too slow or too large."""
    deadline = time.monotonic() + REQUEST_SECONDS
    head = bytearray()
    while not any(end in head for end in _ENDS):
        if len(head) > MOST_REQUEST_BYTES:
            raise OSError("the request is too large")
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        data = connection.recv(_READ_BYTES)
        if not data:
            break
        head += data
        if time.monotonic() > deadline:
            raise TimeoutError
    connection.settimeout(REQUEST_SECONDS)
    return bytes(head)
