"""A picture of a plan for a README: every pool's lanes over time, and its disk."""

from collections.abc import Iterator
from math import ceil
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.chart import Bar, DiskBar, Gantt, disk_bar, gantt, short_name
from preloadctl.plan.formats.drawing.draw import (
    BAR_HEIGHT,
    LANE_HEIGHT,
    TEXT_RISE,
    disk_height,
    draw_disk,
    draw_gantt,
    gantt_height,
    lanes_top,
    percent,
)
from preloadctl.plan.formats.drawing.markup import element, svg_text
from preloadctl.plan.formats.drawing.style import FONT, colours, drawings
from preloadctl.plan.formats.foreign import fit_to_show
from preloadctl.plan.formats.picture.blocks import (
    CHARACTER_WIDTH,
    CHART_LEFT,
    CHART_WIDTH,
    LINE_HEIGHT,
    MARGIN,
    WIDTH,
    Block,
    fits,
    lines,
    shortened,
    space,
    stacked,
    text,
    wrapped,
)
from preloadctl.plan.model import DiskPlan, Plan, PoolPlan
from preloadctl.plan.units import duration_text, gib_text
from preloadctl.plan.wording.sentences import (
    bytes_text,
    counted,
    disk_text,
    images_text,
    pulls_with,
    times_compared,
    unknown_sizes,
)

TITLE_HEIGHT, HEAD_HEIGHT, SPACE = 52, 36, 14
LABEL_LEFT = 8
# Less than the number and a few letters says no more than the number.
LEAST_LABEL_WIDTH = 60
SWATCH = 12
LEGEND_TEXT_LEFT = SWATCH + LABEL_LEFT
STYLE = """\
.paper { fill: var(--paper); }
.rule { stroke: var(--line); }
text { fill: var(--ink); font-size: 12px; }
text.title { font-size: 18px; font-weight: 600; }
text.head { font-size: 15px; font-weight: 600; }
text.note { fill: var(--muted); }
text.after { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
.swatch { fill: var(--fill); stroke: var(--edge); }
"""


def picture(plan: Plan) -> str:
    """Returns the plan as one SVG file for light and dark pages, without scripts or fonts."""
    plan = fit_to_show(plan)
    whole = stacked((_title(plan), *_refusals(plan), *map(_pool, plan.pools)))
    return svg_text(
        element(
            "svg",
            element("title", f"Plan of stack {plan.stack}", id="title"),
            element("style", f"\n{colours()}{drawings()}{STYLE}"),
            element("rect", class_="paper", width=str(WIDTH), height=str(whole.height)),
            *whole.elements,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {whole.height}",
            font_family=FONT,
            role="img",
            aria_labelledby="title",
        )
    )


def _title(plan: Plan) -> Block:
    said = (
        f"refused, with {counted(len(plan.refusals), 'mistake')}"
        if plan.refusals
        else f"a new node pulls at {pulls_with(plan.bandwidth)}"
    )
    return Block(
        (
            text(f"Plan of stack {plan.stack}", MARGIN, 34, "title"),
            text(said, WIDTH - MARGIN, 34, "note", text_anchor="end"),
        ),
        TITLE_HEIGHT,
    )


def _refusals(plan: Plan) -> Iterator[Block]:
    for refusal in plan.refusals:
        said = ": ".join(filter(None, (refusal.subject, refusal.path, refusal.accepted)))
        yield lines("refused", [shortened(said)])
    if plan.refusals:
        yield space(SPACE)


def _pool(pool: PoolPlan) -> Block:
    blocks = [_head(pool), *_pull(pool)]
    if pool.disk is not None:
        blocks += [space(SPACE), *_disk(pool.disk)]
    return stacked((*blocks, space(SPACE)))


def _head(pool: PoolPlan) -> Block:
    to_pull = "" if pool.total_bytes is None else f"{bytes_text(pool.total_bytes)} to pull"
    unknown = "sizes not known" if unknown_sizes((pool,)) else ""
    facts = ", ".join(filter(None, (images_text(pool), to_pull, unknown, pool.architecture)))
    return Block(
        (
            element("line", class_="rule", x1=str(MARGIN), x2=str(WIDTH - MARGIN)),
            text(pool.name, MARGIN, 26, "head"),
            text(facts, WIDTH - MARGIN, 26, "note", text_anchor="end"),
        ),
        HEAD_HEIGHT,
    )


def _pull(pool: PoolPlan) -> Iterator[Block]:
    chart = gantt(pool)
    if chart is None or pool.times is None:
        for number, lane in enumerate(pool.lanes):
            names = wrapped(short_name(image.reference) for image in lane)
            yield lines(f"lane {number}", names, class_="")
        return
    words = times_compared(pool.times, len(pool.lanes))
    drawing = draw_gantt(chart, words, _label, x=str(CHART_LEFT), width=str(CHART_WIDTH))
    yield Block((*_lane_names(chart), drawing), gantt_height(chart))
    unnamed = wrapped(
        f"{bar.number}: {short_name(bar.image.reference)}"
        for lane in chart.lanes
        for bar in lane
        if not _is_named(bar)
    )
    yield lines("", (*unnamed, *wrapped(words.split(), " ")))


def _lane_names(chart: Gantt) -> Iterator[Element]:
    for index, lane in enumerate(chart.lanes):
        middle = lanes_top(chart) + index * LANE_HEIGHT + LANE_HEIGHT // 2
        end = lane[-1].image.end_seconds
        yield text(f"lane {index}", MARGIN, middle - 2)
        if end is not None:
            yield text(duration_text(end), MARGIN, middle + 13, "note")


def _label(bar: Bar, top: int) -> Element | None:
    inside = bar.width * CHART_WIDTH - 2 * LABEL_LEFT
    name = short_name(bar.image.reference)
    is_after = not fits(name, inside) and _is_named(bar)
    said = name if _is_named(bar) else shortened(f"{bar.number} {name}", inside)
    if not _is_named(bar) and inside < LEAST_LABEL_WIDTH:
        said = str(bar.number)
        if not fits(said, bar.width * CHART_WIDTH):
            return None
    return element(
        "text",
        said,
        class_="after" if is_after else "within",
        x=percent(bar.start + bar.width if is_after else bar.start),
        dx=str(LABEL_LEFT if len(said) > len(str(bar.number)) else LABEL_LEFT // 2),
        y=str(top + BAR_HEIGHT // 2 + TEXT_RISE - 1),
    )


def _is_named(bar: Bar) -> bool:
    """Whether there is room for the image's whole name in its bar, or after it."""
    after = 1 - bar.start - bar.width if bar.is_last else 0
    room = max(bar.width, after) * CHART_WIDTH - 2 * LABEL_LEFT
    return fits(short_name(bar.image.reference), room)


def _disk(disk: DiskPlan) -> Iterator[Block]:
    bar = disk_bar(disk)
    name = f"Disk, {disk_text(disk)}"
    drawing = draw_disk(bar, name, x=str(CHART_LEFT), width=str(CHART_WIDTH))
    names = (text("disk", MARGIN, 18), text(f"{disk.size_gib} GiB", MARGIN, 33, "note"))
    yield Block((*names, drawing), disk_height(bar))
    yield _legend(bar)


def _legend(bar: DiskBar) -> Block:
    entries = [
        (part.kind, f"{part.letter}  {part.name}, {gib_text(part.size_bytes)}")
        for part in bar.parts
    ]
    if entries:
        entries.append(("free", f"free, {gib_text(bar.free_bytes)}"))
    left, top = CHART_LEFT, 0
    placed: list[Element] = []
    for kind, said in entries:
        width = LEGEND_TEXT_LEFT + ceil(len(said) * CHARACTER_WIDTH)
        if left + width > CHART_LEFT + CHART_WIDTH:
            left, top = CHART_LEFT, top + LINE_HEIGHT
        placed += (
            element(
                "rect",
                class_=f"swatch {kind}",
                x=str(left),
                y=str(top + 4),
                width=str(SWATCH),
                height=str(SWATCH),
            ),
            text(said, left + LEGEND_TEXT_LEFT, top + LINE_HEIGHT - 6),
        )
        left += width
    return Block(tuple(placed), top + LINE_HEIGHT if placed else 0)
