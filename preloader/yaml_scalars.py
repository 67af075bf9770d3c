"""What a scalar without quotes means in YAML, by the rules of Go's yaml.v3 and Pulumi's engine.

https://github.com/go-yaml/yaml/blob/v3.0.1/resolve.go
"""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>0|[1-9][0-9]*))"
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:(?P<by>[Tt ])(?P<time>\d{1,2}:\d{1,2}:\d{1,2})(?P<fraction>\.\d{1,9})?"
    r"(?P<zone>Z|[-+]\d\d:\d\d)?)?",
    re.ASCII,
)
# What int() reads without becoming slow; a longer number is beyond a float as well.
_MAX_DIGITS = 400
_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**64 - 1
# From here on Go writes a float with an exponent, and a program reads it as one.
_EXPONENT_FROM = 1e21


def is_plain(text: str) -> bool:
    """Whether a scalar that is written without quotes is read as this very text."""
    return isinstance(resolve(text), str) and not timestamp(text)


def resolve(text: str) -> Any:  # noqa: ANN401 a bool, a number, a text or None
    """Returns what a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text) if _FLOAT.fullmatch(text) else text
    if not (text[0].isascii() and (text[0].isdigit() or text[0] in "+-")):
        return text
    if (time := timestamp(text)) is not None:
        return time
    plain = text.replace("_", "")
    if found := _INTEGER.fullmatch(plain):
        base = next(name for name in _BASES if found[name])
        if len(found[base]) <= _MAX_DIGITS:
            number = int(found["sign"] + found[base], _BASES[base])
            if _LEAST_INTEGER <= number <= _GREATEST_INTEGER:
                return number
    return _float(plain, text) if _FLOAT.fullmatch(plain) else text


def _float(plain: str, written: str | None = None) -> float | str:
    """Returns the number; the text as written where it is too large to be one."""
    number = float(plain)
    if math.isinf(number):
        return plain if written is None else written
    if not number.is_integer() or abs(number) >= _EXPONENT_FROM:
        return number
    # Go writes the shortest digits that mean the number, and zeros after them.
    return int(Decimal(repr(number)))


def timestamp(text: str) -> str | None:
    """Returns a time as the engine gives it to a program: as Go prints it."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None or (found["zone"] is None and found["by"] in ("T", "t")):
        return None
    if found["by"] == " " and found["zone"] is not None:
        return None
    year, month, day = map(int, found["date"].split("-"))
    hour, minute, second = map(int, (found["time"] or "0:0:0").split(":"))
    zone = _zone(found["zone"])
    try:
        time = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    fraction = (found["fraction"] or "").rstrip("0").rstrip(".")
    name = "UTC" if zone is UTC else f"{time:%z}"
    return f"{year:04}-{time:%m-%d %H:%M:%S}{fraction} {time:%z} {name}"


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset) if offset else UTC
