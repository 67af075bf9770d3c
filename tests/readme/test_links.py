"""What the documentation points at is there: files, headings, and the paths that it names."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:nodepools|preloader|preloadctl|settings|tests|docs|deploy)/[\w./-]*)`")


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes links of them."""
    headings = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> list[tuple[str, Path, str]]:
    return [
        (page.name, (page.parent / target).resolve() if target else page, anchor)
        for page in PAGES
        for target, anchor in _LINK.findall(page.read_text())
    ]


def test_every_link_leads_to_a_file_and_a_heading_that_are_there() -> None:
    found = links()
    assert len(found) > 20
    for page, target, anchor in found:
        assert target.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(target), f"{page}: #{anchor}"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/reference.md"])
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    paths = _PATH.findall((ROOT / page).read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    named = {Path(target).name for target, _ in _LINK.findall(index)}
    assert {page.name for page in PAGES} - {"README.md"} <= named
