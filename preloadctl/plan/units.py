"""Sizes, durations and bandwidths as text: decimal units as registries show them, GiB for disks."""

import re

from nodepools.kubelet.eviction import BYTES_PER_GIB

_DECIMAL_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_BITS_PER_BYTE = 8
_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 3600
# From here on a decimal says nothing of use; less than half of the last digit below a round number.
_WHOLE_SECONDS_FROM = 9.95
_WHOLE_FROM = 99.95
# What is already written as 1000 of a unit is one of the next.
_NEXT_UNIT_FROM = 999.5
_BANDWIDTH = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<prefix>[kKMGT]?)(?P<binary>i?)(?P<unit>B|bit|b)(?P<per>/s|ps)",
    re.ASCII,
)
_BANDWIDTH_FORMS = (
    "a number with a unit of bytes or bits a second, such as 25MB/s, 25MiB/s or 1Gbit/s"
)
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


class InvalidBandwidth(ValueError):
    """A text that states no bandwidth; the message says what would."""


def size_text(size_bytes: float) -> str:
    """A compressed size or an amount of traffic: `512 bytes`, `17.3 MB`, `3.9 GB`."""
    return _decimal(size_bytes)


def gib_text(size_bytes: float) -> str:
    """What is on a disk, in the unit that disks are ordered in: `26.1 GiB`."""
    return f"{_short(size_bytes / BYTES_PER_GIB)} GiB"


def duration_text(seconds: float) -> str:
    """How long something takes: `0.4 s`, `52 s`, `2 min 36 s`, `1 h 5 min`."""
    whole = round(seconds)
    if seconds < _WHOLE_SECONDS_FROM:
        return f"{_short(seconds)} s"
    if whole < _SECONDS_PER_MINUTE:
        return f"{whole} s"
    if whole < _SECONDS_PER_HOUR:
        minutes, rest = divmod(whole, _SECONDS_PER_MINUTE)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / _SECONDS_PER_MINUTE), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def bandwidth_text(bytes_per_second: float) -> str:
    """A bandwidth in bytes a second: `25 MB/s`."""
    return f"{_decimal(bytes_per_second)}/s"


def parse_bandwidth(text: str) -> int:
    """Returns the bytes a second that `25MB/s`, `25 MiB/s` or `1 Gbit/s` says.

    Raises InvalidBandwidth where the text has no unit, another one, or no bytes.
    """
    match = _BANDWIDTH.fullmatch(text.strip())
    if match is None:
        raise InvalidBandwidth(f"{text!r} is no bandwidth; write {_BANDWIDTH_FORMS}")
    factor = (1024 if match["binary"] else 1000) ** _POWERS[match["prefix"]]
    bits = 1 if match["unit"] == "B" else _BITS_PER_BYTE
    bytes_per_second = round(float(match["number"]) * factor / bits)
    if bytes_per_second < 1:
        raise InvalidBandwidth(f"{text!r} is less than a byte a second; write {_BANDWIDTH_FORMS}")
    return bytes_per_second


def _decimal(amount: float) -> str:
    power = 0
    while amount >= _NEXT_UNIT_FROM and power < len(_DECIMAL_UNITS) - 1:
        amount /= 1000
        power += 1
    return f"{_short(amount)} {_DECIMAL_UNITS[power]}"


def _short(number: float) -> str:
    """One decimal below 100 where it says something, else none."""
    text = f"{number:.1f}" if number < _WHOLE_FROM else f"{number:.0f}"
    return text.removesuffix(".0")
