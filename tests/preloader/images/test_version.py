"""Tags name versions of three schemes; what they say of order, and what they do not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preloader.images import Scheme, parse_version, tag_order


@pytest.mark.parametrize(
    "oldest_first",
    [
        "1.9 1.10 1.11",
        "v1.9.1 v1.10.0",
        "v1.9 1.10 v1.11",
        "9 10 100",
        "415 v416 417-slim 22222",
        "1.0.0-dev 1.0.0-alpha 1.0.0-alpha.2 1.0.0-beta 1.0.0-rc.1 1.0.0-rc.10 1.0.0",
        "3.13.0a1 3.13.0b2 3.13.0rc1 3.13.0",
        "3.13 3.14-rc-slim 3.14-rc-2 3.14-slim 3.14.1",
        "2.0-SNAPSHOT 2.0 2.0.1",
        "1.0 1.0-1 1.0-2 1.0-10 1.0.1",
        "1.0-rc1 1.0-rc1-1 1.0-rc1-10 1.0-rc2 1.0",
        "1.0.Beta2 1.0.CR1 1.0.Final 1.0.SP1",
        "1.0 1.0.post1.dev3 1.0.post1 1.0.post2",
        "1.2.3-r9 1.2.3-r10",
        "1.2.3_9 1.2.3_10",
        "1.2.3-9-g9f2a1bc 1.2.3-14-g0f2a1bc",
        "15.6-debian-11-r90 15.6-debian-12-r2",
        "9.4-1214.1726694543 9.4-1227.1726694542",
        "1.0-20240828 1.0-2024-12-01 1.0-20250101-slim",
        "8u392-b08-jdk 8u402-b06-jdk",
        "2023.12.31 2024.01.15 2024.2.1",
        "2024.1 2024.2.0 2024.2.1 2024.10 2025.1-rc1 2025.1",
        "2023-12 2024-01 2024-01-15",
        "20231231 20240115 20240115123000 20240115-123001",
        "20240115 2024-01-16 2024_01_17 2024.01.18 2024.1.19",
        "20240115.1 20240115.2 20240115.10",
        "RELEASE.2023-12-31T00-00-00Z RELEASE.2024-01-16T16-07-38Z 20240116T160739Z",
        "bookworm-20240828 bullseye-20240910-slim nightly-2024-12-01 nightly2024-12-02",
        "v20240828-9f2a1bc v20240829-0a1b2c3",
        "release-1.9 release-1.10",
        "r9 r10",
        "latest 0.1",
        "main v0.0.1-rc1",
        "7 2024-01-01 1.0",
    ],
)
def test_newer_versions_come_later(oldest_first: str) -> None:
    tags = oldest_first.split()
    for older, newer in pairwise(tags):
        assert tag_order(older)[0] < tag_order(newer)[0]


@pytest.mark.parametrize(
    "tags",
    [
        "1.25 1.25.0 v1.25 1.25.0.0 release-1.25",
        "1.25 1.25-alpine 1.25-slim 1.25-alpine3.19 1.25-cuda12.1-cudnn8-runtime 1.25-final",
        "1.4.0-9f2a1bc 1.4.0-b81c22e 1.4.0-1234567 1.4.0-g9f2a1bc 1.4.0+build.9f2a1bc 1.4.0-main",
        "1.4.0-20240231 1.4.0-1700000000 1.4.0-9f2a1 1.4.0-a1b2c3",
        "1.0-rc1 1.0rc1 1.0-rc.1 1.0-rc-1 1.0_RC1 1.0.0.rc1-slim",
        "1.0-4 1.0-r4 1.0-p4 1.0-build.4 1.0-rev4 1.0-post4",
        "20240828 2024-08-28 2024_08_28 2024.8.28 2024.08.28-slim bookworm-20240828",
        "20240828101500 20240828T101500Z 2024-08-28T10-15-00Z 2024-08-28-101500",
        "22 v22 22-alpine 22-bookworm-slim",
        "1.1.1 1.1.1a 1.1.1k",
    ],
)
def test_what_says_nothing_of_order_makes_no_difference(tags: str) -> None:
    versions = {parse_version(tag) for tag in tags.split()}
    assert len(versions) == 1
    assert None not in versions


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        (Scheme.RELEASE, "1.25 v1.2.3 24.04 3.14-rc1 1.20240828 0.0 release-1.0 1.2.2024.1"),
        (Scheme.DATE, "20240828 2024.1 2024.12.0 2024-12 jammy-20240111 1999-12-31 2024.3.1-x"),
        (Scheme.NUMBER, "1 22 v22 22-alpine 240828 2024 8u392 12-rc1 12rc1"),
    ],
)
def test_a_version_is_of_one_scheme(scheme: Scheme, tags: str) -> None:
    assert {getattr(parse_version(tag), "scheme", tag) for tag in tags.split()} == {scheme}


@pytest.mark.parametrize(
    "tag",
    [
        *("latest", "stable", "main", "jammy", "pr-123", "go1.22", "alpine3.19"),
        *("7f3e9a1", "1e10abc", "a" * 40, "sha-7f3e9a1", "9f2a1bc-slim", "20240828abc"),
        *("8675309", "1234567-slim", "1700000000", "9" * 60, "main-9f2a1bc-1700000000"),
        *("20241301", "20240231", "202408281", "28-08-2024", "01.12.2024", "28_8_2024-slim"),
        *("9f2a1", "2fa", "3scale", "22alpine", "", "v", "-", "١٢"),
    ],
)
def test_words_commits_and_long_numbers_that_are_no_date_name_no_version(tag: str) -> None:
    assert parse_version(tag) is None


@pytest.mark.parametrize("tag", ["1.0-alpine", "1.0-debian", "1.0-prod", "1.0-early", "1.0-b"])
def test_words_that_only_begin_like_a_prerelease_are_none(tag: str) -> None:
    assert parse_version(tag) == parse_version("1.0")


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


@pytest.mark.parametrize("part", ["a", "1.", "-", "rc", "2024-", "a1", "20240828", ".", "0", "t1"])
@pytest.mark.parametrize("start", ["", "1.0-", "20240828", "2024-12-01t"])
def test_the_longest_tag_is_read_in_one_pass(part: str, start: str) -> None:
    # A pattern that tries every way to split it would take years.
    parse_version((start + part * 128)[:127] + "!")


def test_what_is_too_long_for_a_tag_names_no_version() -> None:
    assert parse_version("1." + "9" * 126) is not None
    assert parse_version("1." + "9" * 127) is None
