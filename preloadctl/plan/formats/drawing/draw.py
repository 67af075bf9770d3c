"""Draws charts in per cent of their width and in pixels of height, so that text is never scaled.

The same drawing fills a column of the page, whatever its width, and a part of a picture.
"""

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.chart import Bar, DiskBar, Gantt, Mark, Part, Tick
from preloadctl.plan.formats.drawing.markup import element
from preloadctl.plan.units import duration_text, gib_text, size_text

MARK_HEIGHT, LANE_HEIGHT, BAR_HEIGHT, AXIS_HEIGHT = 18, 36, 26, 24
DISK_HEIGHT = 28
# From a mark's line to its text, and from the bars to the first text.
GAP = 6
TEXT_RISE = 5
# Where a mark's text goes to its left, since right of it there may be no room on a phone.
LEFT_FROM = 0.4
# A text in the middle of a tick further right would pass the edge.
LAST_TICK_FROM = 0.9
# On a phone a letter fits no narrower part.
LETTER_FROM = 0.05

Label = Callable[[Bar, int], Element | None]
"""Draws what a bar says of itself, given its top in pixels."""


def lanes_top(gantt: Gantt) -> int:
    """Pixels above the first lane, where the marks' texts are."""
    return len(gantt.marks) * MARK_HEIGHT + GAP


def gantt_height(gantt: Gantt) -> int:
    """Pixels from the first mark's text to the axis."""
    return lanes_top(gantt) + len(gantt.lanes) * LANE_HEIGHT + AXIS_HEIGHT


def disk_height(bar: DiskBar) -> int:
    """Pixels from the bar to the last mark's text."""
    return GAP + DISK_HEIGHT + GAP + len(bar.marks) * MARK_HEIGHT + 2


def draw_gantt(gantt: Gantt, name: str, label: Label, **attributes: str) -> Element:
    """Draws the lanes under the marks' texts and over the axis."""
    top = lanes_top(gantt)
    bottom = top + len(gantt.lanes) * LANE_HEIGHT
    return _drawing(
        name,
        gantt_height(gantt),
        *(_tick(tick, top, bottom) for tick in gantt.ticks),
        *_marks_above(gantt.marks, bottom),
        *(
            _bar(bar, top + index * LANE_HEIGHT + (LANE_HEIGHT - BAR_HEIGHT) // 2, label)
            for index, lane in enumerate(gantt.lanes)
            for bar in lane
        ),
        **attributes,
    )


def draw_disk(bar: DiskBar, name: str, **attributes: str) -> Element:
    """Draws the disk's parts over the marks' texts."""
    return _drawing(
        name,
        disk_height(bar),
        *(_part(part) for part in bar.parts),
        element(
            "rect",
            class_="volume",
            y=str(GAP),
            width=percent(bar.volume),
            height=str(DISK_HEIGHT),
        ),
        *_marks_below(bar.marks, GAP + DISK_HEIGHT + GAP),
        **attributes,
    )


def percent(share: float) -> str:
    """A share as an attribute."""
    return f"{100 * share:.3f}%"


def described(bar: Bar) -> str:
    """All that is known of a bar's image, for whoever points at it or hears it."""
    image = bar.image
    sizes = (
        f"{size_text(size)}{what}"
        for size, what in ((image.size_bytes, ""), (image.new_bytes, " of it new in its lane"))
        if size is not None
    )
    start, end = image.start_seconds or 0.0, image.end_seconds or 0.0
    when = f"from {duration_text(start)} to {duration_text(end)}"
    return ", ".join((f"{bar.number}: {image.reference}", *sizes, when))


def _drawing(name: str, height: int, *children: Element, **attributes: str) -> Element:
    return element(
        "svg",
        *children,
        class_="drawing",
        role="img",
        aria_label=name,
        height=str(height),
        **{"width": "100%"} | attributes,
    )


def _bar(bar: Bar, top: int, label: Label) -> Element:
    left, bottom = percent(bar.start), top + BAR_HEIGHT
    return element(
        "g",
        element("title", described(bar)),
        element("rect", x=left, y=str(top), width=percent(bar.width), height=str(BAR_HEIGHT)),
        # Seen also of an image that takes no time, since the node has its layers by then.
        element("line", x1=left, x2=left, y1=str(top), y2=str(bottom)),
        label(bar, top),
        class_="filled images",
    )


def _part(part: Part) -> Element:
    return element(
        "g",
        element("title", f"{part.letter}: {part.name}, {gib_text(part.size_bytes)}"),
        element(
            "rect",
            x=percent(part.start),
            y=str(GAP),
            width=percent(part.width),
            height=str(DISK_HEIGHT),
        ),
        element(
            "text",
            part.letter,
            class_="letter",
            x=percent(part.start + part.width / 2),
            y=str(GAP + DISK_HEIGHT // 2 + TEXT_RISE),
            text_anchor="middle",
        )
        if part.width >= LETTER_FROM
        else None,
        class_=f"filled {part.kind}",
    )


def _tick(tick: Tick, top: int, bottom: int) -> Element:
    at = percent(tick.at)
    anchor = "start" if not tick.at else "end" if tick.at > LAST_TICK_FROM else "middle"
    return element(
        "g",
        element("line", x1=at, x2=at, y1=str(top), y2=str(bottom + GAP)),
        element("text", tick.text, x=at, y=str(bottom + AXIS_HEIGHT - 4), text_anchor=anchor),
        class_="tick",
    )


def _marks_above(marks: Sequence[Mark], bottom: int) -> list[Element]:
    """The leftmost mark's text is the lowest: its line meets no other text."""
    return [
        _mark(mark, row * MARK_HEIGHT + MARK_HEIGHT - TEXT_RISE, row * MARK_HEIGHT + 4, bottom)
        for row, mark in enumerate(reversed(marks))
    ]


def _marks_below(marks: Sequence[Mark], top: int) -> list[Element]:
    """The leftmost mark's text is the highest: its line meets no other text."""
    return [
        _mark(mark, top + (row + 1) * MARK_HEIGHT - TEXT_RISE, 0, top + (row + 1) * MARK_HEIGHT - 2)
        for row, mark in enumerate(marks)
    ]


def _mark(mark: Mark, baseline: int, top: int, bottom: int) -> Element:
    at, is_left = percent(mark.at), mark.at > LEFT_FROM
    return element(
        "g",
        element("line", x1=at, x2=at, y1=str(top), y2=str(bottom)),
        element(
            "text",
            mark.text,
            x=at,
            y=str(baseline),
            dx=str(-GAP if is_left else GAP),
            text_anchor="end" if is_left else "start",
        ),
        class_=f"mark {mark.kind}",
    )
