"""A plan as one page, whole in itself: for a pull request's reviewer, on a desk or on a phone."""

from collections.abc import Iterator
from urllib.parse import quote
from xml.etree.ElementTree import Element

from preloadctl.plan.formats.drawing.markup import element, html_text
from preloadctl.plan.formats.drawing.style import colours, drawings
from preloadctl.plan.formats.foreign import fit_to_show
from preloadctl.plan.formats.page.changes import changed, lock, refused
from preloadctl.plan.formats.page.elements import NUMBER, Column, paragraph, table
from preloadctl.plan.formats.page.pool import anchor, pool_section
from preloadctl.plan.formats.page.style import PAGE
from preloadctl.plan.model import Plan, PoolPlan
from preloadctl.plan.wording.sentences import (
    bytes_text,
    images_text,
    nodes_text,
    pulls_with,
    seconds_text,
)

POOL_COLUMNS = (
    Column("pool"),
    Column("architecture"),
    Column("nodes"),
    Column("images"),
    Column("to pull", NUMBER),
    Column("time", NUMBER),
    Column("disk", NUMBER),
)


def page(plan: Plan) -> str:
    """Returns the plan as an HTML document without scripts and without anything to load."""
    plan = fit_to_show(plan)
    title = f"Plan of stack {plan.stack}"
    return html_text(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", title),
                element("style", f"\n{colours()}{drawings()}{PAGE}"),
            ),
            element("body", element("main", *_sections(plan, title))),
            lang="en",
        )
    )


def _sections(plan: Plan, title: str) -> Iterator[Element]:
    yield element("h1", title)
    yield paragraph(f"A new node is taken to pull at {pulls_with(plan.bandwidth)}.")
    if plan.refusals:
        yield refused(plan)
    else:
        yield changed(plan.changes)
        yield lock(plan)
    if plan.pools:
        yield _overview(plan)
    yield from map(pool_section, plan.pools)


def _overview(plan: Plan) -> Element:
    return element(
        "section",
        element("h2", "Pools"),
        table("Pools", POOL_COLUMNS, map(_overview_row, plan.pools)),
    )


def _overview_row(pool: PoolPlan) -> tuple[Element | str, ...]:
    return (
        element("a", pool.name, href=f"#{quote(anchor(pool))}"),
        pool.architecture,
        nodes_text(pool.nodes),
        images_text(pool),
        bytes_text(pool.total_bytes) if pool.lanes else "",
        seconds_text(pool.times and pool.times.lanes_seconds) if pool.lanes else "",
        "" if pool.disk is None else f"{pool.disk.size_gib} GiB",
    )
