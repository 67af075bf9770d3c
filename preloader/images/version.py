"""Image tags in the order of the versions that they name.

Tags follow no standard, so this reads what registries really hold: `v1.10.2`, `3.14-rc1-slim`,
`2024.01.15`, `RELEASE.2024-01-16T16-07-38Z`, `12.1.1-cudnn8-runtime`. A tag that names no version
(`latest`, a commit) is below every version; callers that know when an image was built should rather
order those by that.
"""

import re
from dataclasses import dataclass

# Earliest first. Whole words only, so that `alpine` is no alpha and `debian` no dev.
PRERELEASE_STAGES = (
    ("dev", "snapshot", "nightly", "canary", "edge", "unstable"),
    ("alpha", "a"),
    ("beta", "b"),
    ("m", "milestone"),
    ("pre", "preview", "ea", "next"),
    ("rc", "c", "cr"),
)
_FINAL = (len(PRERELEASE_STAGES), 0)
_STAGE = {word: stage for stage, words in enumerate(PRERELEASE_STAGES) for word in words}
# `3.13b2` is a beta, but the `a` of `1.1.1a` or `jdk-8-b` is no stage.
_STAGES_THAT_NEED_A_NUMBER = frozenset({"a", "b", "c", "m"})

_PREFIX = re.compile(r"(?:v|r|(?:release|rel|version|ver)[._-]?)(?=[0-9])", re.IGNORECASE)
_RELEASE = re.compile(r"\d{4}[-_]\d{2}[-_]\d{2}(?!\d)|\d+(?:\.\d+)*", re.ASCII)
_TOKEN = re.compile(r"\d+|[A-Za-z]+", re.ASCII)
_COMMIT = re.compile(r"(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}")
# A bare number this long is a commit or a serial number, unless it reads as a date.
_LONG_NUMBER = re.compile(r"[0-9]{7,}")
_CALENDAR_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d*", re.ASCII)

Token = tuple[bool, int, str]


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """What a tag says of its version; greater is newer.

    `1.25` and `1.25.0` are the same release. A suffix (`-slim`, `-1`, `-cuda12.1`) is above the
    bare release, its numbers compared as numbers.
    """

    release: tuple[int, ...]
    prerelease: tuple[int, int]
    suffix: tuple[Token, ...]


def parse_version(tag: str) -> Version | None:
    """Returns the version that `tag` names, or None where it names none."""
    text = tag[prefix.end() :] if (prefix := _PREFIX.match(tag)) else tag
    release = _RELEASE.match(text)
    if release is None or _is_commit_or_serial(text):
        return None
    numbers = [int(part) for part in re.split(r"[._-]", release[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    tokens = _TOKEN.findall(text[release.end() :])
    prerelease, suffix = _split_prerelease(tokens)
    return Version(tuple(numbers), prerelease, _natural(suffix))


def tag_order(tag: str) -> tuple[bool, Version, tuple[Token, ...], str]:
    """Sort key over all tags, oldest first: total, and equal only for equal tags."""
    version = parse_version(tag)
    by_version = version or Version((), _FINAL, ())
    return version is not None, by_version, _natural(_TOKEN.findall(tag)), tag


def _is_commit_or_serial(text: str) -> bool:
    if _LONG_NUMBER.fullmatch(text):
        return _CALENDAR_DATE.fullmatch(text) is None
    return _COMMIT.fullmatch(text) is not None


def _split_prerelease(tokens: list[str]) -> tuple[tuple[int, int], list[str]]:
    for index, token in enumerate(tokens):
        word = token.lower()
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        if word not in _STAGE:
            continue
        if word in _STAGES_THAT_NEED_A_NUMBER and not (index == 0 and following.isdigit()):
            continue
        numbered = following.isdigit()
        rest = tokens[:index] + tokens[index + 1 + numbered :]
        return (_STAGE[word], int(following) if numbered else 0), rest
    return _FINAL, tokens


def _natural(tokens: list[str]) -> tuple[Token, ...]:
    return tuple(
        (token.isdigit(), int(token) if token.isdigit() else 0, token.lower()) for token in tokens
    )
