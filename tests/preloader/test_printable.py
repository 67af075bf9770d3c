"""Foreign text can neither forge a line nor command a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.printable import printable, shortened
from preloader.problems import Problem


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nginx:1.25", "nginx:1.25"),
        ("é 日本 🙂", "é 日本 🙂"),
        ("a\r\n# b\t", r"a\r\n# b\t"),
        ("\x1b[31mred\x9b0m", r"\x1b[31mred\x9b0m"),
        ("\u202eabc\u2066\u200b", r"\u202eabc\u2066\u200b"),
        ("a\u2028b\u0085c", r"a\u2028b\x85c"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters(), max_size=50))
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character)[0] for character in shown} & {"C"}
    assert len(shown.splitlines()) <= 1


def test_a_long_text_says_how_long_it_is() -> None:
    assert shortened("a" * 10, 10) == "a" * 10
    assert shortened("a" * 11, 10) == f"{'a' * 10}… (11 characters)"


def test_a_problem_is_one_short_line_whatever_it_is_about() -> None:
    text = str(Problem("a\nb" * 9999, "\x1b" * 9999, "c\u2028" * 9999))
    assert text.isprintable()
    assert len(text) < 2000
