"""Foreign text in Markdown: shown as it is, and never a heading, a link, a mention or a cell."""

import re
from collections.abc import Sequence
from html import escape

# What Markdown, or the HTML that may be in it, gives a meaning to.
_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+!|<>~&"})
# What begins a list, a rule or an underlined heading where it begins a line.
_BLOCK = re.compile(r"^(\d*)([-=.:])")
_TICKS = re.compile("`+")
# What those who show comments make links, mentions, references, pictures or formulas of, after
# Markdown is done with the text, so that no backslash keeps it from them. In code they leave it.
# https://docs.github.com/en/get-started/writing-on-github and
# https://docs.gitlab.com/user/markdown/#gitlab-specific-references
_LIVE = re.compile(
    r"[@#$]"
    r"|[!%&^~][\w\"{(]"
    r"|://|www\."
    r"|[^\W_]\.(?:[a-z]{2}|com|org|net|edu|gov|info|biz|dev|app|cloud|name|pro|shop)(?![\w.-])"
    r"|:[\w+-]+:"
    r"|\b[a-z]+-\d"
    r"|\b(?=\d*[a-f])[0-9a-f]{7,}\b"
    r"|\[\w+:",
    re.IGNORECASE,
)


def words(text: str) -> str:
    """Returns a text of one line as a paragraph has it; what would be more than text is code."""
    said = text.strip()
    if not said:
        return code(said)
    each = (
        code(word) if _LIVE.search(word) else word.translate(_SPECIAL) for word in said.split(" ")
    )
    return _BLOCK.sub(r"\1\\\2", " ".join(each))


def code(text: str) -> str:
    """Returns a value of one line as it is written."""
    said = text or '""'
    fence = "`" * (_longest_ticks(said) + 1)
    space = " " if said.startswith(("`", " ")) or said.endswith(("`", " ")) else ""
    return f"{fence}{space}{said}{space}{fence}"


def cell(text: str) -> str:
    """Returns a value for a table, whose cells end at a bar even in code, unless it is escaped."""
    return code(text).replace("|", "\\|")


def html_words(text: str) -> str:
    """Returns the same as `words` for where HTML is written."""
    return " ".join(
        f"<code>{escape(word)}</code>" if _LIVE.search(word) else escape(word)
        for word in text.split(" ")
    )


def fenced(lines: Sequence[str], language: str) -> list[str]:
    """Returns lines as a block of code, which none of them ends."""
    fence = "`" * max(3, _longest_ticks("\n".join(lines)) + 1)
    return [f"{fence}{language}", *lines, fence]


def _longest_ticks(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
