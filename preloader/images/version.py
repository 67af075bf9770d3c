"""The version that a tag names, read as registries really write them.

A tag names a release (`1.25.3`, `v1.2.0-rc1`), a date (`20240828`, `2024-12-01`, `2024.1`,
`bookworm-20240828`) or a bare number (`417`, `v22`, `22-alpine`); only versions of one of these
schemes compare. Everything else names none: words, commits, long numbers that are no date, dates
with the day first. Of a suffix, numbers, dates and known words count. Any other part of it
(`alpine3.19`, `g9f2a1bc`) says nothing of order, so that `1.25-alpine` and `1.25-slim` are equal.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
TAG_MAX_CHARACTERS = 128

# Earliest first. Whole words only, so that `alpine` is no alpha and `debian` no dev.
PRERELEASE_STAGES = (
    ("dev", "snapshot", "nightly", "canary", "edge", "unstable"),
    ("alpha", "a"),
    ("beta", "b"),
    ("m", "milestone"),
    ("pre", "preview", "ea", "next"),
    ("rc", "c", "cr"),
)
# After the release, by their number; `u` is Java's update.
POST_RELEASE = frozenset(
    ("post", "p", "r", "rev", "revision", "build", "patch", "sp", "u", "update", "hotfix")
)
_STAGE = {word: stage for stage, words in enumerate(PRERELEASE_STAGES) for word in words}
# `1.0-rc1` is before the end of `1.0`, and `1.0-1` goes on after it.
_END, _NUMBER = len(PRERELEASE_STAGES), len(PRERELEASE_STAGES) + 1

_PREFIX = re.compile(r"(?:v|r|(?:release|rel|version|ver)[._-]?)(?=[0-9])")
_COMMIT = re.compile(r"[0-9a-f]{7,40}|[0-9]{7,}")
_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_INTEGER = re.compile(r"[0-9]{1,6}(?![0-9])")
_YEAR_MONTH = re.compile(r"((?:199|20[0-9])[0-9])[-_](0[1-9]|1[0-2])(?![0-9a-z])")
_DAY_FIRST = re.compile(
    r"(?:[0-2]?[0-9]|3[01])([-_.])(?:[0-2]?[0-9]|3[01])\1(?:199|20[0-9])[0-9](?!\.?[0-9])"
)
_DATE = re.compile(
    r"((?:199|20[0-9])[0-9])(?:([0-9]{2})([0-9]{2})|([-_.])([0-9]{1,2})\4([0-9]{1,2})(?![0-9]))"
)
# After a T, after a separator where it has six digits, or right after eight digits of a date.
_TIME = re.compile(
    r"(?:t|[-_.](?=[0-9]{6}(?![0-9])))?([01][0-9]|2[0-3])"
    r"(?:[-_.:]?([0-5][0-9])(?:[-_.:]?([0-5][0-9]|60)(?:\.?([0-9]{1,9}))?)?)?z?(?![0-9a-z])"
)
_WORDS = re.compile(r"[a-z][a-z0-9]*")
_WORD = re.compile(r"([a-z]+)([0-9]*)")
_FIRST_YEAR, _LAST_YEAR = 1990, 2099

Element = tuple[int, int]


class Scheme(IntEnum):
    """How a tag names a version: of an image's tags those of the greatest scheme count."""

    NUMBER = 1
    DATE = 2
    RELEASE = 3


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """What a tag says of its version; of one scheme the greater is newer.

    `1.25` and `1.25.0` are equal. `suffix` has what follows in pairs of kind and number, and ends
    with an end of its own, so that `1.0-rc1` is below `1.0`, and that is below `1.0-1`.
    """

    scheme: Scheme
    numbers: tuple[int, ...]
    suffix: tuple[Element, ...]


def parse_version(tag: str) -> Version | None:
    """Returns the version that `tag` names, or None where it names none."""
    if len(tag) > TAG_MAX_CHARACTERS:
        return None
    tag = tag.lower()
    text = tag[prefix.end() :] if (prefix := _PREFIX.match(tag)) else tag
    if text[:1].isdigit():
        return _read(text)
    # After words a tag names at most a date: `bookworm-20240828`.
    first_digit = re.search("[0-9]", tag)
    if first_digit is None or _COMMIT.fullmatch(tag):
        return None
    found = _read_date(tag[first_digit.start() :])
    return _version(Scheme.DATE, *found) if found else None


def tag_order(tag: str) -> tuple[tuple[Version, ...], str]:
    """Sort key over all tags, oldest first: total, and equal only for equal tags."""
    version = parse_version(tag)
    return (version,) if version else (), tag


def _read(text: str) -> Version | None:
    """Returns the version that begins with `text`'s first digit."""
    if found := _read_date(text):
        return _version(Scheme.DATE, *found)
    if _DAY_FIRST.match(text) or _COMMIT.fullmatch(_cut(text)[0]):
        return None
    if month := _YEAR_MONTH.match(text):
        return _version(Scheme.DATE, (int(month[1]), int(month[2])), text[month.end() :])
    if dotted := _DOTTED.match(text):
        numbers = tuple(int(part) for part in dotted[0].split("."))
        is_calendar = _FIRST_YEAR <= numbers[0] <= _LAST_YEAR
        scheme = Scheme.DATE if is_calendar else Scheme.RELEASE
        return _version(scheme, numbers, text[dotted.end() :])
    return _read_number(text)


def _read_number(text: str) -> Version | None:
    integer = _INTEGER.match(text)
    if integer is None:
        return None
    rest = text[integer.end() :]
    # `22rc1` and `8u392` are versions; `9f2a1`, `2fa` and `3scale` are none.
    if rest[:1].isalpha() and not _read_part(re.split("[-+_.]", rest)[0], is_first=True):
        return None
    return _version(Scheme.NUMBER, (int(integer[0]),), rest)


def _version(scheme: Scheme, numbers: tuple[int, ...], rest: str) -> Version:
    last = max((place for place, number in enumerate(numbers, 1) if number), default=0)
    return Version(scheme, numbers[:last], (*_read_suffix(rest), (_END, 0)))


def _read_date(text: str) -> tuple[tuple[int, ...], str] | None:
    """Returns the calendar date that `text` begins with, and what follows it.

    A time of day comes back as further numbers at the beginning of what follows.
    """
    found = _DATE.match(text)
    if found is None:
        return None
    day = (int(found[1]), int(found[2] or found[5]), int(found[3] or found[6]))
    rest = text[found.end() :]
    if time := _TIME.match(rest):
        rest = "".join(f".{part}" for part in time.groups() if part) + rest[time.end() :]
    if rest[:1].isalnum():
        return None
    try:
        date(*day)
    except ValueError:
        return None
    return day, rest


def _read_suffix(rest: str) -> list[Element]:
    """Returns what the suffix says of order: stages before the release, numbers after it."""
    elements: list[Element] = []
    is_first, is_stage_open = True, False
    while rest := rest.lstrip("-+_."):
        if found := _read_date(rest):
            day, rest = found
            elements += [(_NUMBER, number) for number in day]
            is_first = is_stage_open = False
            continue
        segment, rest = _cut(rest)
        for part in [""] if _COMMIT.fullmatch(segment) else segment.split("."):
            said = _read_part(part, is_first=is_first)
            is_first = False
            if said is None:
                is_stage_open = False
                break
            if is_stage_open and part.isdigit():
                # `rc.1` and `rc-1` are `rc1`.
                said = [(elements.pop()[0], int(part))]
            elements += said
            is_stage_open = part in _STAGE
    return elements


def _read_part(part: str, *, is_first: bool) -> list[Element] | None:
    """Returns what one part says of order; None where a word in it is not known."""
    if part.isdigit():
        return [(_NUMBER, int(part))]
    words: list[tuple[str, str]] = _WORD.findall(part) if _WORDS.fullmatch(part) else []
    may_be_letter = is_first and len(words) == 1
    if not words or not all(_is_known(*word, may_be_letter=may_be_letter) for word in words):
        return None
    return [
        (_STAGE.get(word, _NUMBER), int(number or 0))
        for word, number in words
        if number or word in _STAGE
    ]


def _is_known(word: str, number: str, *, may_be_letter: bool) -> bool:
    if word in _STAGE:
        # `3.13b2` is a beta, but the `b` of `jdk-8-b` or of a short commit is no stage.
        return len(word) > 1 or (bool(number) and may_be_letter)
    return word in POST_RELEASE


def _cut(text: str) -> tuple[str, str]:
    """Returns the first segment of `text`, and what follows it."""
    end = re.search("[-+_]", text)
    return (text[: end.start()], text[end.start() :]) if end else (text, "")
