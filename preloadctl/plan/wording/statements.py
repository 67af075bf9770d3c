"""What is said of refusals, changes and the lock file, in the text and in the comment alike."""

from collections.abc import Iterator, Sequence

from preloadctl.plan.model import Changes, LockState, PoolChanges, Refusal
from preloadctl.plan.units import size_text
from preloadctl.plan.wording.sentences import counted, nodes_text

# More than these are counted; the JSON has all of them.
_MOST_NAMED = 3


def refused_text(refusals: Sequence[Refusal]) -> str:
    """Says that a stack would be refused, and where all its mistakes are."""
    subject = f" in {refusals[0].subject}" if refusals[0].subject else ""
    mistakes = counted(len(refusals), "mistake")
    return f"Refused, so nothing would be deployed: {mistakes}{subject}"


def refusal_text(refusal: Refusal) -> str:
    """Says where a mistake is, what is there, and what is accepted, as other commands do."""
    if not refusal.path and not refusal.value:
        return refusal.accepted
    return f"{refusal.path}: {refusal.value}: {refusal.accepted}"


def since_text(changes: Changes) -> str:
    """Says what the stack is compared with, and that the program is not part of it."""
    if changes.not_compared is not None:
        return f"Not compared with an earlier state: {changes.not_compared}."
    if not changes.pools:
        return f"Nothing is different from the configuration of {changes.since}."
    return f"Different from the configuration of {changes.since}, with today's program:"


def novelty(change: PoolChanges) -> str:
    """Says of a pool that it was not there, or is not any more, after its name."""
    return " (new)" if change.is_new else " (gone)" if change.is_gone else ""


def pull_text(change: PoolChanges) -> str:
    """Says what a change lets each node of a pool pull."""
    if change.is_gone:
        return "its nodes no longer keep any image"
    nodes = "each node" if change.nodes is None else f"each of {nodes_text(change.nodes)} nodes"
    if change.bytes_to_pull is None:
        return f"{nodes} pulls what is not known in size"
    if not change.bytes_to_pull:
        return "nothing to pull"
    return f"{nodes} pulls {size_text(change.bytes_to_pull)}"


def image_changes(change: PoolChanges) -> Iterator[tuple[str, str]]:
    """Yields what became of an image, and which one that is."""
    yield from (("added", image) for image in change.added)
    yield from (("retagged", f"{each.before} -> {each.after}") for each in change.retagged)
    yield from (("other content", image) for image in change.relocked)
    yield from (("dropped", image) for image in change.dropped)


def lock_text(lock: LockState, stack: str) -> str:
    """Says what the lock file lacks, what runs as root without it, and the command that helps."""
    return " ".join(filter(None, (_lacks_text(lock, stack), unpinned_text(lock))))


def unpinned_text(lock: LockState) -> str:
    """Says what runs as root by a tag alone; empty where nothing does."""
    if not lock.unpinned_root:
        return ""
    images = lock.unpinned_root
    runs, is_, it = ("runs", "is", "it") if len(images) == 1 else ("run", "are", "them")
    return (
        f"{_named(images)} {runs} as root on the nodes and {is_} not pinned by a digest; the lock "
        f"file pins {it}."
    )


def _lacks_text(lock: LockState, stack: str) -> str:
    command = f"`preloadctl lock --stack {stack}`"
    if not lock.exists:
        return f"There is no lock file {lock.path}; {command} writes it."
    lacks = [f"lacks {_named(lock.not_locked)}"] if lock.not_locked else []
    more = [f"has {_named(lock.not_listed)}, which no pool lists"] if lock.not_listed else []
    if not lacks and not more:
        return f"The lock file {lock.path} has every image, and no other."
    return f"The lock file {lock.path} {' and '.join((*lacks, *more))}; run {command}."


def _named(images: Sequence[str]) -> str:
    if len(images) <= _MOST_NAMED + 1:
        return ", ".join(images)
    return f"{', '.join(images[:_MOST_NAMED])} and {len(images) - _MOST_NAMED} more"
