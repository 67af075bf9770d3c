"""The page and the picture of a plan as a browser lays them out, light and dark, wide and narrow.

It cannot decide whether they look good: for that `python -m tests.preloadctl.plan.test_in_chromium
FOLDER` writes what it saw as PNG files.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from preloadctl.plan.formats.page.page import page
from preloadctl.plan.formats.picture.picture import picture
from tests.chromium import MISSING, Browser, find, first_pixel, running
from tests.preloadctl.plan.example import PLAN, REFUSED

pytestmark = pytest.mark.slow

DESK, PHONE, SMALL_PHONE = (1200, 900), (360, 740), (320, 640)
# As wide as the picture is drawn, so that it is not scaled, and higher.
PICTURE = (880, 2000)
PAPER = {"light": (255, 255, 255), "dark": (13, 17, 23)}
PLANS = {"plan": PLAN, "refused": REFUSED}
FORMATS = {"html": page, "svg": picture}

# What a reader sees of texts: those of drawings, and in the page the labels in their bars.
TEXTS = "[...document.querySelectorAll('text, .label')].filter(t => t.getClientRects().length)"
# Pairs of texts that cover each other by more than the empty edge of a line.
OVERLAPS = f"""
(() => {{
  const texts = {TEXTS}.map(t => [t.textContent.trim(), t.getBoundingClientRect()]);
  return texts.flatMap(([name, a], index) => texts.slice(index + 1)
    .filter(([_, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
    .map(([other, _]) => [name, other]));
}})()
"""
OUTSIDE = f"""
{TEXTS}.filter(t => t.getBoundingClientRect().left < 0
  || t.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map(t => t.textContent.trim())
"""
# In pixels on the screen, of all elements with a text of their own.
FONT_SIZES = """
[...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => parseFloat(getComputedStyle(e).fontSize)
    * (e.getScreenCTM && e.ownerSVGElement ? e.getScreenCTM().a : 1))
"""
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def write(folder: Path) -> None:
    """Writes every plan in every format that is drawn."""
    for name, plan in PLANS.items():
        for suffix, shown in FORMATS.items():
            (folder / f"{name}.{suffix}").write_text(shown(plan), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans")
    write(path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find()
    if path is None:
        pytest.skip(MISSING)
    with running(path) as started:
        yield started


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("size", [DESK, PHONE, SMALL_PHONE])
def test_the_page_fits_its_window(
    browser: Browser, folder: Path, size: tuple[int, int], name: str
) -> None:
    browser.open(folder / f"{name}.html", size, "light")
    scroll_width, window_width = browser.value(WIDTHS)
    assert scroll_width <= window_width == size[0]
    assert browser.value(OUTSIDE) == []
    assert browser.value(OVERLAPS) == []


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_page_can_be_read_without_zooming(
    browser: Browser, folder: Path, size: tuple[int, int]
) -> None:
    browser.open(folder / "plan.html", size, "light")
    assert min(browser.value(FONT_SIZES)) >= 12


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("scheme", PAPER)
def test_the_ground_follows_the_scheme(
    browser: Browser, folder: Path, scheme: str, suffix: str
) -> None:
    browser.open(folder / f"plan.{suffix}", PICTURE, scheme)
    at = browser.value("document.querySelector('.paper, body').getBoundingClientRect().y")
    assert first_pixel(browser.screenshot((1, 1), top=at)) == PAPER[scheme]


@pytest.mark.parametrize("name", PLANS)
def test_the_texts_of_the_picture_are_apart_and_in_it(
    browser: Browser, folder: Path, name: str
) -> None:
    browser.open(folder / f"{name}.svg", PICTURE, "light")
    assert browser.value(OUTSIDE) == []
    assert browser.value(OVERLAPS) == []
    assert len(browser.value(f"{TEXTS}.map(t => t.textContent)")) > len(PLANS[name].refusals)


def test_a_table_is_what_scrolls_on_a_phone(browser: Browser, folder: Path) -> None:
    browser.open(folder / "plan.html", PHONE, "light")
    assert browser.value(
        "[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)"
    )


def test_nothing_else_is_loaded(browser: Browser, folder: Path) -> None:
    browser.requested.clear()
    files = [folder / f"plan.{suffix}" for suffix in FORMATS]
    for file in files:
        browser.open(file, DESK, "light")
    assert browser.requested == [file.as_uri() for file in files]


def look(folder: Path) -> None:
    """Writes screenshots of everything."""
    write(folder)
    path = find()
    if path is None:
        raise SystemExit(MISSING)
    with running(path) as browser:
        for file in [folder / f"{name}.{suffix}" for name in PLANS for suffix in FORMATS]:
            for size in (DESK, PHONE) if file.suffix == ".html" else (PICTURE,):
                for scheme in PAPER:
                    browser.open(file, size, scheme)
                    height = browser.value("document.documentElement.scrollHeight")
                    name = f"{file.stem}-{file.suffix[1:]}-{size[0]}-{scheme}.png"
                    (folder / name).write_bytes(browser.screenshot((size[0], height)))


if __name__ == "__main__":
    look(Path(sys.argv[1]))
