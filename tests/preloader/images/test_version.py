"""Tags are ordered by the versions they name, and in one way whatever they hold."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.images import parse_version, tag_order


@pytest.mark.parametrize(
    "oldest_first",
    [
        ["1.9", "1.10", "1.11"],
        ["v1.9.1", "v1.10.0"],
        ["v1.9", "1.10", "v1.11"],
        ["9", "10", "100"],
        ["1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-beta", "1.0.0-rc.1", "1.0.0-rc.10", "1.0.0"],
        ["3.13.0a1", "3.13.0b2", "3.13.0rc1", "3.13.0"],
        ["3.13", "3.14-rc-slim", "3.14", "3.14-slim"],
        ["2.0-SNAPSHOT", "2.0", "2.0.1"],
        ["1.0", "1.0-1", "1.0-2", "1.0-10", "1.0.1"],
        ["3.12-slim", "3.13", "3.13-slim"],
        ["12.1.1-cudnn8-runtime", "12.1.1-cudnn10-runtime", "12.2.0-cudnn8-runtime"],
        ["2.1.0-cuda11.8-cudnn8", "2.1.0-cuda12.1-cudnn8"],
        ["2023.12.31", "2024.01.15", "2024.2.1"],
        ["20231231", "20240115", "20240115123000"],
        ["2023-12-31", "2024-01-15"],
        ["RELEASE.2023-12-31T00-00-00Z", "RELEASE.2024-01-16T16-07-38Z"],
        ["release-1.9", "release-1.10"],
        ["r9", "r10"],
        ["1.1.1", "1.1.1a", "1.1.1b", "1.1.2"],
        ["latest", "0.1"],
        ["main", "v0.0.1-rc1"],
    ],
)
def test_newer_versions_come_later(oldest_first: list[str]) -> None:
    assert sorted(oldest_first[::-1], key=tag_order) == oldest_first


def test_absent_parts_are_zero() -> None:
    assert parse_version("1.25") == parse_version("1.25.0") == parse_version("v1.25")
    assert tag_order("1.25") != tag_order("1.25.0")


@pytest.mark.parametrize(
    "tag",
    ["latest", "stable", "main", "jammy", "7f3e9a1", "1e10abc", "a" * 40, "8675309", "sha-7f3e9a1"],
)
def test_words_commits_and_serial_numbers_name_no_version(tag: str) -> None:
    assert parse_version(tag) is None


@pytest.mark.parametrize("tag", ["1.0-alpine", "1.0-debian", "1.0-prod", "1.0-early", "1.0-b"])
def test_words_that_only_begin_like_a_prerelease_are_none(tag: str) -> None:
    assert tag_order(tag) > tag_order("1.0")


TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True) | st.from_regex(
    r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,2}(-?(rc|alpha|beta|b|slim|dev)\.?[0-9]{0,2}){0,2}",
    fullmatch=True,
)


@given(st.lists(TAGS, min_size=2, max_size=6, unique=True))
def test_order_is_total_antisymmetric_and_transitive(tags: list[str]) -> None:
    ordered = sorted(tags, key=tag_order)
    for older, newer in pairwise(ordered):
        assert tag_order(older) < tag_order(newer)
        assert not tag_order(newer) < tag_order(older)
    assert tag_order(ordered[0]) < tag_order(ordered[-1])
    assert sorted(tags[::-1], key=tag_order) == ordered


@given(st.text(max_size=200))
def test_any_text_has_a_place_in_the_order(text: str) -> None:
    assert min(text, "1.0", key=tag_order) in (text, "1.0")
