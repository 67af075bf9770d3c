"""Puts the results into the README as a table, and the times into a plot."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import noise
from bench.pairs import Measurement

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
README_WIDTH = 100
PLOT = Path("docs") / "bench.svg"


@dataclass(frozen=True, slots=True)
class Row:
    """What a measurement is called in the README, what it is compared with, and its goal."""

    what: str
    other: str
    goal: str = ""


LIMIT, IMPORTS, ARTICLE = "the limit", "its imports alone", "the article's"
# In the order of the table.
ROWS = {
    "pod_start_cold_over_preloaded": Row("Warm start of a pod", "cold start", "at least 30"),
    "pull_article_over_lanes": Row(
        "Time to last image on a new node, in lanes", "the article's DaemonSet"
    ),
    "pull_bound_over_lanes": Row("The same", "the least possible", "at least 0.9"),
    "held_image_memory_over_limit": Row("Memory of a held image", LIMIT, "at most 1"),
    "api_objects_over_article": Row("API objects of a pool of four images", ARTICLE),
    "processes_over_article": Row("Its processes on a node", ARTICLE),
    "idle_cpu_over_limit": Row("Steady-state CPU of the preloader", LIMIT, "at most 1"),
    "cleanup_article_over_ours": Row("A run of the cleanup", "the article's script", "at least 20"),
    "cleanup_memory_over_limit": Row("Memory of the cleanup's agent", LIMIT, "at most 1"),
    "cleanup_idle_cpu_over_limit": Row("Its steady-state CPU", LIMIT, "at most 1"),
    "cleanup_config_map_over_limit": Row("The ConfigMap with its program", LIMIT, "at most 1"),
    "cleanup_start_over_limit": Row("Its start until the first plan", LIMIT, "at most 1"),
    "disk_unpacked_over_default": Row(
        "Disk space for a compressed byte, unpacked", "the default ratio"
    ),
    "disk_unpacked_and_kept_over_default": Row(
        "The same with the compressed layers kept", "the default ratio"
    ),
    "engine_state_with_cleanup_over_without": Row(
        "Pulumi's state of 100 pools with the cleanup", "without it", "at most 1.3"
    ),
    "engine_preview_with_cleanup_over_without": Row(
        "The first preview of these pools", "without it", "at most 1.3"
    ),
    "engine_up_with_cleanup_over_without": Row(
        "Their deployment, to files", "without it", "at most 1.3"
    ),
    "engine_up_pool_time_at_100_over_20": Row(
        "A pool's time in it, of 100 pools", "of 20 pools", "at most 1.3"
    ),
    "engine_state_pool_size_at_100_over_20": Row(
        "A pool's part of the state, of 100 pools", "of 20 pools", "at most 1.3"
    ),
    "lock_one_by_one_over_concurrent": Row("`lock` of 100 images, eight at a time", "one by one"),
    "plan_of_100_pools_over_imports": Row("`plan` of 100 pools", IMPORTS, "at most 2"),
    "refusal_of_1000_mistakes_over_imports": Row(
        "`plan` that lists 1,000 mistakes", IMPORTS, "at most 2"
    ),
    "refusal_time_a_key_at_3000_over_300": Row(
        "Time for each of 3,000 unknown keys", "of 300 keys", "at most 1.3"
    ),
    "refusal_time_a_pool_at_300_over_30": Row(
        "Time for each of 300 wrong pools", "of 30 pools", "at most 1.3"
    ),
    "render_over_imports": Row("`render` of the stack dev", IMPORTS, "at most 1.3"),
    "render_with_node_groups_over_imports": Row(
        "`render` of node groups too", IMPORTS, "at most 1.3"
    ),
    "render_pool_time_at_200_over_20": Row(
        "`render`'s time for each of 200 pools", "of 20 pools", "at most 1.5"
    ),
}
BARS = (
    ("pull_article_over_lanes", "other", "all images, article's manifest", "#8c959f"),
    ("pull_article_over_lanes", "ours", "all images, lanes", "#1a7f37"),
    ("pull_bound_over_lanes", "other", "all images, best possible", "#bf8700"),
    ("pod_start_cold_over_preloaded", "other", "a pod's start, cold", "#8c959f"),
    ("pod_start_cold_over_preloaded", "ours", "a pod's start, preloaded", "#1a7f37"),
)
STYLE = (
    'font-family="system-ui, \'DejaVu Sans\', sans-serif" font-size="13" '
    'role="img" aria-label="Medians in seconds"'
)
WIDTH, LABEL_WIDTH, BAR_HEIGHT, ROW_HEIGHT, TOP = 760, 250, 20, 32, 16


def write(
    measurements: Sequence[Measurement], spreads: Mapping[str, noise.Spread], root: Path
) -> None:
    """Writes the README's table with the noise below it, between its marks, and the plot."""
    by_name = {str(each["name"]): each for each in measurements}
    readme = root / "README.md"
    said = textwrap.fill(noise.sentence(spreads), README_WIDTH)
    table = "\n".join((BEGIN, *_table(by_name), "", said, END))
    text = readme.read_text(encoding="utf-8")
    whole = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    readme.write_text(whole.sub(lambda _: table, text), encoding="utf-8")
    (root / PLOT).write_text(_plot(by_name), encoding="utf-8")


def _table(by_name: dict[str, Any]) -> Iterator[str]:
    yield "| measured | here | compared with | ratio | goal | runs | spread |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in ROWS.items():
        if name not in by_name:
            continue
        each = by_name[name]
        low, high = each["spread"]
        yield (
            f"| {row.what} | {each['ours']} {each['unit']} | "
            f"{row.other}: {each['other']} {each['unit']} | {each['ratio']} | {row.goal} | "
            f"{each['runs']} | {low} to {high} |"
        )


def _plot(by_name: dict[str, Any]) -> str:
    bars = [
        (label, float(by_name[name][side]), colour)
        for name, side, label, colour in BARS
        if name in by_name
    ]
    scale = (WIDTH - LABEL_WIDTH - 80) / max((value for _, value, _ in bars), default=1)
    rows = [
        f'<text x="{LABEL_WIDTH - 12}" y="{y + 15}" text-anchor="end">{label}</text>'
        f'<rect x="{LABEL_WIDTH}" y="{y}" width="{value * scale:.1f}" height="{BAR_HEIGHT}" '
        f'rx="3" fill="{colour}"/>'
        f'<text x="{LABEL_WIDTH + value * scale + 8:.1f}" y="{y + 15}">{value:.1f} s</text>'
        for number, (label, value, colour) in enumerate(bars)
        for y in (TOP + number * ROW_HEIGHT,)
    ]
    height = 2 * TOP + len(bars) * ROW_HEIGHT
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {STYLE}>',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            '<g fill="#1f2328">',
            *rows,
            "</g>",
            "</svg>",
            "",
        )
    )
