"""Sizes, durations and bandwidths read as people write them, and never as the wrong unit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloadctl.plan.units import (
    InvalidBandwidth,
    bandwidth_text,
    duration_text,
    gib_text,
    parse_bandwidth,
    size_text,
)

UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
SECONDS = {"s": 1, "min": 60, "h": 3600}


@given(st.integers(0, 10**17))
def test_a_size_is_within_a_twentieth_of_what_it_says(size_bytes: int) -> None:
    number, unit = size_text(size_bytes).split(" ")
    assert float(number) * UNITS[unit] == pytest.approx(size_bytes, rel=0.05, abs=0.5)
    assert float(number) < 1000


@given(st.floats(0, 10**6))
def test_a_duration_is_within_a_twentieth_of_what_it_says(seconds: float) -> None:
    parts = re.findall(r"([\d.]+) (s|min|h)", duration_text(seconds))
    said = sum(float(number) * SECONDS[unit] for number, unit in parts)
    assert said == pytest.approx(seconds, rel=0.05, abs=0.0501)
    assert all(float(number) < 60 for number, unit in parts if unit != "h")


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (17_300_000, "17.3 MB"), (3_900_000_000, "3.9 GB"), (999_950, "1 MB")],
)
def test_a_size_has_one_decimal_where_that_says_something(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


def test_a_disk_is_in_binary_units() -> None:
    assert gib_text(26.1 * 1024**3) == "26.1 GiB"
    assert gib_text(200 * 1024**3) == "200 GiB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0 s"), (1.68, "1.7 s"), (59.6, "1 min"), (156, "2 min 36 s"), (3900, "1 h 5 min")],
)
def test_a_duration_has_no_more_than_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("25MB/s", 25_000_000),
        ("25 MB/s", 25_000_000),
        ("1.5GB/s", 1_500_000_000),
        ("25MiB/s", 25 * 1024**2),
        ("1Gbit/s", 125_000_000),
        ("100Mbps", 12_500_000),
        ("8 kbit/s", 1000),
        ("64KiB/s", 65536),
    ],
)
def test_a_bandwidth_is_in_bytes_or_bits(text: str, bytes_per_second: int) -> None:
    assert parse_bandwidth(text) == bytes_per_second


@pytest.mark.parametrize(
    "text", ["", "25", "25MB", "MB/s", "-1MB/s", "25XB/s", "1e9B/s", "0MB/s", "٣MB/s"]
)
def test_what_states_no_bandwidth_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidBandwidth, match="such as 25MB/s"):
        parse_bandwidth(text)


@given(st.integers(1, 999))
def test_a_bandwidth_that_is_shown_is_read_as_the_same(megabytes: int) -> None:
    assert parse_bandwidth(bandwidth_text(megabytes * 10**6)) == megabytes * 10**6
