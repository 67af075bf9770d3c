"""Puts the results into the README as a table, and the times into a plot."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import noise
from bench.pairs import Measurement

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
README_WIDTH = 100
PLOT = Path("docs") / "bench.svg"
# In the order of the table: what is measured, and what the ratio is to reach.
DESCRIPTIONS = {
    "pod_start_cold_over_preloaded": ("A pod's start, cold over preloaded", "at least 30"),
    "pull_article_over_lanes": ("All images on a node, article's manifest over lanes", ""),
    "pull_bound_over_lanes": ("The best possible over lanes", "at least 0.9"),
    "held_image_memory_over_limit": ("Memory of a held image over 0.5 MiB", "at most 1"),
    "api_objects_over_article": ("API objects of a pool of four images over the article's", ""),
    "processes_over_article": ("Processes of a pool of four images over the article's", ""),
    "idle_cpu_over_limit": (
        "CPU of an idle preloader, its containers and their probes, over 0.1 % of a core",
        "at most 1",
    ),
    "cleanup_article_over_ours": ("A cleanup, article's script over the agent", "at least 20"),
    "cleanup_memory_over_limit": ("Memory of the agent over 25 MiB", "at most 1"),
    "cleanup_idle_cpu_over_limit": ("Idle agent's CPU over 0.1 % of a core", "at most 1"),
    "cleanup_config_map_over_limit": ("ConfigMap of the cleanup over 400 KiB", "at most 1"),
    "cleanup_start_over_limit": ("The agent's first plan over 0.5 s", "at most 1"),
    "disk_unpacked_over_default": (
        "Disk bytes for a compressed byte, unpacked, over the default ratio",
        "",
    ),
    "disk_unpacked_and_kept_over_default": (
        "The same with the compressed byte kept",
        "",
    ),
    "engine_state_with_cleanup_over_without": (
        "Pulumi's state of 100 pools, with the cleanup over without",
        "at most 1.3",
    ),
    "engine_preview_with_cleanup_over_without": (
        "The preview of a new stack of them",
        "at most 1.3",
    ),
    "engine_up_with_cleanup_over_without": ("Its deployment, to files", "at most 1.3"),
    "engine_up_pool_time_at_100_over_20": ("A pool's time in it, 100 over 20", "at most 1.3"),
    "engine_state_pool_size_at_100_over_20": (
        "A pool's part of the state, 100 over 20",
        "at most 1.3",
    ),
    "lock_one_by_one_over_concurrent": ("100 images locked, one by one over eight at a time", ""),
    "plan_of_100_pools_over_imports": ("`plan` of 100 pools over its imports", "at most 2"),
    "refusal_of_1000_mistakes_over_imports": (
        "1,000 mistakes listed by `plan`, over its imports",
        "at most 2",
    ),
    "refusal_time_a_key_at_3000_over_300": (
        "Time a mistake, 3,000 unknown keys over 300",
        "at most 1.3",
    ),
    "refusal_time_a_pool_at_300_over_30": ("The same, 300 wrong pools over 30", "at most 1.3"),
    "render_over_imports": ("`render` of the dev stack over its imports", "at most 1.3"),
    "render_with_node_groups_over_imports": ("The same with node groups", "at most 1.3"),
    "render_pool_time_at_200_over_20": ("`render`'s time a pool, 200 over 20", "at most 1.5"),
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
    yield "| measured | ratio | to reach | ours | other | runs | spread |"
    yield "|---|---|---|---|---|---|---|"
    for name, (description, goal) in DESCRIPTIONS.items():
        if name not in by_name:
            continue
        each = by_name[name]
        low, high = each["spread"]
        yield (
            f"| {description} | {each['ratio']} | {goal} | {each['ours']} {each['unit']} | "
            f"{each['other']} {each['unit']} | {each['runs']} | {low} to {high} |"
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
