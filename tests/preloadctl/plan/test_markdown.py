"""The comment on a pull request reads as it is meant, whatever names and values are in it."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nodepools.changes import Effect
from preloadctl.plan.formats.markdown import page
from preloadctl.plan.model import ChangedSetting, NodeSetting, Plan, Refusal
from tests.preloadctl.plan.example import PLAN, REFUSED

POOL = next(pool for pool in PLAN.pools if pool.settings)
special = st.text(st.sampled_from("a|`\\* "), min_size=1, max_size=12).filter(str.strip)
values = special | st.text(
    st.sampled_from("ab|`*_<>&[]()#!\\~-")
    | st.characters(codec="utf-8", categories=("L", "N", "P", "S")),
    min_size=1,
    max_size=30,
)


def html(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)


def cells(markdown: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html(markdown), flags=re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, flags=re.DOTALL) for row in rows]


def with_setting(value: str, note: str = "") -> Plan:
    setting = NodeSetting(path="node_group.version", value=value, effect=Effect.ROLLS_NODES)
    pool = replace(POOL, settings=(setting,), notes=(note,) if note else ())
    return replace(PLAN, pools=(pool,))


def shown(text: str) -> str:
    return (
        text.replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )


@given(values)
def test_a_value_is_shown_as_it_is_and_ends_no_cell(value: str) -> None:
    (row,) = [row for row in cells(page(with_setting(value))) if "node_group.version" in row[0]]
    assert len(row) == 3
    assert shown(row[1]) == f"<code>{value}</code>"


@given(values)
def test_words_are_shown_as_they_are(note: str) -> None:
    rendered = html(page(with_setting("1.33", note)))
    assert note in shown(re.sub(r"</?(p|blockquote)>|\n", " ", rendered))


def test_changes_come_before_pools_and_refusals_before_everything() -> None:
    comment = page(PLAN)
    assert PLAN.changes.pools
    assert comment.index("configuration of commit") < comment.index("####")
    assert page(REFUSED).splitlines()[2].startswith("**Refused")
    assert all(shown(page(REFUSED)).count(f"- {each.path[:4]}") for each in REFUSED.refusals)


def test_every_image_has_a_row() -> None:
    rows = [row for row in cells(page(PLAN)) if len(row) == 5]
    images = [image.reference for pool in PLAN.pools for lane in pool.lanes for image in lane]
    assert [row[1] for row in rows if row[0] != "lane"] == [
        f"<code>{name}</code>" for name in images
    ]


def test_settings_are_folded_away_between_blank_lines() -> None:
    # Without them what is inside would be HTML, not Markdown.
    for opening in re.finditer(r"<details><summary>[^\n]*</summary>\n(.)", page(PLAN), re.DOTALL):
        assert opening[1] == "\n"
    assert page(PLAN).count("<details>") == page(PLAN).count("\n\n</details>") > 0


def test_a_refusal_s_value_makes_no_markup() -> None:
    refusal = Refusal(subject="s", path="images[0]", value='"<b>|`x`"', accepted="must *not*")
    rendered = html(page(replace(REFUSED, refusals=(refusal,))))
    assert shown('images[0]: "<b>|`x`": must *not*') in shown(rendered)


def test_what_was_not_written_is_no_value() -> None:
    setting = ChangedSetting(path="tags.a", before=None, after="b|c", effect=None)
    change = replace(PLAN.changes.pools[0], settings=(setting,))
    comment = page(replace(PLAN, changes=replace(PLAN.changes, pools=(change,))))
    assert ["<code>tags.a</code>", "not written", "<code>b|c</code>", ""] in cells(comment)
