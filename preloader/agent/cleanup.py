"""One run of the cleanup: observe, plan, act."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from preloader.agent import disk
from preloader.agent.clock import Clock
from preloader.agent.cri.faults import RuntimeFault
from preloader.agent.cri.messages import Image
from preloader.agent.cri.runtime import Runtime
from preloader.agent.policy import Policy
from preloader.agent.retention.act import Outcome, Result, act
from preloader.agent.retention.observation import Observer
from preloader.agent.retention.plan import Plan, Reason, Rules, images_to_date, plan
from preloader.agent.state import Memory
from preloader.images import InvalidReference, parse_reference

# Where the previous list is not known, its images are most likely the version before.
KEPT_FOR_UNKNOWN_LIST = 1


@dataclass(slots=True)
class Summary:
    """What one run did; sizes in bytes, times in seconds."""

    trigger: str
    dry_run: bool
    started: datetime
    images_before: int | None = None
    images_after: int | None = None
    outcomes: dict[Outcome, int] = field(default_factory=dict[Outcome, int])
    disk_before: disk.Disk | None = None
    disk_after: disk.Disk | None = None
    duration: float = 0
    missing: tuple[str, ...] | None = None
    """The pool's images that are not on the node."""
    young_for: float | None = None
    """How long it takes until no image stays for its age alone; None: there is none."""
    problems: list[str] = field(default_factory=list[str])
    fault: str | None = None
    """Why the run broke off; None: it was completed."""
    next_run: datetime | None = None

    @property
    def freed(self) -> int | None:
        """By how much the free space grew; negative where others wrote more in the meantime."""
        if self.disk_before is None or self.disk_after is None:
            return None
        return self.disk_after.free - self.disk_before.free

    @property
    def failed(self) -> bool:
        return self.fault is not None or Outcome.FAILED in self.outcomes


class Cleanup:
    """The cleanup of one node by one policy."""

    def __init__(self, runtime: Runtime, policy: Policy, memory: Memory, clock: Clock) -> None:
        self._runtime = runtime
        self._policy = policy
        self._memory = memory
        self._clock = clock
        self._observer = Observer(runtime)
        self._filesystem = policy.image_filesystem

    def run(self, trigger: str, tell: Callable[[Result], None], *, evict: bool = False) -> Summary:
        """Tells each result as it comes. A fault of the runtime ends the run, in the summary."""
        start = self._clock.uptime()
        summary = Summary(trigger, self._policy.dry_run, self._clock.now())
        summary.disk_before = self._measure(summary)
        try:
            for result in self._results(summary, evict=evict):
                summary.outcomes[result.outcome] = summary.outcomes.get(result.outcome, 0) + 1
                tell(result)
            summary.images_after = len(self._observer.images())
        except RuntimeFault as fault:
            summary.fault = str(fault)
        summary.disk_after = self._measure(summary)
        if summary.fault is None:
            self._memory.last_run = self._clock.now().timestamp()
        self._memory.save()
        summary.problems += self._memory.problems.values()
        summary.duration = self._clock.uptime() - start
        return summary

    def plan(self, *, evict: bool = False) -> Plan:
        """Returns what would become of each image on the node now. Raises RuntimeFault."""
        images = self._observer.images()
        now = self._clock.uptime()
        self._memory.note_images((image.id for image in images), now)
        rules = self._rules(evict=evict)
        seen = self._observer.observe(images, self._memory.ages(now), self._clock.now().timestamp())
        times = self._observer.creation_times(images_to_date(seen, rules))
        seen = replace(seen, created=times)
        decided = plan(seen, rules)
        if not decided.removals:
            return decided
        # Asking each container and sandbox is only worth it when something is to be removed.
        return plan(replace(seen, usage=self._observer.usage(images)), rules)

    def look(self) -> tuple[str, ...]:
        """Takes note of the images on the node; returns the pool's that are not there.

        Raises RuntimeFault.
        """
        images = self._observer.images()
        self._memory.note_images((image.id for image in images), self._clock.uptime())
        return self._missing(images)

    def used_percent(self) -> float:
        """Returns how full the disk is that holds the images. Raises RuntimeFault, OSError."""
        return self._disk().used_percent

    def _missing(self, images: Iterable[Image]) -> tuple[str, ...]:
        present: set[str] = set()
        for image in images:
            present |= listed_forms((*image.tags, *image.digests))
        wanted = ((image, parse_reference(image).stored_as) for image in self._policy.images)
        return tuple(image for image, stored_as in wanted if stored_as not in present)

    def _results(self, summary: Summary, *, evict: bool) -> Iterable[Result]:
        decided = self.plan(evict=evict)
        images = [decision.image for decision in decided.decisions]
        summary.images_before = len(images)
        summary.missing = self._missing(images)
        summary.young_for = self._young_for(decided)
        return act(
            decided,
            self._runtime,
            self._observer,
            lambda: self._is_too_full(summary),
            dry_run=self._policy.dry_run,
        )

    def _rules(self, *, evict: bool) -> Rules:
        policy, memory = self._policy, self._memory
        return Rules(
            keep_versions=policy.keep_versions
            + (0 if memory.lists_known else KEPT_FOR_UNKNOWN_LIST),
            minimum_age_seconds=policy.minimum_age_seconds,
            protect=policy.protect,
            listed=listed_forms(policy.images),
            listed_before=listed_forms(memory.previous or ()),
            listed_elsewhere=listed_forms(memory.lists_of_other_pools()),
            evict=evict,
        )

    def _young_for(self, decided: Plan) -> float | None:
        ages = self._memory.ages(self._clock.uptime())
        young = [
            self._policy.minimum_age_seconds - ages.get(decision.image.id, 0)
            for decision in decided.decisions
            if decision.reason is Reason.YOUNG
        ]
        return max(young, default=None)

    def _is_too_full(self, summary: Summary) -> bool:
        now = self._measure(summary)
        return now is not None and now.used_percent > self._policy.low_water

    def _measure(self, summary: Summary) -> disk.Disk | None:
        try:
            return self._disk()
        except (OSError, RuntimeFault) as error:
            problem = f"the image file system cannot be measured: {error}"
            if problem not in summary.problems:
                summary.problems.append(problem)
            return None

    def _disk(self) -> disk.Disk:
        if self._filesystem is None:
            self._filesystem = disk.find_image_filesystem(self._runtime.image_directories())
        return disk.measure(self._filesystem)


def listed_forms(images: Iterable[str]) -> frozenset[str]:
    """Returns every normalised form in which the runtime may keep one of `images`."""
    forms: set[str] = set()
    for image in images:
        try:
            reference = parse_reference(image)
        except InvalidReference:
            continue
        forms.add(reference.stored_as)
        if reference.tag:
            forms.add(f"{reference.name}:{reference.tag}")
    return frozenset(forms)
