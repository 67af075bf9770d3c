"""The table of a pool's lanes: each image, when a new node has it, and a bar from when to when."""

import re
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from preloadctl.plan.formats.text.bars import Glyphs, pull_bar
from preloadctl.plan.model import PlannedImage, PoolPlan
from preloadctl.plan.wording.sentences import bytes_text, seconds_text

GAP = 2
MOST_BAR_WIDTH = 48
# What a bar is to have at least of the room for names and bars, before names are folded.
BAR_SHARE = 1 / 4
LEAST_NAME_WIDTH = 16
# Where a reference may be broken: after a slash, and before its tag or digest.
_PIECES = re.compile(r"[^/:@]*/|[:@]?[^/:@]+|[:@]")


def lane_table(pool: PoolPlan, width: int, glyphs: Glyphs) -> Table:
    """Returns the table, without bars where the pull times are not known."""
    images = [image for lane in pool.lanes for image in lane]
    columns = {"lane": [*_lane_numbers(pool)]}
    columns["size"] = [bytes_text(image.size_bytes) for image in images]
    if pool.shared_bytes:
        columns["new"] = [bytes_text(image.new_bytes) for image in images]
    if pool.times is not None:
        columns["after"] = [seconds_text(image.end_seconds) for image in images]
    taken = sum(max(map(len, (name, *cells))) + GAP for name, cells in columns.items())
    names = [image.reference for image in images]
    name_width, bar_width = _widths(names, width - taken, has_bars=pool.times is not None)
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("lane", no_wrap=True)
    table.add_column("image", width=name_width)
    for name in [*columns][1:]:
        table.add_column(name, justify="right", no_wrap=True)
    if bar_width:
        table.add_column("", width=bar_width)
    for row, image in enumerate(images):
        lane, *rest = (cells[row] for cells in columns.values())
        bar = [_bar(image, pool, bar_width, glyphs)] if bar_width else []
        table.add_row(lane, folded(image.reference, name_width), *rest, *bar)
    return table


def _lane_numbers(pool: PoolPlan) -> Iterator[str]:
    """Yields the number of a lane for its first image, and nothing for the others."""
    for number, lane in enumerate(pool.lanes):
        yield str(number)
        yield from [""] * (len(lane) - 1)


def folded(reference: str, width: int) -> str:
    """Returns the reference in lines of at most `width`, broken where a part of it ends."""
    lines = [""]
    for piece in _PIECES.findall(reference):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
        while len(lines[-1]) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return "\n".join(lines)


def _widths(names: Sequence[str], left: int, *, has_bars: bool) -> tuple[int, int]:
    """Returns the widths of names and bars: names in full where bars have room beside them."""
    longest = max(map(len, names))
    if not has_bars:
        return max(LEAST_NAME_WIDTH, min(longest, left)), 0
    name_width = max(LEAST_NAME_WIDTH, min(longest, round((left - GAP) * (1 - BAR_SHARE))))
    return name_width, max(1, min(MOST_BAR_WIDTH, left - GAP - name_width))


def _bar(image: PlannedImage, pool: PoolPlan, width: int, glyphs: Glyphs) -> Text:
    if pool.times is None or image.start_seconds is None or image.end_seconds is None:
        return Text()
    bar = pull_bar(image.start_seconds, image.end_seconds, pool.times.lanes_seconds, width, glyphs)
    return Text(bar, "blue", no_wrap=True)
