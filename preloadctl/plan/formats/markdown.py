"""A plan as a comment on a pull request: refusals and changes first, what is long folded away."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from preloadctl.plan.model import Plan, PoolChanges, PoolPlan
from preloadctl.plan.units import gib_text, size_text
from preloadctl.plan.wording.sentences import (
    bytes_text,
    disk_text,
    images_text,
    nodes_text,
    pulls_with,
    seconds_text,
    times_compared,
)
from preloadctl.plan.wording.statements import (
    image_changes,
    lock_text,
    novelty,
    pull_text,
    refusal_text,
    refused_text,
    since_text,
)

# What Markdown, or the HTML that may be in it, gives a meaning to.
_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+!|<>~&"})
_TICKS = re.compile("`+")


def page(plan: Plan) -> str:
    """Returns the comment."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"### Image preload plan of stack {_escaped(plan.stack)}"
    if plan.refusals:
        yield from ("", f"**{_escaped(refused_text(plan.refusals))}**", "")
        yield from (f"- {_escaped(refusal_text(refusal))}" for refusal in plan.refusals)
        return
    yield from ("", _escaped(since_text(plan.changes)))
    for change in plan.changes.pools:
        yield from ("", *_change(change))
    for pool in plan.pools:
        yield from ("", *_pool(pool))
    yield from ("", _escaped(lock_text(plan.lock, plan.stack)))
    yield from ("", f"Times are for {pulls_with(plan.bandwidth)}.")


def _change(change: PoolChanges) -> Iterator[str]:
    yield f"**{_escaped(change.pool)}**{novelty(change)}: {_escaped(pull_text(change))}"
    rows = [(what, f"{_code(image)}") for what, image in image_changes(change)]
    if rows:
        yield from ("", *_table(("", "image"), rows))
    if change.settings:
        rows = [
            (_code(each.path), _value(each.before), _value(each.after), each.effect or "")
            for each in change.settings
        ]
        yield from ("", *_table(("input", "before", "after", "effect"), rows))


def _pool(pool: PoolPlan) -> Iterator[str]:
    yield f"#### {_escaped(pool.name)}"
    yield ""
    yield _escaped(", ".join(_facts(pool)))
    if pool.times is not None:
        yield from ("", times_compared(pool.times, len(pool.lanes)))
    if pool.lanes:
        yield from ("", *_lanes(pool))
    if pool.disk is not None:
        yield from ("", _disk(pool))
    for note in pool.notes:
        yield from ("", f"> {_escaped(note)}")
    if pool.settings:
        rows = [(_code(each.path), _code(each.value), each.effect) for each in pool.settings]
        yield from _folded(f"Settings of {pool.name}", _table(("input", "value", "a change"), rows))
    for file in pool.settings_files:
        yield from _folded(
            f"{file.name} of {pool.name}", ("```yaml", *file.text.splitlines(), "```")
        )


def _facts(pool: PoolPlan) -> Iterator[str]:
    yield pool.architecture
    if pool.nodes is not None:
        yield f"{nodes_text(pool.nodes)} nodes"
    yield images_text(pool) if pool.lanes else "nothing preloaded"
    if pool.total_bytes is not None:
        yield f"{size_text(pool.total_bytes)} to pull"
    if pool.shared_bytes:
        yield f"{size_text(pool.shared_bytes)} shared by images and pulled once"


def _lanes(pool: PoolPlan) -> Iterator[str]:
    rows = [
        (
            str(number),
            _code(image.reference),
            bytes_text(image.size_bytes),
            bytes_text(image.new_bytes),
            seconds_text(image.end_seconds),
        )
        for number, lane in enumerate(pool.lanes)
        for image in lane
    ]
    yield from _table(("lane", "image", "size", "new to its lane", "ready after"), rows)


def _disk(pool: PoolPlan) -> str:
    disk = pool.disk
    if disk is None:
        return ""
    parts = ", ".join(f"{part.name} {gib_text(part.size_bytes)}" for part in disk.parts)
    held = f" It holds {parts}." if parts else ""
    return f"Disk ({_code(disk.path)}): {disk_text(disk)}.{held}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _folded(summary: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (
        "",
        f"<details><summary>{escape(summary)}</summary>",
        "",
        *lines,
        "",
        "</details>",
    )


def _value(value: str | None) -> str:
    return "not written" if value is None else _code(value)


def _code(text: str) -> str:
    """A value as it is written; a table's cell ends at a bar even in code, unless it is escaped."""
    longest = max(map(len, _TICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|").replace("\n", " ")


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL).replace("\n", " ")
