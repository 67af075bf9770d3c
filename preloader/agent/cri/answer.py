"""The answer to one gRPC call, as it comes: its headers, its one message, how it ended."""

from collections.abc import Callable
from urllib.parse import unquote

from h2.events import (
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from preloader.agent.cri.faults import BadAnswer, Refused, TooLarge, Unavailable
from preloader.printable import shortened

_PREFIX_BYTES = 5
# The status codes are 0 to 16: https://grpc.io/docs/guides/status-codes/. What has more digits than
# a 32-bit number is none.
_STATUS_MOST_DIGITS = 10
_MOST_OF_A_TEXT = 1000
_OK, _CANCELLED, _DEADLINE_EXCEEDED, _UNAVAILABLE = 0, 1, 4, 14
_GONE = frozenset({_CANCELLED, _DEADLINE_EXCEEDED, _UNAVAILABLE})


class Answer:
    """What has come of the answer on one stream; `take` gets the message piece by piece."""

    def __init__(self, stream: int, take: Callable[[bytes], object], most_bytes: int) -> None:
        self.ended = False
        self.stream = stream
        self._take = take
        self._most_bytes = most_bytes
        self._headers: dict[bytes, bytes] = {}
        self._prefix = bytearray()
        self._missing = 0

    def note(self, event: Event) -> None:
        """Raises RuntimeFault where the answer cannot be completed."""
        # Only one call is ever open: other streams are pushes that nobody asked for.
        if getattr(event, "stream_id", None) != self.stream:
            return
        if isinstance(event, StreamReset):
            raise Unavailable(f"the runtime reset the call (HTTP/2 error {event.error_code})")
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._headers.update((bytes(key), bytes(value)) for key, value in event.headers or ())
        elif isinstance(event, DataReceived):
            self._take_body(event.data or b"")
        elif isinstance(event, StreamEnded):
            self.ended = True

    def check(self) -> None:
        """Raises RuntimeFault unless the answer that has ended is one whole message."""
        http_status = self._headers.get(b":status", b"")
        if http_status != b"200":
            raise BadAnswer(f"HTTP status {_text(http_status)}")
        status = self._headers.get(b"grpc-status", b"")
        if not status.isdigit() or len(status) > _STATUS_MOST_DIGITS:
            raise BadAnswer(f"gRPC status {_text(status)}")
        said = shortened(unquote(_text(self._headers.get(b"grpc-message", b""))), _MOST_OF_A_TEXT)
        if int(status) in _GONE:
            raise Unavailable(said or f"gRPC status {int(status)}")
        if int(status) != _OK:
            raise Refused(int(status), said)
        if len(self._prefix) < _PREFIX_BYTES or self._missing:
            raise BadAnswer("the answer is not one whole message")

    def _take_body(self, data: bytes) -> None:
        if len(self._prefix) < _PREFIX_BYTES:
            needed = _PREFIX_BYTES - len(self._prefix)
            self._prefix += data[:needed]
            if len(self._prefix) < _PREFIX_BYTES:
                return
            data = data[needed:]
            self._missing = int.from_bytes(self._prefix[1:], "big")
            if self._prefix[0] != 0:
                raise BadAnswer("the answer is compressed, which was not asked for")
            if self._missing > self._most_bytes:
                raise TooLarge(
                    f"the answer has {self._missing} bytes, more than the {self._most_bytes} "
                    "that are read"
                )
        if len(data) > self._missing:
            raise BadAnswer("the answer is more than one message")
        self._missing -= len(data)
        self._take(data)


def _text(header: bytes) -> str:
    return shortened(header.decode("ascii", "replace"), _MOST_OF_A_TEXT)
