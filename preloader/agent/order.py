"""How many images of a repository are newer than each of its images.

Two images are compared by their highest versions, if both have a version tag, else by when they
were built, and at last by ID. Version and time may contradict each other: 2.0.9 built after 3.0,
and `nightly` in between, is older than 3.0, newer than `nightly`, which is newer than 3.0. In such
a circle none is newer than another: they stay or go together, and what is gone does not change
which of the others go.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from preloader.images import Version, parse_version, tag_order

TagOrder = tuple[bool, Version, tuple[tuple[bool, int, str], ...], str]


@dataclass(frozen=True, slots=True)
class Member:
    """One image as a member of a repository, with its highest version tag there, if any."""

    image_id: str
    version: TagOrder | None


def highest_version(tags: Iterable[str]) -> TagOrder | None:
    """Returns the sort key of the highest of `tags` that name a version."""
    return max((tag_order(tag) for tag in tags if parse_version(tag)), default=None)


def needs_creation_times(members: Iterable[Member]) -> bool:
    return any(member.version is None for member in members)


def count_newer(members: Sequence[Member], created: Mapping[str, float | None]) -> dict[str, int]:
    """Returns by image ID how many members are newer for certain.

    An image that has neither a version nor a time is left out; it counts for none of the others.
    """
    by_version = sorted((each.version, each.image_id) for each in members if each.version)
    version_rank = {image_id: rank for rank, (_, image_id) in enumerate(by_version)}
    if len(by_version) == len(members):
        return {image_id: len(members) - 1 - rank for image_id, rank in version_rank.items()}
    by_time = sorted(
        (time, each.version is None, each.image_id)
        for each in members
        if (time := created.get(each.image_id)) is not None
    )
    time_rank = {image_id: rank for rank, (_, _, image_id) in enumerate(by_time)}

    def may_be_newer(one: str, other: str) -> bool:
        for ranks in (version_rank, time_rank):
            if one in ranks and other in ranks:
                return ranks[one] > ranks[other]
        return True

    return _newer_outside_circles([*{**version_rank, **time_rank}], may_be_newer)


def _newer_outside_circles(
    image_ids: Sequence[str], may_be_newer: Callable[[str, str], bool]
) -> dict[str, int]:
    """Returns by image ID how many images are newer that are not in a circle with it.

    With the fewest newer ones first, every circle is a run of neighbours. It ends where none of
    those that follow is newer than one so far: where all the newer ones are among those so far.
    """
    newer = {
        image_id: sum(may_be_newer(other, image_id) for other in image_ids if other != image_id)
        for image_id in image_ids
    }
    result: dict[str, int] = {}
    so_far: list[str] = []
    newer_in_all = newer_among_these = 0
    for image_id in sorted(image_ids, key=lambda each: newer[each]):
        newer_in_all += newer[image_id]
        newer_among_these += sum(
            may_be_newer(image_id, other) + may_be_newer(other, image_id) for other in so_far
        )
        so_far.append(image_id)
        if newer_in_all == newer_among_these:
            result.update(dict.fromkeys(so_far[len(result) :], len(result)))
    return result
