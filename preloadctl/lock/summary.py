"""What a person reads of a run: the changes of the lock file, and what could not be locked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from preloadctl.lock.compare import Change, ChangeKind
from preloader.lock import Lock, LockedImage, LockedPlatform
from preloader.printable import printable, shortened

DIGEST_SHOWN_LENGTH = len("sha256:") + 12
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
UNIT_STEP = 1024
KIND_WIDTH = len("not there") + 1
# No honest reason is longer; a registry's may be.
MOST_OF_A_REASON = 400


def change_lines(changes: Sequence[Change], new: Lock) -> Iterator[str]:
    """Yields how many images changed in which way, and then each change."""
    counts = Counter(change.kind for change in changes)
    unchanged = len(new.images) - sum(change.after is not None for change in changes)
    counted = [f"{counts[kind]} {kind}" for kind in ChangeKind if counts[kind]]
    if unchanged or not counted:
        counted.append(f"{unchanged} unchanged")
    yield f"  {', '.join(counted)}"
    for change in changes:
        details = list(_details(change))
        beside = f"  {details.pop()}" if len(details) == 1 else ""
        yield f"  {change.kind:{KIND_WIDTH}}{change.image}{beside}"
        for detail in details:
            yield f"  {'':{KIND_WIDTH}}{detail}"


def missing_lines(missing: Sequence[str]) -> Iterator[str]:
    """Yields the images of the stack that are not in the file, and were not asked for."""
    for image in missing:
        yield f"  {'not there':{KIND_WIDTH}}{image}"


def failure_lines(failures: Mapping[str, str], asked: int, known: Lock) -> Iterator[str]:
    """Yields how many of the images that were asked for could not be locked, and each of them.

    That is why, what to do, and what the file has of it.
    """
    if failures:
        yield f"{len(failures)} of {asked} images could not be locked:"
    for image, reason in sorted(failures.items()):
        yield f"  {image}"
        for part in shortened(printable(reason), MOST_OF_A_REASON).split("; "):
            yield f"    {part}"
        if image in known.images:
            yield "    what was locked before stays"


def size_text(size_bytes: int) -> str:
    """Returns a size as a person says it: `1.5 GiB`."""
    size, unit = float(abs(size_bytes)), 0
    # What rounds to a whole unit of the next kind is said in that.
    while round(size, 1) >= UNIT_STEP and unit < len(UNITS) - 1:
        size, unit = size / UNIT_STEP, unit + 1
    return f"{size:.{1 if unit else 0}f} {UNITS[unit]}"


def _details(change: Change) -> Iterator[str]:
    before, after = change.before, change.after
    if before and after and before.digest != after.digest:
        yield f"{before.digest[:DIGEST_SHOWN_LENGTH]} -> {after.digest[:DIGEST_SHOWN_LENGTH]}"
    old, new = _platforms(before), _platforms(after)
    if after:
        for key in sorted({*old, *new}):
            yield f"{key}: {_size_change(old.get(key), new.get(key))}"


def _platforms(image: LockedImage | None) -> Mapping[str, LockedPlatform]:
    return image.platforms if image else {}


def _size_change(before: LockedPlatform | None, after: LockedPlatform | None) -> str:
    if after is None:
        return "no longer needed"
    size = size_text(after.size_bytes)
    if before is None or before.size_bytes == after.size_bytes:
        return size
    difference = after.size_bytes - before.size_bytes
    return f"{size} ({'+' if difference > 0 else '-'}{size_text(difference)})"
