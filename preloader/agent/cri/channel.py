"""gRPC over a unix socket: one call at a time, each with a time limit and a size limit.

The protocol is that of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Whatever the
peer does, a call ends in its answer or in a RuntimeFault.
"""

import contextlib
import socket
import time
from collections.abc import Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event

from preloader.agent import watchdog
from preloader.agent.cri.answer import Answer
from preloader.agent.cri.faults import BadAnswer, Refused, RuntimeFault, Unavailable
from preloader.agent.cri.frames import NO_ERROR, GoAwayFilter
from preloader.printable import shortened

# The limit of the kubelet's own client, and above what containerd sends.
ANSWER_MAX_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_MOST_OF_AN_ERROR = 300

# https://grpc.io/docs/guides/status-codes/
NOT_FOUND = 5


class Channel:
    """One connection to the socket at `path`, made when a call needs it and again after a fault."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._http = H2Connection()
        self._filter = GoAwayFilter()
        self._waits_for = ""

    def call(
        self, method: str, request: bytes, seconds: float, most_bytes: int | None = None
    ) -> bytes:
        """Returns the answer to `method` (`service/name`). Raises RuntimeFault."""
        answer = bytearray()
        self.read(method, request, seconds, answer.extend, most_bytes)
        return bytes(answer)

    def read(
        self,
        method: str,
        request: bytes,
        seconds: float,
        take: Callable[[bytes], object],
        most_bytes: int | None = None,
    ) -> None:
        """Gives `take` the answer piece by piece, of which none counts on a fault.

        Raises RuntimeFault, and what `take` raises of it.
        """
        deadline = time.monotonic() + seconds
        watchdog.alive()
        self._waits_for = "brought no answer"
        try:
            connection = self._connection(deadline)
            stream = self._http.get_next_available_stream_id()
            answer = Answer(stream, take, most_bytes or ANSWER_MAX_BYTES)
            self._exchange(connection, method, request, answer, deadline)
            answer.check()
        except Refused:
            raise
        except RuntimeFault:
            self.close()
            raise
        except TimeoutError:
            self.close()
            raise Unavailable(f"{method} {self._waits_for} in {seconds:g} s") from None
        except OSError as error:
            self.close()
            raise Unavailable(f"{self._path}: {error.strerror or error}") from None
        # What a peer asks of it makes the HTTP/2 library raise more than it documents, and whatever
        # it is, the connection is of no more use.
        except Exception as error:  # noqa: BLE001
            self.close()
            text = shortened(str(error), _MOST_OF_AN_ERROR)
            raise BadAnswer(f"not HTTP/2: {type(error).__name__}: {text}") from None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connection(self, deadline: float) -> socket.socket:
        if self._socket is not None and self._has_ended(self._socket):
            self.close()
        return self._socket or self._connect(deadline)

    def _has_ended(self, connection: socket.socket) -> bool:
        """Returns whether the runtime takes no further calls, as far as it has said so."""
        connection.settimeout(0)
        try:
            self._receive(connection)
        except BlockingIOError:
            pass
        except (OSError, RuntimeFault):
            return True
        return self._filter.is_going

    def _connect(self, deadline: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_remaining(deadline))
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        self._socket = connection
        self._filter = GoAwayFilter()
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._http.initiate_connection()
        return connection

    def _exchange(
        self,
        connection: socket.socket,
        method: str,
        request: bytes,
        answer: Answer,
        deadline: float,
    ) -> None:
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", f"/{method}"),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", f"{int(_remaining(deadline) * 1000) + 1}m"),
        ]
        body = b"\0" + len(request).to_bytes(4, "big") + request
        while not answer.ended:
            if headers and self._may_begin():
                self._http.send_headers(answer.stream, headers)
                headers = []
            if body and not headers:
                body = self._send_body(answer.stream, body)
            self._flush(connection, deadline)
            connection.settimeout(_remaining(deadline))
            for event in self._receive(connection):
                answer.note(event)
                if isinstance(event, DataReceived):
                    self._http.acknowledge_received_data(
                        event.flow_controlled_length or 0, event.stream_id or answer.stream
                    )
            if not answer.ended:
                self._check_goes_on(answer.stream)
        with contextlib.suppress(OSError):
            self._flush(connection, deadline)
        # An answer to half a request leaves a call open that would never end.
        if body or self._filter.is_going:
            self.close()

    def _may_begin(self) -> bool:
        most = self._http.remote_settings.max_concurrent_streams
        self._waits_for = f"could not begin: the runtime allows {most} calls at a time (HTTP/2)"
        return self._http.open_outbound_streams < most

    def _send_body(self, stream: int, body: bytes) -> bytes:
        """Sends what the peer has room for; returns the rest."""
        room = self._http.local_flow_control_window(stream)
        size = max(0, min(len(body), room, self._http.max_outbound_frame_size))
        if size:
            self._http.send_data(stream, body[:size], end_stream=size == len(body))
        body = body[size:]
        self._waits_for = (
            "could not be asked: the runtime takes no more of the request (HTTP/2 flow control)"
            if body
            else "brought no answer"
        )
        return body

    def _flush(self, connection: socket.socket, deadline: float) -> None:
        connection.settimeout(_remaining(deadline))
        connection.sendall(self._http.data_to_send())

    def _receive(self, connection: socket.socket) -> list[Event]:
        data = connection.recv(_READ_BYTES)
        if not data:
            raise Unavailable(f"{self._path}: the runtime closed the connection")
        return self._http.receive_data(self._filter.take(data))

    def _check_goes_on(self, stream: int) -> None:
        ended = self._filter
        if ended.is_going and (ended.error != NO_ERROR or stream > ended.last_stream):
            raise Unavailable(f"the runtime ended the connection (HTTP/2 error {ended.error})")


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining
