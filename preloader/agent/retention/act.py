"""Carries out a plan: removes what it says, unless the image came into use in the meantime."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from preloader.agent.cri.faults import BadAnswer, Refused
from preloader.agent.cri.messages import Image
from preloader.agent.cri.runtime import Runtime
from preloader.agent.retention.observation import Observer
from preloader.agent.retention.plan import Action, Decision, Plan


class Outcome(StrEnum):
    """What has become of one image."""

    KEPT = "kept"
    REMOVED = "removed"
    FAILED = "failed"
    GONE = "gone"
    WOULD_REMOVE = "would-remove"


@dataclass(frozen=True, slots=True)
class Result:
    """A decision and what came of it; `change` says why it was not carried out as decided."""

    decision: Decision
    outcome: Outcome
    change: str = ""


def act(
    plan: Plan,
    runtime: Runtime,
    observer: Observer,
    is_too_full: Callable[[], bool],
    *,
    dry_run: bool,
) -> Iterator[Result]:
    """Yields the result of each decision as it is carried out. Raises Unavailable.

    `is_too_full` says whether the disk still needs the images that may go only then.
    """
    for decision in plan.decisions:
        if decision.action is Action.KEEP:
            yield Result(decision, Outcome.KEPT)
        elif dry_run:
            yield Result(decision, Outcome.WOULD_REMOVE)
        elif decision.action is Action.EVICT and not is_too_full():
            yield Result(decision, Outcome.KEPT, "the disk is not known to be above low water")
        else:
            yield _remove(decision, runtime, observer)


def _remove(decision: Decision, runtime: Runtime, observer: Observer) -> Result:
    try:
        now = runtime.image(decision.image.id)
        if now is None:
            return Result(decision, Outcome.GONE)
        if change := _change_since(decision.image, now, observer):
            return Result(decision, Outcome.KEPT, change)
        runtime.remove_image(decision.image.id)
    except (Refused, BadAnswer) as fault:
        return Result(decision, Outcome.FAILED, str(fault))
    return Result(decision, Outcome.REMOVED)


def _change_since(image: Image, now: Image, observer: Observer) -> str:
    """Returns what has happened to the image since it was decided on, as far as it matters."""
    if now.pinned:
        return "it was pinned since"
    if {*now.tags, *now.digests} - {*image.tags, *image.digests}:
        return "it was pulled under another name since"
    usage = observer.usage((now,))
    if usage.unknown:
        return f"not known what {usage.unknown[0]} uses"
    user = usage.containers.get(image.id) or usage.sandboxes.get(image.id)
    return f"used by {user} since" if user else ""
