"""What is to be in the lock file, and how that differs from what is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from preloader.lock import Lock, LockedImage


class ChangeKind(StrEnum):
    """What happens to an image of the file, in the order in which it is shown."""

    ADDED = "added"
    RETAGGED = "retagged"
    """The name stands for another image now."""
    CHANGED = "changed"
    """The same image, for other platforms, or the file was edited."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Change:
    """One image that is not the same in both; where one lacks it, that side is None."""

    kind: ChangeKind
    image: str
    before: LockedImage | None
    after: LockedImage | None


def next_lock(old: Lock, fetched: Lock, wanted: Iterable[str]) -> Lock:
    """Returns the wanted images: as fetched, else as they were, else not at all."""
    known = {**old.images, **fetched.images}
    return Lock({image: known[image] for image in wanted if image in known})


def compare(old: Lock, new: Lock) -> list[Change]:
    """Returns what changes from one to the other, by kind and then by image."""
    changes = [
        Change(_kind(before, after), image, before, after)
        for image in sorted({*old.images, *new.images})
        for before, after in ((old.images.get(image), new.images.get(image)),)
        if before != after
    ]
    kinds = list(ChangeKind)
    return sorted(changes, key=lambda change: kinds.index(change.kind))


def _kind(before: LockedImage | None, after: LockedImage | None) -> ChangeKind:
    if before is None:
        return ChangeKind.ADDED
    if after is None:
        return ChangeKind.DROPPED
    return ChangeKind.CHANGED if before.digest == after.digest else ChangeKind.RETAGGED
