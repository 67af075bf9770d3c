"""Why an image stays or goes for its place in a repository, in words for a person.

Whatever the inventory, an explanation names at most `NAMED` images in each of at most
`REPOSITORIES` repositories.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from preloader.agent.retention.order import Member, Place

NAMED = 3
REPOSITORIES = 2
# As much of an image's ID as Docker and crictl show.
_ID_CHARACTERS = 12
_LAST_SECOND = datetime.max.replace(tzinfo=UTC).timestamp() - 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an image is among those of one repository, which are sorted newest first."""

    repository: str
    places: Sequence[Place]
    own: Place
    total: int
    """How many there were, with those that go."""


def why_newest(standing: Standing, keep: int) -> str:
    """Says what the image's place rests on, of which `keep` are kept."""
    if standing.total <= keep:
        return f"only {standing.total} of {standing.repository}"
    place = f"{standing.own.position + 1} of {standing.total} of {standing.repository}"
    return f"the newest {keep} stay, and this is {place}: {_what_counts(standing.own)}"


def why_built_last(standing: Standing) -> str:
    return f"{_time(standing.own.member)}, last of all of {standing.repository}"


def why_unknown(standing: Standing) -> str:
    if standing.own.member.moment is None:
        return f"not known when it was built, for its order in {standing.repository}"
    return f"not known when others of {standing.repository} were built that it may supersede"


def why_old(standings: Sequence[Standing], keep: int, staying: Collection[str]) -> str:
    """Says what makes the image older than the newest `keep` that stay in its repositories."""
    told = [_why_older(each, keep, staying) for each in standings[:REPOSITORIES]]
    if len(standings) > 1:
        told = [
            f"in {standing.repository}: {text}"
            for standing, text in zip(standings, told, strict=False)
        ]
    if more := len(standings) - REPOSITORIES:
        told += [f"and so in {more} more repositories"] if more > 0 else []
    return "; ".join(told)


def _why_older(standing: Standing, keep: int, staying: Collection[str]) -> str:
    own = standing.own
    newest = standing.places[:keep]
    newer = [place for place in newest if place.member.image_id in staying]
    named = newer[:NAMED]
    higher = [place for place in named if _is_higher(place.member, own.member)]
    later = [place for place in named if place not in higher]
    told: list[str] = []
    if higher:
        names = _join([_name(place.member) for place in higher])
        told.append(f"version {own.member.tag} is older than {names}")
    if later:
        told.append(f"{_what_counts_in_time(own)}, {_before(own, later)}")
    more = f" and {len(newer) - NAMED} more" if len(newer) > NAMED else ""
    return f"{'; '.join(told)}{more}, which {'stays' if len(newer) == 1 else 'stay'}"


def _is_higher(one: Member, other: Member) -> bool:
    return bool(
        one.version
        and other.version
        and one.version.scheme is other.version.scheme
        and one.version > other.version
    )


def _before(own: Place, later: Iterable[Place]) -> str:
    names = _join([f"{_name(place.member)} ({_what_counts_in_time(place)})" for place in later])
    if all(place.as_new_as.seconds > own.as_new_as.seconds for place in later):
        return f"before {names}"
    return f"no later than {names}; where times are equal, having a version and then the ID decides"


def _what_counts(place: Place) -> str:
    time = _what_counts_in_time(place)
    return f"version {place.member.tag}, {time}" if place.member.version else time


def _what_counts_in_time(place: Place) -> str:
    if place.as_new_as is place.member:
        return _time(place.member)
    return f"as new as {_name(place.as_new_as)}, {_time(place.as_new_as)}"


def _time(member: Member) -> str:
    if member.moment is None:
        return "not known when it was built"
    time = datetime.fromtimestamp(min(member.moment.seconds, _LAST_SECOND), UTC)
    text = time.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"built {text}" if member.moment.is_build else f"on the node since {text}"


def _name(member: Member) -> str:
    return member.tag or member.image_id.removeprefix("sha256:")[:_ID_CHARACTERS]


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
