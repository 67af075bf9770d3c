"""A plan as text for a terminal, or for a file: as wide as that is, in colour where it has any."""

import re
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from preloadctl.plan.formats.foreign import fit_to_show
from preloadctl.plan.formats.text.bars import ASCII, UNICODE, Glyphs
from preloadctl.plan.formats.text.disk import disk_lines
from preloadctl.plan.formats.text.lanes import lane_table
from preloadctl.plan.model import NodeSetting, Plan, PoolChanges, PoolPlan, SettingsFile
from preloadctl.plan.units import size_text
from preloadctl.plan.wording.sentences import (
    counted,
    images_text,
    nodes_text,
    pulls_with,
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

INDENT = 2
EFFECT_STYLES = {
    "replaces": "red",
    "rolls": "yellow",
}
IMAGE_STYLES = {"added": "green", "dropped": "red", "retagged": "yellow", "other content": "yellow"}


def show(plan: Plan, stream: TextIO) -> None:
    """Writes the plan to a stream, whose width is that of the terminal, of COLUMNS, or 80."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    glyphs = UNICODE if console.encoding.startswith("utf") else ASCII
    if isinstance(stream, TextIOWrapper):
        # What a terminal cannot show is in names alone, and no reason to show nothing.
        stream.reconfigure(errors="replace")
    with console.capture() as text:
        for part in _parts(fit_to_show(plan), console.width, glyphs):
            console.print(part)
    # Tables fill their last column up.
    stream.write(re.sub(r" +$", "", text.get(), flags=re.MULTILINE))


def _parts(plan: Plan, width: int, glyphs: Glyphs) -> Iterator[RenderableType]:
    yield _title(plan)
    if plan.refusals:
        yield Text(refused_text(plan.refusals), "bold red")
        yield _list(map(refusal_text, plan.refusals))
        return
    for pool in plan.pools:
        yield ""
        yield _heading(pool)
        for part in _pool(pool, width - INDENT, glyphs):
            yield Padding(part, (0, 0, 0, INDENT))
    yield ""
    yield lock_text(plan.lock, plan.stack)
    yield since_text(plan.changes)
    for change in plan.changes.pools:
        yield from _change(change)


def _title(plan: Plan) -> Text:
    pools = counted(len(plan.pools), "pool")
    said = f": {pools}, pulling with {pulls_with(plan.bandwidth)}"
    return Text.assemble((f"Stack {plan.stack}", "bold"), "" if plan.refusals else said)


def _heading(pool: PoolPlan) -> Text:
    facts = [pool.architecture]
    if pool.nodes is not None:
        facts.append(f"{nodes_text(pool.nodes)} nodes")
    facts.append(images_text(pool) if pool.lanes else "nothing preloaded")
    if pool.total_bytes is not None:
        facts.append(f"{size_text(pool.total_bytes)} to pull")
    if pool.shared_bytes:
        facts.append(f"{size_text(pool.shared_bytes)} shared by images and pulled once")
    return Text.assemble((pool.name, "bold cyan"), f": {', '.join(facts)}")


def _pool(pool: PoolPlan, width: int, glyphs: Glyphs) -> Iterator[RenderableType]:
    if pool.lanes:
        yield lane_table(pool, width, glyphs)
    if pool.times is not None:
        yield times_compared(pool.times, len(pool.lanes))
    if pool.disk is not None:
        yield from disk_lines(pool.disk, width, glyphs)
    if pool.settings:
        yield _settings(pool.settings)
    if pool.notes:
        yield _list(pool.notes)
    for file in pool.settings_files:
        yield from _file(file)


def _settings(settings: Sequence[NodeSetting]) -> Table:
    table = Table(box=None, padding=(0, INDENT, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("node_group", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("a change")
    for setting in settings:
        effect = Text(setting.effect, _effect_style(setting.effect))
        table.add_row(setting.path.removeprefix("node_group."), setting.value, effect)
    return table


def _effect_style(effect: str) -> str:
    return EFFECT_STYLES.get(effect.partition(" ")[0], "")


def _file(file: SettingsFile) -> Iterator[RenderableType]:
    yield Text(f"Node settings, {file.name}:")
    yield Padding(Text(file.text.rstrip("\n"), overflow="fold"), (0, 0, 0, INDENT))


def _change(change: PoolChanges) -> Iterator[RenderableType]:
    yield Text.assemble((change.pool, "bold cyan"), f"{novelty(change)}: {pull_text(change)}")
    table = Table.grid(padding=(0, INDENT, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for what, images in image_changes(change):
        table.add_row(Text(what, IMAGE_STYLES[what]), images)
    for setting in change.settings:
        before, after = (value or "not written" for value in (setting.before, setting.after))
        effect = f", which {setting.effect}" if setting.effect else ""
        table.add_row(
            setting.path,
            Text.assemble(f"{before} -> {after}", (effect, _effect_style(setting.effect or ""))),
        )
    yield Padding(table, (0, 0, 0, INDENT))


def _list(lines: Iterable[str]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("-", line)
    return table
