"""Whatever others write into a plan, no format lets it be more than text."""

import io
import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from preloadctl.plan.facts.build import plan
from preloadctl.plan.formats.foreign import MOST_OF_A_TEXT, fit_to_show
from preloadctl.plan.formats.markdown import page as comment
from preloadctl.plan.formats.page.page import page
from preloadctl.plan.formats.picture.picture import picture
from preloadctl.plan.formats.table import FORMATS
from preloadctl.plan.formats.text.show import show
from preloadctl.plan.model import Plan, SettingsFile
from preloadctl.project import load_project
from tests.preloadctl.plan.document import Document, Element
from tests.preloadctl.plan.example import PLAN, REFUSED
from tests.preloadctl.plan.projects import POOLS, make_project

pytestmark = pytest.mark.slow

APPROVED = "x\r\r# Approved\r\r@octo/admins"
HOSTILE = (
    APPROVED,
    "a\n\n# b\n\n- c\n\n> d",
    "a\u2028# b\u2029# c\x85# d\x0b# e\x0c# f",
    "@octo/admins approved #123, GH-1, octo/app#2 and octo/app@0a1b2c3d4e",
    "https://bad.example/x www.bad.example bad.com/x a@bad.example ftp://bad.example",
    "see (@octo) and **@octo** or '@octo'",
    "[a](https://bad.example) ![b](https://bad.example/p.png) <https://bad.example>",
    "<img src=x onerror=alert(1)></details></summary><h1>a</h1><!-- b",
    "]]></text><script>alert(1)</script>",
    "| a | b |\n| --- | --- |\n| c | d |",
    "a || b | `c | d` | \\| e",
    "` `` ``` ```` <b>",
    "```\n# a\n```",
    "- a",
    "--- ",
    "1. a",
    "   === ",
    "    indented",
    "> a",
    "[^1]: a",
    "$a$ :tada: !12 %3 ~bug &4 [issue:5]",
    "&lt;b&gt; &#64;octo &commat;octo",
    "\\@octo \\# a",
    "\x1b[31mred\x1b]0;title\x07\x9b2J\x08\x7f",
    "\u202egnp.exe\u2066\u200b\ufeff\ud83d",
    "::error::a ##[error]b",
    "a" * 5000,
)
hostile = st.sampled_from(HOSTILE) | st.text(st.characters(), min_size=1, max_size=40)


def with_texts(part: Any, text: str) -> Any:
    """The same plan, with this text wherever it has any."""
    if isinstance(part, SettingsFile):
        return SettingsFile(name=text, text=f"{text}\n{text}")
    if isinstance(part, str) and not isinstance(part, Enum):
        return text
    if isinstance(part, tuple):
        return tuple(with_texts(each, text) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        made = {each.name: with_texts(getattr(part, each.name), text) for each in fields(part)}
        return replace(part, **made)
    return part


def as_text(plan: Plan) -> str:
    stream = io.StringIO()
    show(plan, stream)
    return stream.getvalue()


@pytest.mark.parametrize("plan", [PLAN, REFUSED], ids=["plan", "refused"])
@given(text=hostile)
def test_a_terminal_gets_lines_of_text_alone(plan: Plan, text: str) -> None:
    shown = as_text(with_texts(plan, text))
    assert all(line.isprintable() for line in shown.split("\n"))


def blocks(markdown: str) -> list[tuple[str, str, int]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    return [(token.type, token.tag, token.level) for token in tokens]


# What those who show comments make more of than text, unless it is in code.
LIVE = re.compile(r"[@#$]\w|://|\bwww\.|\bGH-\d|bad\.com|:tada:|[!%~]\d|issue:\d")
FOLD = re.compile(r"<details><summary>[^<]*</summary>\s*|</details>\s*")


def more_than_text(markdown: str) -> list[str]:
    """What is neither text nor code in the blocks of a comment."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    spans = [child for token in tokens for child in token.children or ()]
    known = ("text", "code_inline", "strong_open", "strong_close")
    html = [re.sub(r"<code>[^<]*</code>", "", t.content) for t in tokens if t.type == "html_block"]
    texts = [span.content for span in spans if span.type == "text"]
    return [
        *(span.type for span in spans if span.type not in known),
        *(text for text in [*texts, *map(unescape, html)] if LIVE.search(text)),
        *(text for text in html if not FOLD.fullmatch(text)),
    ]


@pytest.mark.parametrize("plan", [PLAN, REFUSED], ids=["plan", "refused"])
@given(text=hostile)
def test_a_comment_has_the_headings_tables_and_links_that_it_is_meant_to_have(
    plan: Plan, text: str
) -> None:
    made = comment(with_texts(plan, text))
    assert blocks(made) == blocks(comment(with_texts(plan, "word")))
    assert more_than_text(made) == []
    assert all(line.isprintable() for line in made.split("\n"))


def test_a_word_that_would_be_a_mention_or_a_link_is_shown_as_it_is_in_code() -> None:
    noted = replace(PLAN.pools[0], notes=("see @octo, #1 and https://a.example/_b_.",))
    made = comment(replace(PLAN, pools=(noted,)))
    assert "> see `@octo,` `#1` and `https://a.example/_b_.`\n" in made


def tags(element: Element) -> list[Any]:
    attributes = sorted(element.attributes)
    return [element.tag, attributes, [tags(child) for child in element.children]]


@pytest.mark.parametrize("plan", [PLAN, REFUSED], ids=["plan", "refused"])
@given(text=hostile)
def test_a_page_has_the_elements_that_it_is_meant_to_have(plan: Plan, text: str) -> None:
    made = page(with_texts(plan, text))
    expected = page(with_texts(plan, "word"))
    assert tags(Document(made).root) == tags(Document(expected).root)
    assert all(line.isprintable() for line in made.split("\n"))


@pytest.mark.parametrize("plan", [PLAN, REFUSED], ids=["plan", "refused"])
@given(text=hostile)
def test_a_picture_has_no_other_elements(plan: Plan, text: str) -> None:
    made = picture(with_texts(plan, text))
    known = {(each.tag, *sorted(each.attrib)) for each in ET.fromstring(picture(plan)).iter()}  # noqa: S314
    found = {(each.tag, *sorted(each.attrib)) for each in ET.fromstring(made).iter()}  # noqa: S314
    assert {each[0] for each in found} <= {each[0] for each in known}
    assert not [name for each in found for name in each[1:] if name.startswith(("on", "href"))]
    assert all(line.isprintable() for line in made.split("\n"))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_a_tag_of_a_stack_file_is_text_in_every_format(name: str, tmp_path: Path) -> None:
    program = POOLS.replace("{**GROUP,", f"{{**GROUP, 'tags': {{'team': {APPROVED!r}}},")
    project = load_project(make_project(tmp_path / "project", program), "dev")
    stream = io.StringIO()
    FORMATS[name](plan(project, PLAN.bandwidth, "none"), stream)
    assert all(line.isprintable() for line in stream.getvalue().split("\n"))
    if name != "svg":
        assert r"x\r\r# Approved\r\r@octo/admins" in "".join(stream.getvalue().split("\n"))


def test_a_text_without_end_has_one_and_a_file_is_whole() -> None:
    long = "a" * 100_000
    plan = fit_to_show(with_texts(PLAN, long))
    assert len(plan.stack) < MOST_OF_A_TEXT + 100
    assert plan.stack.endswith("… (100000 characters)")
    files = [file for pool in plan.pools for file in pool.settings_files]
    assert files
    assert all(file.text == f"{long}\n{long}" for file in files)
