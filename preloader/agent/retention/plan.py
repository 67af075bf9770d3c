"""Which images go and which stay, each with its reason: a pure function of what was observed.

Whatever the inventory, for each repository:

- The order of its images is total, so a plan does not depend on how the runtime lists them.
- At most `keep_versions` images stay for their place in it, and one more because it was built last;
  what else stays is protected, or younger than the minimum age.
- Of two images whose tags name versions of one scheme, the higher version is newer.
- Of equal versions, and of images without one, the one built later is newer.

The image that was built last is never removed as old, whatever the tags say. An image that does not
say when it was built counts as built when it appeared on the node. One for which the runtime did
not answer stays for now, and no other goes that might have stayed with the answer. An image in
several repositories goes when all of them let it go; one in none has nothing to stay for. A plan
goes on until what it leaves is what it would leave again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from preloader.agent.cri.messages import Image
from preloader.agent.policy import matches
from preloader.agent.retention import explanation
from preloader.agent.retention.explanation import Standing
from preloader.agent.retention.observation import NoTime, Observation
from preloader.agent.retention.order import Member, Moment, find_version, rank
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
    BUILT_LAST = "built-last"
    YOUNG = "young"
    OLD = "old-version"
    UNNAMED = "unnamed"
    HIGH_WATER = "high-water"


_REMOVED = frozenset({Reason.OLD, Reason.UNNAMED})
_ACTIONS = {**dict.fromkeys(_REMOVED, Action.REMOVE), Reason.HIGH_WATER: Action.EVICT}


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
    """What becomes of one image, and why, in words for a person."""

    image: Image
    action: Action
    reason: Reason
    explain: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision for each image: first those that go, in the order of their removal."""

    decisions: tuple[Decision, ...]

    @property
    def removals(self) -> tuple[Decision, ...]:
        return tuple(each for each in self.decisions if each.action is not Action.KEEP)


def plan(seen: Observation, rules: Rules) -> Plan:
    """Returns what is to become of each image that was seen."""
    return _NodesImages(seen, rules).plan()


def images_to_date(seen: Observation, rules: Rules) -> tuple[str, ...]:
    """Returns the IDs of the images whose creation time the plan depends on."""
    return _NodesImages(seen, rules).to_date()


class _NodesImages:
    """The images of a node by repository, and what keeps each of them."""

    def __init__(self, seen: Observation, rules: Rules) -> None:
        self._seen, self._rules = seen, rules
        self._references = {image.id: _parse(image) for image in seen.images}
        self._protected = {image.id: self._protection(image) for image in seen.images}
        self._repositories: dict[str, list[Member]] = {}
        for image_id, references in self._references.items():
            tags_by_name: dict[str, list[str]] = {}
            for each in references:
                tags_by_name.setdefault(each.name, []).extend([each.tag] if each.tag else [])
            for name, tags in tags_by_name.items():
                member = Member(image_id, *find_version(tags), self._moment(image_id))
                self._repositories.setdefault(name, []).append(member)
        self._standings: dict[str, dict[str, Standing]] = {image.id: {} for image in seen.images}
        """Each image's, by repository: the last before it went."""

    def plan(self) -> Plan:
        reasons = self._reasons()
        staying = {each for each, reason in reasons.items() if reason not in _REMOVED}
        decisions: list[Decision] = []
        for image in self._seen.images:
            reason, protection = reasons[image.id], self._protected[image.id]
            explain = protection[1] if protection else self._explain(image, reason, staying)
            decisions.append(Decision(image, _ACTIONS.get(reason, Action.KEEP), reason, explain))
        return Plan(tuple(sorted(decisions, key=self._turn)))

    def to_date(self) -> tuple[str, ...]:
        wanted = {
            member.image_id
            for members in self._repositories.values()
            if len(members) > self._rules.keep_versions
            if not all(self._protected[member.image_id] for member in members)
            for member in members
        }
        return tuple(sorted(wanted))

    def _reasons(self) -> dict[str, Reason]:
        gone: dict[str, Reason] = {}
        names = sorted(self._repositories)
        while True:
            self._rank(names, gone)
            left = {
                image.id: self._reason(image) for image in self._seen.images if image.id not in gone
            }
            goes = {image_id: reason for image_id, reason in left.items() if reason in _REMOVED}
            if not goes:
                return gone | left
            gone |= goes
            # Without them, what was as new as one of them no longer is.
            names = sorted({name for image_id in goes for name in self._standings[image_id]})

    def _rank(self, names: Iterable[str], gone: Collection[str]) -> None:
        for name in names:
            members = self._repositories[name]
            places = rank(member for member in members if member.image_id not in gone)
            for place in places:
                standing = Standing(name, places, place, total=len(members))
                self._standings[place.member.image_id][name] = standing

    def _reason(self, image: Image) -> Reason:
        if protection := self._protected[image.id]:
            return protection[0]
        keep, standings = self._rules.keep_versions, self._standings[image.id].values()
        reason = Reason.OLD if standings else Reason.UNNAMED
        if any(each.own.newer < keep or each.own.member.moment is None for each in standings):
            reason = Reason.UNKNOWN
        if any(each.own.is_built_last for each in standings):
            reason = Reason.BUILT_LAST
        if any(each.own.position < keep for each in standings):
            reason = Reason.NEWEST
        if self._rules.evict and standings and reason is not Reason.OLD:
            reason = Reason.HIGH_WATER
        is_young = self._age(image.id) < self._rules.minimum_age_seconds
        return Reason.YOUNG if is_young and reason in _ACTIONS else reason

    def _explain(self, image: Image, reason: Reason, staying: Collection[str]) -> str:
        keep, standings = self._rules.keep_versions, [*self._standings[image.id].values()]
        if reason is Reason.NEWEST:
            newest = next(each for each in standings if each.own.position < keep)
            return explanation.why_newest(newest, keep)
        if reason is Reason.BUILT_LAST:
            last = next(each for each in standings if each.own.is_built_last)
            return explanation.why_built_last(last)
        if reason is Reason.UNKNOWN:
            return explanation.why_unknown(standings[0])
        if reason is Reason.OLD:
            return explanation.why_old(standings, keep, staying)
        if reason is Reason.UNNAMED:
            return "no tag or digest refers to it"
        return f"on the node for {self._age(image.id):.0f} s"

    def _turn(self, decision: Decision) -> tuple[object, ...]:
        """The sort key: longest on the node first, then with the most newer versions."""
        image = decision.image
        if decision.action is Action.KEEP:
            return len(Action), image.tags, image.digests, image.id
        is_optional = decision.action is Action.EVICT
        newer = [each.own.position for each in self._standings[image.id].values()]
        return is_optional, -self._age(image.id), -min(newer, default=0), image.id

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

    def _moment(self, image_id: str) -> Moment | None:
        created = self._seen.created.get(image_id, NoTime.UNSAID)
        if created is NoTime.UNANSWERED:
            return None
        if created is NoTime.UNSAID:
            return Moment(self._seen.time - self._age(image_id), is_build=False)
        return Moment(created, is_build=True)

    def _age(self, image_id: str) -> float:
        # Of an image that was never seen before nothing is known but that it is there.
        return self._seen.ages.get(image_id, 0)


def _parse(image: Image) -> list[Reference]:
    references: list[Reference] = []
    for text in sorted((*image.tags, *image.digests)):
        try:
            references.append(parse_reference(text))
        except InvalidReference:
            continue
    return references
