"""The section of the page on one pool."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.chart import Bar, DiskBar, Gantt, disk_bar, gantt, short_name
from preloadctl.plan.formats.drawing.draw import (
    BAR_HEIGHT,
    LANE_HEIGHT,
    draw_disk,
    draw_gantt,
    lanes_top,
    percent,
)
from preloadctl.plan.formats.drawing.markup import element
from preloadctl.plan.formats.page.elements import (
    CODE,
    NAME,
    NUMBER,
    PROSE,
    Column,
    code,
    effect,
    facts,
    paragraph,
    table,
)
from preloadctl.plan.model import DiskPlan, PoolPlan
from preloadctl.plan.units import gib_text
from preloadctl.plan.wording.sentences import (
    bytes_text,
    disk_text,
    images_text,
    marks_text,
    nodes_text,
    seconds_text,
    times_compared,
)

IMAGE_COLUMNS = (
    Column("no.", NUMBER),
    Column("lane", NUMBER),
    Column("image", CODE),
    Column("size", NUMBER),
    Column("new in its lane", NUMBER),
    Column("from", NUMBER),
    Column("to", NUMBER),
)
PART_COLUMNS = (Column("key"), Column("part"), Column("on the disk", NUMBER))
SETTING_COLUMNS = (
    Column("input", NAME),
    Column("value", CODE),
    Column("what a change does to the nodes", PROSE),
)


def anchor(pool: PoolPlan) -> str:
    """The name of the section, to link to."""
    return f"pool-{pool.name}"


def pool_section(pool: PoolPlan) -> Element:
    """Returns all there is to say of a pool."""
    return element(
        "section",
        element("h2", pool.name, id=anchor(pool)),
        facts(_facts(pool)),
        *_notes(pool),
        *_pull(pool),
        *(_disk(pool.disk) if pool.disk is not None else ()),
        *_settings(pool),
        *_settings_files(pool),
        class_="pool",
    )


def _facts(pool: PoolPlan) -> Iterator[tuple[str, str]]:
    yield "architecture", pool.architecture
    yield "nodes", nodes_text(pool.nodes)
    if not pool.lanes:
        yield "images", "none"
        return
    yield "images", images_text(pool)
    yield "lanes at most", str(pool.most_lanes)
    if pool.mode is not None:
        yield "mode", pool.mode
    yield "to pull on a new node", bytes_text(pool.total_bytes)
    yield "layers shared", bytes_text(pool.shared_bytes)


def _notes(pool: PoolPlan) -> Iterator[Element]:
    if pool.notes:
        notes = (element("li", note) for note in pool.notes)
        yield element("h3", "Notes")
        yield element("ul", *notes, class_="callout warning")


def _pull(pool: PoolPlan) -> Iterator[Element]:
    if not pool.lanes:
        return
    yield element("h3", "Pull on a new node")
    chart = gantt(pool)
    if chart is None or pool.times is None:
        yield _lane_lists(pool)
        return
    words = times_compared(pool.times, len(pool.lanes))
    yield paragraph(words)
    yield _gantt(chart, words)
    yield table(f"Images of {pool.name}", IMAGE_COLUMNS, _image_rows(chart))


def _lane_lists(pool: PoolPlan) -> Element:
    lanes = (
        element(
            "div",
            element("h4", f"lane {number}"),
            element(
                "ol",
                *(
                    element(
                        "li",
                        code(image.reference),
                        "" if image.size_bytes is None else f" {bytes_text(image.size_bytes)}",
                    )
                    for image in lane
                ),
            ),
        )
        for number, lane in enumerate(pool.lanes)
    )
    return element("div", *lanes, class_="lane-lists")


def _gantt(chart: Gantt, words: str) -> Element:
    names = (
        element(
            "li",
            f"lane {number}",
            element("small", seconds_text(lane[-1].image.end_seconds)),
            style=f"height: {LANE_HEIGHT}px",
        )
        for number, lane in enumerate(chart.lanes)
    )
    return element(
        "figure",
        element(
            "ul",
            *names,
            class_="lane-names",
            style=f"padding-top: {lanes_top(chart)}px",
            aria_hidden="true",
        ),
        element("div", draw_gantt(chart, f"Lanes over time. {words}", _label), class_="chart"),
        class_="gantt",
    )


def _label(bar: Bar, top: int) -> Element:
    """Returns the name of an image in its bar, or right of it where only there is room."""
    whole = 1 - bar.start if bar.is_last else bar.width
    share = bar.width / whole if whole else 1
    return element(
        "foreignObject",
        element(
            "div",
            element("span", f"{bar.number} {short_name(bar.image.reference)}", class_="label"),
            class_="room",
            style=f"--bar: {share:.4f}; --most: {max(share, 1 - share):.4f}",
        ),
        x=percent(bar.start),
        y=str(top),
        width=percent(whole),
        height=str(BAR_HEIGHT),
        aria_hidden="true",
    )


def _image_rows(chart: Gantt) -> Iterator[tuple[str | Element, ...]]:
    for lane_number, lane in enumerate(chart.lanes):
        for bar in lane:
            image = bar.image
            yield (
                str(bar.number),
                str(lane_number),
                code(image.reference),
                bytes_text(image.size_bytes),
                bytes_text(image.new_bytes),
                seconds_text(image.start_seconds),
                seconds_text(image.end_seconds),
            )


def _disk(disk: DiskPlan) -> Iterator[Element]:
    bar = disk_bar(disk)
    marks = marks_text(disk)
    name = f"What the disk holds. {disk_text(disk)}. {marks}"
    yield element("h3", "Disk")
    yield paragraph(code(disk.path), f" is {disk_text(disk)}.")
    yield element(
        "figure",
        element("div", draw_disk(bar, name), class_="chart"),
        element("figcaption", marks),
    )
    if bar.parts:
        yield table("Parts of the disk", PART_COLUMNS, _part_rows(bar))


def _part_rows(bar: DiskBar) -> Iterator[tuple[str | Element, ...]]:
    for part in bar.parts:
        swatch = element("span", part.letter, class_=f"swatch {part.kind}")
        yield swatch, part.name, gib_text(part.size_bytes)
    yield element("span", class_="swatch free"), "free", gib_text(bar.free_bytes)


def _settings(pool: PoolPlan) -> Iterator[Element]:
    if pool.settings:
        yield element("h3", "Settings of the nodes")
        rows = [(code(each.path), code(each.value), effect(each.effect)) for each in pool.settings]
        yield table(f"Settings of the nodes of {pool.name}", SETTING_COLUMNS, rows)


def _settings_files(pool: PoolPlan) -> Iterator[Element]:
    if pool.settings_files:
        yield element("h3", "Settings files")
    for file in pool.settings_files:
        yield element(
            "details",
            element("summary", code(file.name)),
            element("pre", file.text, tabindex="0"),
        )
