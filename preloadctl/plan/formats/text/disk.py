"""The disk of a pool as a stacked bar, with marks below it and what its parts are."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from preloadctl.plan.formats.text.bars import Glyphs, disk_cells, marks_line
from preloadctl.plan.model import DiskPlan
from preloadctl.plan.wording.sentences import disk_text

STYLES = ("blue", "cyan", "magenta", "yellow", "green", "bright_black", "red")
FREE_STYLE = "dim"
# The kubelet's image garbage collection does not run at that.
NEVER_PERCENT = 100
MOST_WIDTH = 100


def disk_lines(disk: DiskPlan, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """Yields the disk's size, its bar where the budget is known, and the marks on it."""
    yield Text(f"Disk {disk.path}: {disk_text(disk)}")
    marks = dict(_marks(disk))
    said = ", ".join(f"{name} at {percent} %" for name, percent in marks.items())
    if not disk.parts:
        yield Text(said)
        return
    cells = disk_cells(disk, min(width, MOST_WIDTH), glyphs)
    styles = [FREE_STYLE if cell.part < 0 else STYLES[cell.part] for cell in cells]
    runs = zip(cells, styles, strict=True)
    yield Text.assemble(*((cell.glyph * cell.width, style) for cell, style in runs))
    yield Text(marks_line([*marks.values()], min(width, MOST_WIDTH), glyphs))
    legend = [
        Text.assemble((cell.glyph, style), f" {cell.name}")
        for cell, style in zip(cells, styles, strict=True)
    ]
    yield from _wrapped(legend, width)
    yield Text(f"{glyphs.mark} {said}")


def _marks(disk: DiskPlan) -> Iterator[tuple[str, int]]:
    """Yields the marks from left to right, as the line below the bar has them."""
    marks = {"high water": disk.high_water_percent, "image GC": disk.gc_percent}
    known = {name: percent for name, percent in marks.items() if percent is not None}
    known["eviction"] = disk.eviction_percent
    for name, percent in sorted(known.items(), key=lambda mark: mark[1]):
        if percent < NEVER_PERCENT:
            yield name, percent


def _wrapped(items: Sequence[Text], width: int) -> Iterator[Text]:
    """Yields lines of the items, none of which is broken unless it is wider than a line."""
    line = Text()
    for item in items:
        if line and line.cell_len + 2 + item.cell_len > width:
            yield line
            line = Text()
        line = Text.assemble(line, "  ", item) if line else item
    yield line
