"""The frames of an HTTP/2 connection, as far as one kind of them has to be taken out.

https://www.rfc-editor.org/rfc/rfc9113#name-frame-format
"""

_HEADER_BYTES = 9
_GOAWAY, _CONNECTION, _GOAWAY_LEAST_BYTES = 7, 0, 8
# What every peer may send unless it was allowed more, which it was not.
_MOST_BYTES = 16_384
_STREAM_BITS = 0x7FFF_FFFF

NO_ERROR = 0


class GoAwayFilter:
    """Takes each GOAWAY out of what a peer sends, and remembers the last one.

    The HTTP/2 library refuses whatever comes after such a frame, though the calls that it names are
    still answered: https://www.rfc-editor.org/rfc/rfc9113#name-goaway.
    """

    def __init__(self) -> None:
        self.is_going = False
        """Whether the peer takes no further calls on this connection."""
        self.last_stream = _STREAM_BITS
        """The last call that the peer answers."""
        self.error = NO_ERROR
        self._header = bytearray()
        self._left = 0
        self._payload: bytearray | None = None

    def take(self, data: bytes) -> bytes:
        """Returns what of `data` is for the HTTP/2 library; a frame may come in pieces."""
        rest = memoryview(data)
        passed = bytearray()
        while rest:
            if self._left:
                piece, rest = rest[: self._left], rest[self._left :]
                self._left -= len(piece)
                into = passed if self._payload is None else self._payload
                into += piece
            else:
                missing = _HEADER_BYTES - len(self._header)
                self._header += rest[:missing]
                rest = rest[missing:]
                if len(self._header) < _HEADER_BYTES:
                    break
                self._begin_frame(passed)
            if not self._left and self._payload is not None:
                self._note(self._payload)
                self._payload = None
        return bytes(passed)

    def _begin_frame(self, passed: bytearray) -> None:
        self._left = int.from_bytes(self._header[:3], "big")
        stream = int.from_bytes(self._header[5:], "big") & _STREAM_BITS
        is_whole = _GOAWAY_LEAST_BYTES <= self._left <= _MOST_BYTES
        # A malformed one is the library's to refuse.
        if self._header[3] == _GOAWAY and stream == _CONNECTION and is_whole:
            self._payload = bytearray()
        else:
            passed += self._header
        self._header.clear()

    def _note(self, payload: bytearray) -> None:
        self.is_going = True
        self.last_stream = int.from_bytes(payload[:4], "big") & _STREAM_BITS
        self.error = int.from_bytes(payload[4:8], "big")
