"""What a person reads is said as people say it, whatever a registry sends."""

import pytest

from preloadctl.lock.summary import failure_lines, size_text
from preloader.lock import Lock


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (-1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (3_900_000_000, "3.6 GiB"),
        (2 * 1024**4, "2.0 TiB"),
        (5 * 1024**5, "5120.0 TiB"),
    ],
)
def test_a_size_has_one_decimal_and_never_1024_of_a_unit(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


def test_what_a_registry_sends_moves_no_cursor_and_has_an_end() -> None:
    lines = list(failure_lines({"app:1": "is \x1b[2J\r\n" + "x" * 10_000}, 1, Lock()))
    assert lines[2].startswith(r"    is \x1b[2J\r\nxxx")
    assert len(lines[2]) < 500
