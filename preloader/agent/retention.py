"""Which images go and which stay, each with its reason: a pure function of what was observed.

An image goes when every repository that it belongs to has enough newer versions, nothing protects
it, and all of that is known. Every order here is total, so the plan does not depend on the order
in which the runtime answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from preloader.agent.messages import Image
from preloader.agent.observation import Observation
from preloader.agent.order import Member, count_newer, highest_version, needs_creation_times
from preloader.agent.policy import matches
from preloader.images import InvalidReference, Reference, parse_reference

# What the node itself made: no registry has it, so nothing can bring it back. A registry on a port
# of the node (`localhost:5000`) is another host, and has it.
LOCAL_REGISTRY = "localhost"


class Action(StrEnum):
    """What to do with an image; EVICT: remove it if the disk is still too full by then."""

    KEEP = "keep"
    REMOVE = "remove"
    EVICT = "evict"


class Reason(StrEnum):
    """Why; where several hold, the first of them is told."""

    PINNED = "pinned"
    CONTAINER = "used-by-container"
    SANDBOX = "used-by-sandbox"
    LOCAL = "localhost"
    LISTED = "in-list"
    LISTED_BEFORE = "in-previous-list"
    LISTED_ELSEWHERE = "in-list-of-other-pool"
    PROTECTED = "protected"
    UNKNOWN = "unknown"
    NEWEST = "newest"
    YOUNG = "young"
    OLD = "old-version"
    HIGH_WATER = "high-water"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan goes by; the lists hold references as the runtime keeps them."""

    keep_versions: int
    minimum_age_seconds: float = 0
    protect: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    listed_before: frozenset[str] = frozenset()
    listed_elsewhere: frozenset[str] = frozenset()
    evict: bool = False
    """Whether even the newest versions may go, because the disk is too full."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one image, and why."""

    image: Image
    action: Action
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision for each image: first those that go, in the order of their removal."""

    decisions: tuple[Decision, ...]

    @property
    def removals(self) -> tuple[Decision, ...]:
        return tuple(each for each in self.decisions if each.action is not Action.KEEP)


def plan(seen: Observation, rules: Rules) -> Plan:
    """Returns what is to become of each image that was seen."""
    nodes_images = _NodesImages(seen, rules)
    decisions = [nodes_images.decide(image) for image in seen.images]
    return Plan(tuple(sorted(decisions, key=nodes_images.turn)))


def images_to_date(seen: Observation, rules: Rules) -> tuple[str, ...]:
    """Returns the IDs of the images whose creation time the plan depends on."""
    return _NodesImages(seen, rules).to_date()


class _NodesImages:
    """The images of a node by repository, and what keeps each of them."""

    def __init__(self, seen: Observation, rules: Rules) -> None:
        self._seen, self._rules = seen, rules
        self._references = {image.id: _parse(image) for image in seen.images}
        self._repositories: dict[str, list[Member]] = {}
        self._places: dict[str, list[_Place]] = {image.id: [] for image in seen.images}
        for image_id, references in self._references.items():
            for name in sorted({reference.name for reference in references}):
                tags = [each.tag for each in references if each.name == name and each.tag]
                member = Member(image_id, highest_version(tags))
                self._repositories.setdefault(name, []).append(member)
        for name, members in self._repositories.items():
            newer = count_newer(members, seen.created)
            for member in members:
                place = _Place(name, len(members), newer.get(member.image_id))
                self._places[member.image_id].append(place)

    def decide(self, image: Image) -> Decision:
        reason, detail = self._protection(image) or self._standing(image)
        action = {Reason.OLD: Action.REMOVE, Reason.HIGH_WATER: Action.EVICT}.get(
            reason, Action.KEEP
        )
        return Decision(image, action, reason, detail)

    def turn(self, decision: Decision) -> tuple[object, ...]:
        """The sort key: longest on the node first, then with the most newer versions."""
        image = decision.image
        if decision.action is Action.KEEP:
            return len(Action), image.tags, image.digests, image.id
        is_optional = decision.action is Action.EVICT
        newer = [place.newer or 0 for place in self._places[image.id]]
        return is_optional, -self._age(image), -min(newer, default=0), image.id

    def to_date(self) -> tuple[str, ...]:
        by_id = {image.id: image for image in self._seen.images}
        wanted = {
            member.image_id
            for members in self._repositories.values()
            if len(members) > self._rules.keep_versions and needs_creation_times(members)
            if not all(self._protection(by_id[member.image_id]) for member in members)
            for member in members
        }
        return tuple(sorted(wanted))

    def _protection(self, image: Image) -> tuple[Reason, str] | None:
        """Returns what keeps the image whatever its version."""
        usage = self._seen.usage
        if image.pinned:
            return Reason.PINNED, "by the runtime"
        if user := usage.containers.get(image.id):
            return Reason.CONTAINER, user
        if user := usage.sandboxes.get(image.id):
            return Reason.SANDBOX, user
        for reason, protects in self._protected_references():
            for reference in self._references[image.id]:
                if protects(reference):
                    return reason, str(reference)
        return self._ignorance(image)

    def _protected_references(self) -> Iterator[tuple[Reason, Callable[[Reference], bool]]]:
        rules = self._rules
        yield Reason.LOCAL, lambda reference: reference.registry == LOCAL_REGISTRY
        yield Reason.LISTED, lambda reference: str(reference) in rules.listed
        yield Reason.LISTED_BEFORE, lambda reference: str(reference) in rules.listed_before
        yield Reason.LISTED_ELSEWHERE, lambda reference: str(reference) in rules.listed_elsewhere
        yield Reason.PROTECTED, lambda reference: matches(reference, rules.protect)

    def _ignorance(self, image: Image) -> tuple[Reason, str] | None:
        """Returns what is not known of the image and would have to be."""
        if self._seen.usage.unknown:
            return Reason.UNKNOWN, f"not known what {self._seen.usage.unknown[0]} uses"
        if len(self._references[image.id]) < len(image.tags) + len(image.digests):
            return Reason.UNKNOWN, "it has a reference that is not understood"
        if not image.id:
            return Reason.UNKNOWN, "it has no ID"
        return None

    def _standing(self, image: Image) -> tuple[Reason, str]:
        """Returns what follows from the image's versions and age, when nothing protects it."""
        keep, places = self._rules.keep_versions, self._places[image.id]
        newest = next((place for place in places if place.is_within(keep)), None)
        unplaced = next((place for place in places if place.newer is None), None)
        if self._rules.evict and (newest or unplaced or not places):
            reason, detail = Reason.HIGH_WATER, f"on the node for {self._age(image):.0f} s"
        elif newest or not places:
            detail = newest.why_within(keep) if newest else "it has no repository"
            reason = Reason.NEWEST
        elif unplaced:
            return Reason.UNKNOWN, f"no creation time, for its order in {unplaced.repository}"
        else:
            reason, detail = Reason.OLD, "; ".join(str(place) for place in places)
        if reason is not Reason.NEWEST and self._age(image) < self._rules.minimum_age_seconds:
            return Reason.YOUNG, f"on the node for {self._age(image):.0f} s"
        return reason, detail

    def _age(self, image: Image) -> float:
        # Of an image that was never seen before nothing is known but that it is there.
        return self._seen.ages.get(image.id, 0)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image is in a repository: of how many images, and how many of those are newer."""

    repository: str
    images: int
    newer: int | None
    """None: not known."""

    def is_within(self, keep: int) -> bool:
        return self.images <= keep or (self.newer is not None and self.newer < keep)

    def why_within(self, keep: int) -> str:
        return f"only {self.images} of {self.repository}" if self.images <= keep else str(self)

    def __str__(self) -> str:
        return f"{self.newer} of {self.images} of {self.repository} are newer"


def _parse(image: Image) -> list[Reference]:
    references: list[Reference] = []
    for text in sorted((*image.tags, *image.digests)):
        try:
            references.append(parse_reference(text))
        except InvalidReference:
            continue
    return references
