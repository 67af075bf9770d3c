"""What retention promises, worked out slowly and plainly, with nothing of the agent's plan.

It shares with the agent only the reference parser and the order of version tags.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from preloader.images import InvalidReference, parse_reference, parse_version, tag_order


@dataclass(frozen=True)
class Case:
    """One image and all that is known of it."""

    id: str
    names: tuple[str, ...]
    pinned: bool
    used: bool
    age: float
    created: float | None


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
    return {case.id for case in world.cases if is_unprotected(case, world) and may_go(case, world)}


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


def may_go(case: Case, world: World) -> bool:
    """Whether each of its repositories lets it go."""
    if world.evict:
        return True
    repositories = {parse_reference(name).name for name in case.names}
    for repository in repositories:
        members = [other for other in world.cases if is_in(other, repository)]
        if len(members) <= world.keep:
            return False
        if len(surely_newer(case, members, repository)) < world.keep:
            return False
    return bool(repositories)


def surely_newer(case: Case, members: list[Case], repository: str) -> set[str]:
    """The members that are newer, directly or by way of others, and not older by way of others."""
    members = [each for each in members if version(each, repository) or each.created is not None]
    if case not in members:
        return set()

    def beyond(start: Case, *, newer: bool) -> set[str]:
        found: set[str] = set()
        to_visit = [start]
        while to_visit:
            here = to_visit.pop()
            for other in members:
                step = (
                    is_newer(other, here, repository)
                    if newer
                    else is_newer(here, other, repository)
                )
                if other is not here and step and other.id not in found:
                    found.add(other.id)
                    to_visit.append(other)
        return found

    return beyond(case, newer=True) - beyond(case, newer=False)


def is_newer(one: Case, other: Case, repository: str) -> bool:
    """Whether it is, or may be."""
    versions = version(one, repository), version(other, repository)
    if all(versions):
        return (versions[0], one.id) > (versions[1], other.id)
    if one.created is None or other.created is None:
        return True
    if one.created == other.created and any(versions):
        return versions[0] is None
    return (one.created, one.id) > (other.created, other.id)


def version(case: Case, repository: str) -> object:
    tags = [parse_reference(name).tag for name in case.names if in_repository(name, repository)]
    return max((tag_order(tag) for tag in tags if tag and parse_version(tag)), default=None)


def is_in(case: Case, repository: str) -> bool:
    return any(in_repository(name, repository) for name in case.names)


def in_repository(name: str, repository: str) -> bool:
    try:
        return parse_reference(name).name == repository
    except InvalidReference:
        return False


def created_of(world: World) -> Mapping[str, float | None]:
    return {case.id: case.created for case in world.cases}
