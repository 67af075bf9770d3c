"""Protocol buffers, as much of them as CRI needs: messages described by tables.

The encoding is that of https://protobuf.dev/programming-guides/encoding/. Unknown fields are
skipped, so that a newer runtime is understood; whatever breaks the encoding raises Malformed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZE = {_FIXED64: 8, _FIXED32: 4}
_VARINT_MAX_BYTES = 10
_LOW_BITS, _MORE = 0x7F, 0x80
_UINT64_MASK = (1 << 64) - 1

Value = int | bytes
T = TypeVar("T")


class Malformed(ValueError):
    """Bytes that are not the message they should be."""


class Incomplete(Malformed):
    """Bytes that end inside a field."""


@dataclass(frozen=True, slots=True)
class Field:
    """One known field: its name, how its value is read, and what it is when absent.

    A repeated one may come at most `most` times.
    """

    name: str
    read: Callable[[Value], object]
    absent: object = None
    repeated: bool = False
    most: float = inf


@dataclass(frozen=True, slots=True)
class Schema(Generic[T]):
    """A message: what it becomes, and its fields by number."""

    build: Callable[..., T]
    fields: Mapping[int, Field]

    def decode(self, data: bytes) -> T:
        """Returns the message in `data`. Raises Malformed."""
        decoder = Decoder(self)
        decoder.take(data)
        return decoder.message()


class Decoder(Generic[T]):
    """Decodes one message as it comes, and keeps no more than the field that is not yet whole."""

    def __init__(self, schema: Schema[T]) -> None:
        self._schema = schema
        self._values: dict[str, object] = {}
        self._repeated: dict[str, list[object]] = {
            field.name: [] for field in schema.fields.values() if field.repeated
        }
        self._rest = bytearray()

    def take(self, piece: bytes) -> None:
        """Takes what comes next of the message. Raises Malformed."""
        self._rest += piece
        position = 0
        while position < len(self._rest):
            try:
                number, value, position = _read_field(self._rest, position)
            except Incomplete:
                break
            self._note(number, value)
        del self._rest[:position]

    def message(self) -> T:
        """Returns the message, of which all has come. Raises Malformed."""
        if self._rest:
            _read_field(self._rest, 0)
        absent = {
            field.name: field.absent for field in self._schema.fields.values() if not field.repeated
        }
        lists = {name: tuple(items) for name, items in self._repeated.items()}
        return self._schema.build(**{**absent, **self._values, **lists})

    def _note(self, number: int, value: Value) -> None:
        field = self._schema.fields.get(number)
        if field is None:
            return
        item = field.read(value)
        if not field.repeated:
            self._values[field.name] = item
            return
        items = self._repeated[field.name]
        items.append(item)
        if len(items) > field.most:
            raise Malformed(f"more than {field.most} {field.name}")


def text(name: str) -> Field:
    return Field(name, _read_text, absent="")


def texts(name: str) -> Field:
    return Field(name, _read_text, repeated=True)


def number(name: str) -> Field:
    return Field(name, _read_number, absent=0)


def flag(name: str) -> Field:
    return Field(name, lambda value: _read_number(value) != 0, absent=False)


def message(name: str, schema: Schema[T]) -> Field:
    """A message of its own, or None when absent."""
    return Field(name, lambda value: schema.decode(_read_bytes(value)))


def messages(name: str, schema: Schema[T], most: float = inf) -> Field:
    return Field(name, lambda value: schema.decode(_read_bytes(value)), repeated=True, most=most)


def text_map(name: str) -> Field:
    """A `map<string, string>`, as the pairs in which it is sent."""
    return messages(name, _ENTRY)


def encode_text(number: int, value: str) -> bytes:
    return encode_message(number, value.encode())


def encode_flag(number: int, *, value: bool) -> bytes:
    return encode_number(number, int(value))


def encode_number(number: int, value: int) -> bytes:
    return _encode_varint(number << 3 | _VARINT) + _encode_varint(value)


def encode_message(number: int, content: bytes) -> bytes:
    return _encode_varint(number << 3 | _BYTES) + _encode_varint(len(content)) + content


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > _LOW_BITS:
        encoded.append(value & _LOW_BITS | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_field(data: bytearray, position: int) -> tuple[int, Value, int]:
    """Returns the number and the value of the field at `position`, and where the next one is."""
    key, position = _read_varint(data, position)
    number, wire_type = key >> 3, key & 7
    if number == 0:
        raise Malformed("field number 0")
    if wire_type == _VARINT:
        value, position = _read_varint(data, position)
        return number, value, position
    if wire_type == _BYTES:
        size, position = _read_varint(data, position)
    elif wire_type in _FIXED_SIZE:
        size = _FIXED_SIZE[wire_type]
    else:
        raise Malformed(f"field {number} has wire type {wire_type}")
    end = position + size
    if end > len(data):
        raise Incomplete(f"field {number} ends {end - len(data)} bytes after the message")
    return number, bytes(data[position:end]), end


def _read_varint(data: bytearray, position: int) -> tuple[int, int]:
    value = 0
    for index in range(_VARINT_MAX_BYTES):
        if position + index >= len(data):
            raise Incomplete("the message ends inside a number")
        byte = data[position + index]
        value |= (byte & _LOW_BITS) << 7 * index
        if not byte & _MORE:
            return value & _UINT64_MASK, position + index + 1
    raise Malformed(f"a number is longer than {_VARINT_MAX_BYTES} bytes")


def _read_number(value: Value) -> int:
    if isinstance(value, bytes):
        raise Malformed("a number was expected")
    return value


def _read_bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("bytes were expected")
    return value


def _entry(key: str, value: str) -> tuple[str, str]:
    return key, value


def _read_text(value: Value) -> str:
    try:
        return _read_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"text is not UTF-8: {error}") from None


_ENTRY = Schema(_entry, {1: text("key"), 2: text("value")})
