"""The text fits the terminal, says the same without colours, and breaks names where they part."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloadctl.plan.formats.text.bars import (
    ASCII,
    UNICODE,
    Glyphs,
    disk_cells,
    marks_line,
    pull_bar,
)
from preloadctl.plan.formats.text.lanes import folded
from preloadctl.plan.formats.text.show import show
from preloadctl.plan.model import DiskPart, DiskPlan, Plan
from tests.preloadctl.plan.example import PLAN, REFUSED

GIB = 1024**3
glyph_sets = st.sampled_from([UNICODE, ASCII])


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TERM"):
        monkeypatch.delenv(name, raising=False)


class Terminal(io.TextIOWrapper):
    """What shows colours, in an encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


def text(plan: Plan) -> str:
    stream = io.StringIO()
    show(plan, stream)
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = text(PLAN).splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_image_is_shown_in_full_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    letters = re.sub(r"\s", "", text(PLAN))
    pieces = [
        piece
        for pool in PLAN.pools
        for lane in pool.lanes
        for image in lane
        for piece in folded(image.reference, 16).split("\n")
    ]
    assert pieces
    assert [piece for piece in pieces if piece not in letters] == []


def test_what_is_piped_is_as_wide_as_a_small_terminal_and_has_no_colours() -> None:
    shown = text(PLAN)
    assert 60 < max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_a_terminal_has_colours_that_say_nothing_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    show(PLAN, terminal)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.shown())
    assert plain != terminal.shown()
    unpadded = "\n".join(line.rstrip() for line in plain.split("\n"))
    assert unpadded == "\n".join(line.rstrip() for line in text(PLAN).split("\n"))


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
def test_colours_are_left_out_where_they_are_not_wanted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "dumb")
    terminal = Terminal()
    show(PLAN, terminal)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.shown())


def test_a_terminal_without_unicode_gets_bars_of_its_own_characters() -> None:
    terminal = Terminal("ascii")
    show(PLAN, terminal)
    assert "####" in terminal.shown()
    assert "?" not in terminal.shown()


def test_a_refused_stack_shows_its_mistakes_and_nothing_that_would_not_be() -> None:
    shown = text(REFUSED)
    assert all(refusal.path in shown for refusal in REFUSED.refusals)
    assert "lock" not in shown.partition("\n")[2].lower().replace("locked", "")


def test_what_is_not_known_is_said_and_has_no_bar() -> None:
    (pool,) = [pool for pool in PLAN.pools if pool.lanes and pool.times is None][:1]
    unknown = [image for lane in pool.lanes for image in lane if image.size_bytes is None]
    shown = text(replace(PLAN, pools=(replace(pool, notes=(), disk=None),)))
    table, _, _ = shown.partition("lock file")
    assert table.count("not known") == len(unknown) > 0
    assert "after" not in table


@given(st.text(st.sampled_from("ab-./:@"), min_size=1, max_size=80), st.integers(1, 40))
def test_a_folded_name_is_the_same_name_in_lines_that_fit(name: str, width: int) -> None:
    lines = folded(name, width).split("\n")
    assert "".join(lines) == name
    assert max(map(len, lines)) <= width


def test_a_name_is_folded_where_its_parts_are() -> None:
    assert folded("registry.example.com/team/application:2024.01", 24).split("\n") == [
        "registry.example.com/",
        "team/application:2024.01",
    ]


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    st.integers(1, 120),
    glyph_sets,
)
def test_a_pull_s_bar_is_where_its_time_is(times: list[int], width: int, glyphs: Glyphs) -> None:
    start, end, whole = sorted(times)
    bar = pull_bar(start, end, whole, width, glyphs)
    assert glyphs.pull in bar
    assert len(bar) <= width
    if whole:
        assert abs(len(bar) - end * width / whole) <= 1.5
        assert abs(len(bar) - len(bar.lstrip()) - start * width / whole) <= 1


@given(
    st.lists(st.integers(1, 10 * GIB), min_size=1, max_size=7),
    st.integers(20, 120),
    glyph_sets,
)
def test_a_disk_s_bar_is_full_and_has_every_part(
    sizes: list[int], width: int, glyphs: Glyphs
) -> None:
    disk = DiskPlan(
        path="size_gib",
        size_gib=80,
        chosen=True,
        smallest_gib=80,
        parts=tuple(DiskPart(name=str(index), size_bytes=size) for index, size in enumerate(sizes)),
        high_water_percent=80,
        gc_percent=100,
        eviction_percent=90,
    )
    cells = disk_cells(disk, width, glyphs)
    assert sum(cell.width for cell in cells) == width
    assert all(cell.width for cell in cells[:-1])
    assert len({cell.glyph for cell in cells}) == len(sizes) + 1
    held = sum(sizes) / (80 * GIB)
    assert abs(sum(cell.width for cell in cells[:-1]) - held * width) <= len(sizes)


def test_marks_point_at_their_share_of_the_bar() -> None:
    assert marks_line([50, 100], 10, ASCII) == "     ^   ^"
