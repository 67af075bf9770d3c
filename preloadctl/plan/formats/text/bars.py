"""Bars of characters: an image's pull on the time axis, and what a disk has to hold of its size."""

from collections.abc import Sequence
from dataclasses import dataclass

from nodepools.kubelet.eviction import BYTES_PER_GIB
from preloadctl.plan.model import DiskPlan
from preloadctl.plan.units import gib_text


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of bars; parts of a disk differ without their colours too."""

    pull: str
    parts: str
    free: str
    mark: str


# A disk's budget has seven parts at most.
UNICODE = Glyphs(pull="█", parts="█▓▒░▚▞▤", free="·", mark="▲")
ASCII = Glyphs(pull="#", parts="#%+=o:-", free=".", mark="^")


@dataclass(frozen=True, slots=True)
class Cells:
    """A run of the same character in a bar, and what it stands for; -1 is what is free."""

    part: int
    glyph: str
    width: int
    name: str


def pull_bar(start: float, end: float, whole: float, width: int, glyphs: Glyphs) -> str:
    """Returns the bar of a pull from `start` to `end` on an axis of `whole` seconds."""
    scale = width / whole if whole else 0
    first = min(round(start * scale), width - 1)
    return " " * first + glyphs.pull * max(1, round(end * scale) - first)


def disk_cells(disk: DiskPlan, width: int, glyphs: Glyphs) -> tuple[Cells, ...]:
    """Returns the parts of the disk as runs that fill `width`, each part at least one character."""
    per_byte = width / (disk.size_gib * BYTES_PER_GIB)
    cells: list[Cells] = []
    filled, held_bytes = 0, 0
    for index, part in enumerate(disk.parts):
        held_bytes += part.size_bytes
        until = min(width, max(filled + 1, round(held_bytes * per_byte)))
        name = f"{part.name} {gib_text(part.size_bytes)}"
        cells.append(Cells(index, glyphs.parts[index], until - filled, name))
        filled = until
    free_bytes = disk.size_gib * BYTES_PER_GIB - held_bytes
    return (*cells, Cells(-1, glyphs.free, width - filled, f"free {gib_text(free_bytes)}"))


def marks_line(percents: Sequence[int], width: int, glyphs: Glyphs) -> str:
    """Returns a line below a bar that points at these shares of it."""
    line = [" "] * width
    for percent in percents:
        line[min(percent * width // 100, width - 1)] = glyphs.mark
    return "".join(line).rstrip()
