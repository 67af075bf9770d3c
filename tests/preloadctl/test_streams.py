"""What ends a command, or is logged meanwhile, is text, whatever others wrote in it."""

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preloadctl.__main__ import main
from preloadctl.errors import CommandError
from preloadctl.streams import prepare_streams, printable_lines
from preloader.problems import InvalidInput, Problem

HOSTILE = "x\r\npreloadctl: all is well\x1b[2J\u202e\u2028\x85"
Say = Callable[[str], tuple[int, str]]


@pytest.fixture
def fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Say:
    """Runs `render` on a program of these lines, and returns the exit code and stderr."""
    (tmp_path / "Pulumi.yaml").write_text("name: theirs\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)

    def run(program: str) -> tuple[int, str]:
        (tmp_path / "__main__.py").write_text(program)
        return main(["render", "--stack", "dev"]), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    "program",
    [
        f"import pulumi\nraise pulumi.RunError({HOSTILE!r})\n",
        f"raise ValueError({HOSTILE!r})\n",
        f"open({HOSTILE!r})\n",
        f"from preloader import ImagePreloader\nImagePreloader({HOSTILE!r}, {{'images': 3}})\n",
    ],
    ids=["refusal", "failure", "file", "component"],
)
def test_no_text_forges_a_message_or_moves_a_cursor(fail: Say, program: str) -> None:
    code, err = fail(program)
    assert code == 1
    assert all(line.isprintable() for line in err.split("\n"))
    assert "all is well" in err
    assert not [line for line in err.split("\n") if line.startswith("preloadctl: all is well")]


def test_a_refusal_has_the_lines_that_it_is_given_and_no_other() -> None:
    assert str(CommandError(f"a {HOSTILE}", "  b")).count("\n") == 1
    problem = Problem("images[0]", HOSTILE, HOSTILE)
    assert str(InvalidInput(HOSTILE, [problem])).count("\n") == 1
    assert printable_lines("a\nb\n  c") == "a\n  b\n  c"


def test_what_an_encoding_lacks_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    prepare_streams()
    print("é", flush=True)
    assert written.getvalue() == b"\\xe9\n"


def test_what_is_logged_is_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    root, handlers = logging.getLogger(), logging.getLogger().handlers
    root.handlers = []
    try:
        prepare_streams()
        logging.getLogger("theirs").warning("%s", "a\x1b[2J\rb")
    finally:
        root.handlers = handlers
    assert capsys.readouterr().err == "WARNING: a\\x1b[2J\\rb\n"
