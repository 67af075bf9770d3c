"""A plan as a comment on a pull request: refusals and changes first, what is long folded away."""

from collections.abc import Iterable, Iterator, Sequence

from preloadctl.plan.formats.foreign import fit_to_show
from preloadctl.plan.formats.markdown_text import cell, code, fenced, html_words, words
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


def page(plan: Plan) -> str:
    """Returns the comment."""
    return "\n".join(_lines(fit_to_show(plan))) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"### Image preload plan of stack {words(plan.stack)}"
    if plan.refusals:
        yield from ("", f"**{words(refused_text(plan.refusals))}**", "")
        yield from (f"- {words(refusal_text(refusal))}" for refusal in plan.refusals)
        return
    yield from ("", words(since_text(plan.changes)))
    for change in plan.changes.pools:
        yield from ("", *_change(change))
    for pool in plan.pools:
        yield from ("", *_pool(pool))
    yield from ("", words(lock_text(plan.lock, plan.stack)))
    yield from ("", f"Times are for {pulls_with(plan.bandwidth)}.")


def _change(change: PoolChanges) -> Iterator[str]:
    yield f"**{words(change.pool)}**{novelty(change)}: {words(pull_text(change))}"
    rows = [(what, cell(image)) for what, image in image_changes(change)]
    if rows:
        yield from ("", *_table(("", "image"), rows))
    if change.settings:
        rows = [
            (cell(each.path), _value(each.before), _value(each.after), each.effect or "")
            for each in change.settings
        ]
        yield from ("", *_table(("input", "before", "after", "effect"), rows))


def _pool(pool: PoolPlan) -> Iterator[str]:
    yield f"#### {words(pool.name)}"
    yield ""
    yield words(", ".join(_facts(pool)))
    if pool.times is not None:
        yield from ("", times_compared(pool.times, len(pool.lanes)))
    if pool.lanes:
        yield from ("", *_lanes(pool))
    if pool.disk is not None:
        yield from ("", _disk(pool))
    for note in pool.notes:
        yield from ("", f"> {words(note)}")
    if pool.settings:
        rows = [(cell(each.path), cell(each.value), each.effect) for each in pool.settings]
        yield from _folded(f"Settings of {pool.name}", _table(("input", "value", "a change"), rows))
    for file in pool.settings_files:
        yield from _folded(f"{file.name} of {pool.name}", fenced(file.text.splitlines(), "yaml"))


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
            cell(image.reference),
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
    return f"Disk ({code(disk.path)}): {words(f'{disk_text(disk)}.{held}')}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _folded(summary: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (
        "",
        f"<details><summary>{html_words(summary)}</summary>",
        "",
        *lines,
        "",
        "</details>",
    )


def _value(value: str | None) -> str:
    return "not written" if value is None else cell(value)
