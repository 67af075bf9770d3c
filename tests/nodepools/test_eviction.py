"""The eviction line: where the kubelet deletes every unused image.

A real kubelet reads the thresholds in `test_on_real_parts`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodepools.kubelet.eviction import (
    Eviction,
    Threshold,
    eviction_percent,
    free_bytes_at_eviction,
    parse_threshold,
)
from nodepools.spec import eviction_percent as eviction_percent_of
from nodepools.spec import node_pool_spec
from tests.nodepools.inputs import GIB, bottlerocket_args
from tests.nodepools.inputs import node_pool_args as args


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("10%", Threshold(percent=10)),
        ("7.5%", Threshold(percent=7.5)),
        ("100Mi", Threshold(amount=100 * 1024**2)),
        ("1.5Gi", Threshold(amount=1.5 * 1024**3)),
        ("2G", Threshold(amount=2_000_000_000)),
        ("500", Threshold(amount=500)),
        ("", None),
        ("%", None),
        ("10 %", None),
        ("-1Gi", None),
        ("1GiB", None),
    ],
)
def test_thresholds_are_read_as_the_kubelet_reads_them(
    text: str, threshold: Threshold | None
) -> None:
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize(
    ("hard", "soft", "percent"),
    [
        ({"nodefs.available": "10%"}, {}, 90),
        ({"nodefs.available": "10%", "imagefs.available": "15%"}, {}, 85),
        ({"nodefs.available": "10%"}, {"nodefs.available": "20%"}, 80),
        ({"nodefs.available": "25Gi"}, {}, 75),
        ({"nodefs.available": "10%", "imagefs.available": "5Gi"}, {}, 90),
        ({"memory.available": "50%", "nodefs.inodesFree": "5%"}, {}, 100),
        ({}, {}, 100),
    ],
)
def test_the_line_is_that_of_the_first_threshold_of_a_disk(
    hard: dict[str, str], soft: dict[str, str], percent: int
) -> None:
    eviction = Eviction(hard=hard, soft=soft)
    assert eviction_percent(eviction, 100 * GIB) == percent
    assert free_bytes_at_eviction(eviction, 100 * GIB) == (100 - percent) * GIB


@given(size_gib=st.integers(1, 70_000), percent=st.integers(1, 99))
def test_a_share_is_the_same_line_on_every_disk(size_gib: int, percent: int) -> None:
    eviction = Eviction(hard={"nodefs.available": f"{percent}%"})
    assert eviction_percent(eviction, size_gib * GIB) == 100 - percent


def test_each_operating_system_has_its_own_line_until_a_pool_says_more() -> None:
    stricter = {"hard": {"imagefs.available": "20%"}}
    for given_args, percent in (
        (args(), 90),
        (bottlerocket_args(), 85),
        (args(eviction=stricter), 80),
        (bottlerocket_args(eviction={"hard": {"imagefs.available": "10%"}}), 90),
    ):
        assert eviction_percent_of(node_pool_spec("web", given_args)) == percent
