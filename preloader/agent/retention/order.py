"""The order of a repository's images, newest first: total, whatever their tags and times say.

The images whose tags name a version of one scheme are a chain, ordered by version, then by time,
then by ID; those without a version are one more chain. An image counts as new as the newest of
those at or below it in its chain, because it supersedes them; by these times the chains are merged.
So each chain stays in its order, and the whole has no circles: an old `22` is above a `20` that was
built yesterday, and both are above what lost its tag last week.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from preloader.images import Version, parse_version


@dataclass(frozen=True, slots=True)
class Moment:
    """When an image was built or, where it does not say, when it appeared on the node."""

    seconds: float
    """Since 1970."""
    is_build: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One image in a repository; `tag` names its version there, or is another of its tags."""

    image_id: str
    version: Version | None
    tag: str
    moment: Moment | None
    """None: the runtime did not answer."""

    @property
    def seconds(self) -> float:
        return self.moment.seconds if self.moment else -inf


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image is in a repository's order."""

    member: Member
    position: int
    """How many are newer, where what the runtime did not answer is taken for the oldest."""
    newer: int
    """How many are newer, whatever the runtime would have answered."""
    as_new_as: Member
    """The one built last of those at or below it in its chain: itself, or one it supersedes."""
    is_built_last: bool


def find_version(tags: Iterable[str]) -> tuple[Version | None, str]:
    """Returns the version that counts of an image's tags, and the tag that names it."""
    versions = [(version, tag) for tag in tags if (version := parse_version(tag))]
    return max(versions) if versions else (None, min(tags, default=""))


def rank(members: Iterable[Member]) -> list[Place]:
    """Returns each member's place, newest first."""
    chains: dict[int, list[Member]] = {}
    for member in members:
        chains.setdefault(_chain(member), []).append(member)
    entries = [
        (as_new_as.seconds, chain, place, newer, member, as_new_as)
        for chain, unordered in chains.items()
        for place, (member, as_new_as, newer) in enumerate(_walk(unordered))
    ]
    entries.sort(key=lambda entry: entry[:3], reverse=True)
    # Of several that were built at once it is the newest in the order, which comes first here.
    dated = [entry[4] for entry in entries if entry[4].moment]
    last = max(dated, key=lambda member: member.seconds, default=None)
    return [
        Place(
            member,
            position,
            position if newer is None else newer,
            as_new_as,
            is_built_last=member is last,
        )
        for position, (*_, newer, member, as_new_as) in enumerate(entries)
    ]


def _chain(member: Member) -> int:
    return member.version.scheme if member.version else 0


def _walk(chain: list[Member]) -> list[tuple[Member, Member, int | None]]:
    """Returns the chain, oldest first, each with the newest at or below it.

    One above another whose time is not known may be as new as can be: of those that are newer,
    only the ones above it in the chain are certain, and they are counted too.
    """
    chain.sort(key=_rank_in_chain)
    walked: list[tuple[Member, Member, int | None]] = []
    newest = chain[0]
    unanswered: Version | None = None
    for place, member in enumerate(chain):
        if member.seconds >= newest.seconds:
            newest = member
        if member.moment is None and unanswered is None:
            unanswered = member.version
        is_open = unanswered is not None and unanswered != member.version
        walked.append((member, newest, len(chain) - 1 - place if is_open else None))
    return walked


def _rank_in_chain(member: Member) -> tuple[object, ...]:
    version = member.version
    # Of one chain all have a version or none has.
    numbers = (version.numbers, version.suffix) if version else ()
    return *numbers, member.seconds, member.image_id
