"""gRPC over a unix socket: one call at a time, each with a time limit and a size limit.

The protocol is that of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
"""

import contextlib
import socket
import time
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

# The limit of the kubelet's own client, and above what containerd sends.
ANSWER_MAX_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_PREFIX_BYTES = 5

# https://grpc.io/docs/guides/status-codes/
OK, CANCELLED, DEADLINE_EXCEEDED, NOT_FOUND, UNAVAILABLE = 0, 1, 4, 5, 14
_GONE = frozenset({CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE})


class RuntimeFault(Exception):
    """A call to the container runtime that brought no answer to use; the message says why."""


class Unavailable(RuntimeFault):
    """The runtime cannot be reached, went away, or did not answer in time: later it may."""


class Refused(RuntimeFault):
    """The runtime answered with an error about this one call."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text or f"gRPC status {status}")
        self.status = status


class BadAnswer(RuntimeFault):
    """The runtime's answer cannot be understood."""


class Channel:
    """One connection to the socket at `path`, made when a call needs it and again after a fault."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._http = H2Connection()

    def call(self, method: str, request: bytes, seconds: float) -> bytes:
        """Returns the answer to `method` (`service/name`). Raises RuntimeFault."""
        deadline = time.monotonic() + seconds
        try:
            connection = self._socket or self._connect(deadline)
            return self._exchange(connection, method, request, deadline)
        except Refused:
            raise
        except TimeoutError:
            self.close()
            raise Unavailable(f"{method} brought no answer in {seconds:g} s") from None
        except OSError as error:
            self.close()
            raise Unavailable(f"{self._path}: {error.strerror or error}") from None
        except RuntimeFault:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, deadline: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_remaining(deadline))
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        self._socket = connection
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._http.initiate_connection()
        return connection

    def _exchange(
        self, connection: socket.socket, method: str, request: bytes, deadline: float
    ) -> bytes:
        stream = self._http.get_next_available_stream_id()
        self._http.send_headers(
            stream,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", f"/{method}"),
                (":authority", "localhost"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("grpc-timeout", f"{int(_remaining(deadline) * 1000) + 1}m"),
            ],
        )
        prefix = b"\0" + len(request).to_bytes(4, "big")
        self._http.send_data(stream, prefix + request, end_stream=True)
        answer = _Answer(stream)
        while not answer.ended:
            self._send(connection, deadline)
            for event in self._receive(connection, deadline):
                answer.take(event)
                if isinstance(event, DataReceived):
                    self._http.acknowledge_received_data(
                        event.flow_controlled_length or 0, event.stream_id or stream
                    )
        with contextlib.suppress(OSError):
            self._send(connection, deadline)
        return answer.message()

    def _send(self, connection: socket.socket, deadline: float) -> None:
        connection.settimeout(_remaining(deadline))
        connection.sendall(self._http.data_to_send())

    def _receive(self, connection: socket.socket, deadline: float) -> list[Event]:
        connection.settimeout(_remaining(deadline))
        data = connection.recv(_READ_BYTES)
        if not data:
            raise Unavailable(f"{self._path}: the runtime closed the connection")
        try:
            return self._http.receive_data(data)
        # Broken input makes the HTTP/2 library raise more than it documents, and whatever it is,
        # the connection is of no more use.
        except Exception as error:  # noqa: BLE001
            raise BadAnswer(f"not HTTP/2: {type(error).__name__}: {error}") from None


class _Answer:
    """What has come of one call's answer."""

    def __init__(self, stream: int) -> None:
        self.ended = False
        self._stream = stream
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()

    def take(self, event: Event) -> None:
        """Raises RuntimeFault where the answer cannot be completed."""
        if isinstance(event, ConnectionTerminated):
            raise Unavailable("the runtime ended the connection")
        # Only one call is ever open: other streams are pushes that nobody asked for.
        if getattr(event, "stream_id", None) != self._stream:
            return
        if isinstance(event, StreamReset):
            raise Unavailable(f"the runtime reset the call (HTTP/2 error {event.error_code})")
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._headers.update((bytes(key), bytes(value)) for key, value in event.headers or ())
        elif isinstance(event, DataReceived):
            self._body += event.data or b""
            if len(self._body) > ANSWER_MAX_BYTES + _PREFIX_BYTES:
                raise BadAnswer(f"the answer is larger than {ANSWER_MAX_BYTES} bytes")
        elif isinstance(event, StreamEnded):
            self.ended = True

    def message(self) -> bytes:
        """Returns the one message of a complete answer. Raises RuntimeFault."""
        http_status = self._headers.get(b":status", b"")
        if http_status != b"200":
            raise BadAnswer(f"HTTP status {_printable(http_status)}")
        status = self._headers.get(b"grpc-status", b"")
        if not status.isdigit():
            raise BadAnswer(f"gRPC status {_printable(status)}")
        if int(status) in _GONE:
            raise Unavailable(self._text() or f"gRPC status {int(status)}")
        if int(status) != OK:
            raise Refused(int(status), self._text())
        size = int.from_bytes(self._body[1:_PREFIX_BYTES], "big")
        if len(self._body) != _PREFIX_BYTES + size or self._body[0] != 0:
            raise BadAnswer("the answer is not one uncompressed message")
        return bytes(self._body[_PREFIX_BYTES:])

    def _text(self) -> str:
        return unquote(_printable(self._headers.get(b"grpc-message", b"")))


def _printable(header: bytes) -> str:
    return header.decode("ascii", "replace")


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining
