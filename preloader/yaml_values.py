"""YAML as Pulumi's engine reads it: Go's yaml.v3, and what the engine makes of its values.

libyaml, of which yaml.v3 is a port, takes the text apart. What a scalar means, and what is refused,
is decided here and in `yaml_scalars` by yaml.v3's rules. PyYAML's own are those of YAML 1.1: `yes`
is true, `12:30` is 750, and the last of two equal keys wins.
"""

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from preloader.plain import is_list, maps_in
from preloader.yaml_scalars import is_plain, resolve, timestamp

MAX_DEPTH = 100
MAX_VALUES = 200_000
MAX_TEXT_LENGTH = 16 * 1024 * 1024

_TAG_PREFIX = "tag:yaml.org,2002:"


class InvalidYaml(ValueError):
    """A text that the engine would refuse; the message says the line and why."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not come."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    event: Event
    values: int = 1
    key: str | None = None
    """The key of a map whose value comes next."""
    is_merge: bool = False
    lines: dict[str, int] = field(default_factory=dict[str, int])
    """The line of each key so far."""
    merged: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def read_yaml(text: str) -> Any:  # noqa: ANN401 any plain data
    """Returns the first document of a YAML text as plain data; None for an empty one.

    Numbers are as a program gets them from the engine: `1.3e9` is 1300000000. A date is the text
    that the engine makes of it. Raises InvalidYaml.
    """
    return next(read_documents(text), None)


class Dumper(yaml.SafeDumper):
    """Writes texts so that `read_yaml`, and so the engine, reads them as texts."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Quotes what is a text to PyYAML and a number to who reads it, such as `6e2`."""
        style = None if is_plain(data) else "'"
        # PyYAML says no types.
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)  # pyright: ignore[reportUnknownMemberType]


Dumper.add_representer(str, Dumper.represent_str)


def write_yaml(content: Mapping[str, Any]) -> str:
    """Returns plain data as YAML that `read_yaml` reads as the same."""
    return yaml.dump(dict(content), Dumper=Dumper, sort_keys=False)


def read_documents(text: str) -> Iterator[Any]:
    """Yields each document of a YAML text as `read_yaml` does. Raises InvalidYaml."""
    if len(text) > MAX_TEXT_LENGTH:
        raise InvalidYaml(1, 1, f"the file has more than {MAX_TEXT_LENGTH} characters")
    reader = _Reader()
    try:
        for event in _events(text):
            if isinstance(event, DocumentEndEvent):
                yield reader.document
                reader = _Reader()
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        # The reason, not the context: that may quote a secret.
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise InvalidYaml(line, column, error.problem or "not YAML") from None
    except yaml.YAMLError as error:
        raise InvalidYaml(1, 1, str(getattr(error, "reason", None) or "not YAML")) from None


def _events(text: str) -> Iterator[Event]:
    # PyYAML says no types.
    return cast("Iterator[Event]", yaml.parse(text, Loader=yaml.CSafeLoader))  # pyright: ignore[reportUnknownMemberType]


class _Reader:
    """Makes plain data of libyaml's events, without recursion."""

    def __init__(self) -> None:
        self.document: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._start(event)
        elif isinstance(event, CollectionEndEvent):
            self._end()

    def _start(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _invalid(event, f"is nested more than {MAX_DEPTH} levels deep")
        if self._awaits_key():
            raise _invalid(event, "a key must be a text")
        value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, event.anchor, event))

    def _end(self) -> None:
        ended = self._open.pop()
        if isinstance(ended.value, dict):
            # Later merges yield to earlier ones, and all of them to what is written.
            for merged in ended.merged:
                for key, value in merged.items():
                    ended.value.setdefault(key, value)
        if ended.anchor:
            self._anchors[ended.anchor] = (ended.value, ended.values)
        self._put(ended.value, ended.values, ended.event)

    def _alias(self, event: AliasEvent) -> None:
        if any(each.anchor == event.anchor for each in self._open):
            raise _invalid(event, f"the value of anchor {event.anchor!r} contains itself")
        if event.anchor not in self._anchors:
            raise _invalid(event, f"there is no anchor {event.anchor!r} before this")
        if self._awaits_key() and not isinstance(self._anchors[event.anchor][0], str):
            raise _invalid(event, "a key must be a text")
        value, values = self._anchors[event.anchor]
        if self._awaits_key():
            self._key(value, event, is_merge=False)
        else:
            self._put(value, values, event)

    def _scalar(self, event: ScalarEvent) -> None:
        is_plain = bool(event.implicit[0])
        if self._awaits_key():
            is_merge = is_plain and event.value == "<<" and event.tag is None
            key = _scalar_value(event)
            # A date is a time to the engine, although a program gets its text.
            if not isinstance(key, str) or (is_plain and timestamp(event.value)):
                raise _invalid(event, f"the key {event.value[:40]!r} must be a text; quote it")
            if event.anchor:
                self._anchors[event.anchor] = (key, 1)
            self._key(key, event, is_merge=is_merge)
            return
        value = _scalar_value(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, 1, event)

    def _awaits_key(self) -> bool:
        if not self._open:
            return False
        into = self._open[-1]
        return isinstance(into.value, dict) and into.key is None

    def _key(self, key: str, event: Event, *, is_merge: bool) -> None:
        into = self._open[-1]
        line: int = event.start_mark.line + 1
        if key in into.lines:
            raise _invalid(event, f"the key {key[:80]!r} is on line {into.lines[key]} already")
        into.lines[key] = line
        into.key, into.is_merge = key, is_merge

    def _put(self, value: Any, values: int, event: Event) -> None:  # noqa: ANN401 any plain data
        if not self._open:
            self.document = value
            return
        into = self._open[-1]
        into.values += values
        if into.values > MAX_VALUES:
            raise _invalid(event, f"stands for more than {MAX_VALUES} values, aliases written out")
        if isinstance(into.value, list):
            into.value.append(value)
            return
        if into.is_merge:
            maps = maps_in(value) if is_list(value) else maps_in([value])
            if len(maps) != (len(value) if is_list(value) else 1):
                raise _invalid(event, "what is merged by << must be a map, or a list of maps")
            into.merged += maps
        else:
            into.value[into.key or ""] = value
        into.key = None


def _invalid(event: Event, reason: str) -> InvalidYaml:
    mark = event.start_mark
    return InvalidYaml(mark.line + 1, mark.column + 1, reason)


def _scalar_value(event: ScalarEvent) -> Any:  # noqa: ANN401 any plain data
    tag = _short_tag(event)
    if tag is None:
        return _finite(event, resolve(event.value)) if event.implicit[0] else event.value
    if tag == "binary":
        return _binary(event)
    if tag not in ("bool", "int", "float", "null", "timestamp"):
        # `!!str`, and tags that the engine does not know, leave the text as it is.
        return event.value
    value = _finite(event, resolve(event.value))
    if not _TAGGED[tag](value):
        raise _invalid(event, f"is not what its tag says, !!{tag}")
    return value


_TAGGED: dict[str, Callable[[object], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int,
    "float": lambda value: type(value) in (int, float),
    "null": lambda value: value is None,
    "timestamp": lambda value: isinstance(value, str),
}


def _finite(event: ScalarEvent, value: Any) -> Any:  # noqa: ANN401 any scalar
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid(event, "is not a number that a program can be given")
    return value


def _short_tag(event: NodeEvent) -> str | None:
    tag: str | None = getattr(event, "tag", None)
    return tag.removeprefix(_TAG_PREFIX) if tag else None


def _binary(event: ScalarEvent) -> str:
    try:
        return base64.b64decode("".join(event.value.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid(event, "is not base64 of a text, as its tag says") from None
