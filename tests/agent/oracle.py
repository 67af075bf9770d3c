"""What the README promises of retention, worked out slowly and plainly.

It reads tags by itself, and shares with the agent nothing but the parser of references.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from itertools import product
from math import inf

from preloader.agent.retention.observation import NoTime
from preloader.images import InvalidReference, parse_reference

DATES = ("%Y%m%d%H%M%S", "%Y-%m-%dT%H-%M-%SZ", "%Y%m%d", "%Y-%m-%d", "%Y_%m_%d", "%Y.%m.%d")
STAGES = {"dev": 1, "alpha": 2, "beta": 3, "rc": 4}
CALENDAR = range(1990, 2100)
RELEASED, AFTER = 5, 6
POST_RELEASE = ("r", "p", "post", "build", "patch")
NOW = 10_000.0


@dataclass(frozen=True)
class Case:
    """One image and all that is known of it."""

    id: str
    names: tuple[str, ...]
    pinned: bool
    used: bool
    age: float
    created: float | NoTime


@dataclass(frozen=True)
class World:
    """All images, and the rules."""

    cases: tuple[Case, ...]
    keep: int
    minimum_age: float
    lists: tuple[str, ...]
    globs: tuple[str, ...]
    unknown_user: bool
    evict: bool


def removed(world: World) -> set[str]:
    """The IDs of the images that must go, and no others."""
    free = [case for case in world.cases if is_unprotected(case, world)]
    if world.evict:
        return {case.id for case in free}
    left = list(world.cases)
    while True:
        names = {name for case in left for name in repositories(case)}
        let_go = {name: let_go_by(name, left, world.keep) for name in names}
        stay = [
            case
            for case in left
            if case not in free or any(case.id not in let_go[name] for name in repositories(case))
        ]
        if stay == left:
            return {case.id for case in world.cases} - {case.id for case in left}
        left = stay


def is_unprotected(case: Case, world: World) -> bool:
    if case.pinned or case.used or world.unknown_user or case.age < world.minimum_age:
        return False
    for name in case.names:
        try:
            reference = parse_reference(name)
        except InvalidReference:
            return False
        full = str(reference)
        if full.startswith("localhost/") or full in world.lists:
            return False
        short = full.removeprefix("docker.io/library/")
        spellings = (full, short, reference.name)
        if any(fnmatchcase(text, glob) for text in spellings for glob in world.globs):
            return False
    return True


def let_go_by(repository: str, cases: list[Case], keep: int) -> set[str]:
    """The IDs of those that the repository lets go, whatever the runtime would have answered."""
    members = [case for case in cases if repository in repositories(case)]
    let_go = {case.id for case in members}
    for answered in answers(members):
        order = newest_first(answered, repository)
        built_last = max(order, key=time_of)
        let_go &= {case.id for case in order[keep:]} - {built_last.id}
    return let_go


def answers(members: list[Case]) -> Iterator[list[Case]]:
    """The same images as if the runtime had answered for all: for each very early, or very late."""
    choices = [
        (-inf, inf) if each.created is NoTime.UNANSWERED else (each.created,) for each in members
    ]
    for times in product(*choices):
        yield [replace(each, created=time) for each, time in zip(members, times, strict=True)]


def newest_first(members: list[Case], repository: str) -> list[Case]:
    """An image is as new as the newest of those of its scheme that it supersedes."""
    places = {
        each.id: (version_of(each.names, repository), time_of(each), each.id) for each in members
    }

    def newness(case: Case) -> tuple[object, ...]:
        place = places[case.id]
        superseded = [
            each for each in places.values() if each[0][0] == place[0][0] and each <= place
        ]
        return max(time for _, time, _ in superseded), place

    return sorted(members, key=newness, reverse=True)


def time_of(case: Case) -> float:
    return NOW - case.age if isinstance(case.created, NoTime) else case.created


@cache
def version_of(names: tuple[str, ...], repository: str) -> tuple[object, ...]:
    references = [reference_of(name) for name in names]
    tags = [each.tag for each in references if each and each.name == repository and each.tag]
    return max((read(tag) for tag in tags), default=(0, (), ()))


@cache
def read(tag: str) -> tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """The scheme of a tag and its version: a release before a date before a number before none."""
    text = tag.removeprefix("RELEASE.").removeprefix("release-").removeprefix("v")
    words = text.lstrip("abcdefghijklmnopqrstuvwxyz-")
    if date := read_date(words):
        return 2, date[0], read_suffix(date[1])
    head = text.split("-")[0]
    day, _, year = text.replace(".", "-").rpartition("-")
    if len(day) == 5 and year.isdigit() and int(year) in CALENDAR:
        return 0, (), ()
    if is_commit(head) or not head[:1].isdigit() or any(letter.isalpha() for letter in head):
        return 0, (), ()
    numbers = [int(part) for part in head.split(".")]
    scheme = 1 if len(numbers) == 1 else 2 if numbers[0] in CALENDAR else 3
    while numbers and not numbers[-1]:
        del numbers[-1]
    return scheme, tuple(numbers), read_suffix(text[len(head) :])


def read_date(text: str) -> tuple[tuple[int, ...], str] | None:
    for end in range(len(text), 0, -1):
        if text[end : end + 1].isalnum():
            continue
        for form in DATES:
            try:
                time = datetime.strptime(text[:end], form)  # noqa: DTZ007 - only its numbers count
            except ValueError:
                continue
            # It also takes `7654321` for the 21st of March 7654.
            if time.year not in CALENDAR or (text[:end].isdigit() and end not in (8, 14)):
                continue
            clock = f"-{time.hour}-{time.minute}-{time.second}" if "%S" in form else ""
            return (time.year, time.month, time.day), clock + text[end:]
    return None


def read_suffix(text: str) -> tuple[tuple[int, int], ...]:
    said: list[tuple[int, int]] = []
    segments = text.strip("-_").replace("_", "-").split("-")
    while segments:
        segment = segments.pop(0)
        word = segment.rstrip("0123456789")
        number = int(segment[len(word) :] or 0)
        if date := read_date(segment):
            said += [(AFTER, each) for each in date[0]]
        elif is_commit(segment) or not segment:
            pass
        elif word in STAGES:
            said.append((STAGES[word], number))
        elif word in ("", *POST_RELEASE):
            said.append((AFTER, number))
    return (*said, (RELEASED, 0))


def is_commit(text: str) -> bool:
    return len(text) >= 7 and not text.strip("0123456789abcdef")


def repositories(case: Case) -> set[str]:
    return {reference.name for name in case.names if (reference := reference_of(name))}


@cache
def reference_of(name: str):  # noqa: ANN201 - the parser's own
    try:
        return parse_reference(name)
    except InvalidReference:
        return None


def created_of(world: World) -> Mapping[str, float | NoTime]:
    return {case.id: case.created for case in world.cases}
