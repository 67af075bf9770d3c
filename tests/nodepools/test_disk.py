"""The disk budget, its arithmetic alone: whether the ratios are right only a node can tell."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodepools.disk.budget import (
    BYTES_PER_GB,
    Contents,
    disk_budget,
    smallest_gib,
    usable_bytes,
)
from nodepools.disk.fit import image_disk
from nodepools.eks.ami_families import AL2023, BOTTLEROCKET, Family, unpack_ratio
from nodepools.kubelet.eviction import BYTES_PER_GIB, Eviction
from nodepools.spec import image_volume, node_pool_spec, notes
from tests.nodepools.inputs import GIB, bottlerocket_args, pool_with, with_images
from tests.nodepools.inputs import node_pool_args as args

# "4 images x 300MB", "10 images x 500MB", "Versions: 2x multiplier", "Buffer: 30%", "OS: 10GB".
ARTICLE = Contents(
    images=[{f"image-{index}": 300_000_000} for index in range(4)],
    workload_image_bytes=10 * 500_000_000,
    unpack_ratio=1,
    keeps_blobs=True,
    versions_kept=2,
    rollout_versions=0,
    pulled_at_once=1,
    buffer_percent=30,
    writable_bytes=0,
    system_bytes=10 * BYTES_PER_GB,
)


def test_the_articles_calculation_comes_out_as_it_says() -> None:
    budget = disk_budget(ARTICLE)
    images = budget.images + budget.workload_images
    assert images / BYTES_PER_GB == pytest.approx(12.4)
    assert (images + budget.buffer) / BYTES_PER_GB == pytest.approx(16.1, abs=0.05)
    assert budget.total / BYTES_PER_GB == pytest.approx(26.1, abs=0.05)
    # "Total: ~30GB minimum": below the kubelet's eviction line, which the article does not name.
    size_gib = smallest_gib(budget.total, Eviction(hard=AL2023.default_eviction), 100, 20)
    assert size_gib * BYTES_PER_GIB / BYTES_PER_GB == pytest.approx(30, abs=0.5)


def test_the_parts_add_up_and_are_said() -> None:
    budget = disk_budget(
        Contents(
            images=[{"a": 3 * GIB}, {"b": GIB}, {"c": 2 * GIB}],
            workload_image_bytes=GIB,
            unpack_ratio=2.5,
            keeps_blobs=False,
            versions_kept=2,
            rollout_versions=1,
            pulled_at_once=2,
            buffer_percent=10,
            writable_bytes=4 * GIB,
            system_bytes=5 * GIB,
        )
    )
    assert budget.images == 30 * GIB
    assert budget.workload_images == 5 * GIB
    assert budget.rollout == 17.5 * GIB
    assert budget.pulling == 5 * GIB
    assert budget.buffer == math.ceil(5.75 * GIB)
    assert str(budget) == (
        "72.2 GiB = 30.0 images + 5.0 the workloads' images + 17.5 a rollout + "
        "5.0 layers being pulled + 5.8 buffer + 4.0 logs and writable layers + 5.0 the system"
    )


def test_a_layer_of_several_images_is_on_the_disk_once() -> None:
    base, own = {"base": 10 * GIB}, {"images": ["a", "b"], "image_layers_bytes": {}}
    apart = pool_with(args(), **own | {"image_sizes_bytes": {"a": 11 * GIB, "b": 12 * GIB}})
    shared = {"a": {**base, "own a": GIB}, "b": {**base, "own b": 2 * GIB}}
    together = pool_with(args(), **own | {"image_layers_bytes": shared})
    budgets = [image_disk(some).budget for some in (apart, together)]
    assert [budget and budget.images for budget in budgets] == [23 * GIB * 6, 13 * GIB * 6]


def test_layers_count_before_a_size_that_is_written_too() -> None:
    both = pool_with(with_images(args(), a=GIB), image_layers_bytes={"a": {"one": 2 * GIB}})
    budget = image_disk(both).budget
    assert budget is not None
    assert budget.images == 2 * GIB * 6


def test_compressed_layers_that_stay_are_in_the_ratio_and_not_counted_twice() -> None:
    assert unpack_ratio(AL2023, fast_pull=False) == 3
    assert unpack_ratio(BOTTLEROCKET, fast_pull=False) == 4
    assert unpack_ratio(BOTTLEROCKET, fast_pull=True) == 3
    assert disk_budget(ARTICLE).pulling == 0


THRESHOLDS = st.sampled_from(
    [
        {},
        {"nodefs.available": "10%"},
        {"nodefs.available": "10%", "imagefs.available": "15%"},
        {"imagefs.available": "7Gi", "nodefs.available": "5%"},
        {"nodefs.available": "33.3%", "memory.available": "99%"},
    ]
)


@given(
    required=st.integers(0, 10**14),
    hard=THRESHOLDS,
    fill=st.integers(1, 100),
    least=st.integers(1, 500),
)
def test_the_smallest_size_is_enough_and_no_smaller_one_is(
    required: int, hard: dict[str, str], fill: int, least: int
) -> None:
    eviction = Eviction(hard=hard)
    size_gib = smallest_gib(required, eviction, fill, least)
    assert size_gib >= least
    assert usable_bytes(size_gib, eviction, fill) >= required
    if size_gib > least:
        assert usable_bytes(size_gib - 1, eviction, fill) < required


def test_a_size_that_is_left_out_is_the_smallest_that_is_accepted() -> None:
    chosen = with_images(args(root_volume={"iops": 4000}), big=5 * GIB)
    spec = node_pool_spec("web", chosen)
    assert (spec.root_volume.size_gib, spec.root_volume.iops) == (73, 4000)
    node_pool_spec("web", with_images(args(root_volume={"size_gib": 73}), big=5 * GIB))


def test_on_bottlerocket_the_data_volume_is_sized_and_the_root_volume_is_not() -> None:
    spec = node_pool_spec("web", with_images(bottlerocket_args(data_volume={}), big=5 * GIB))
    assert spec.data_volume is not None
    assert (spec.root_volume.size_gib, spec.data_volume.size_gib) == (4, 84)
    assert image_volume(spec) is spec.data_volume


def test_on_local_disks_the_volume_is_as_small_as_it_can_be() -> None:
    local = args(root_volume={}, instance_types=["m6id.large"], instance_store_gib=118)
    spec = node_pool_spec("web", with_images(local, big=5 * GIB))
    assert spec.root_volume.size_gib == 20
    assert spec.image_disk.size_gib == 118


def test_what_the_stack_says_of_versions_lanes_and_marks_counts() -> None:
    given_ = with_images(args(), a=GIB, b=GIB)
    plain = image_disk(given_)
    assert plain.budget is not None
    more = image_disk(pool_with(given_, versions_kept=3, lanes=2, high_water_percent=75))
    assert more.budget is not None
    assert more.budget.images == plain.budget.images * 3 // 2
    assert more.budget.pulling == plain.budget.pulling * 2
    assert (plain.fill_percent, more.fill_percent) == (100, 75)


def test_unknown_sizes_are_said_once_and_not_guessed() -> None:
    some = pool_with(args(), images=["a", "b", "c"], image_sizes_bytes={"a": 10**12})
    spec = node_pool_spec("web", some)
    assert spec.image_disk.budget is None
    assert notes(spec) == [
        (
            "whether the images fit the disk is not known, since the size is not of b, c; "
            "run `preloadctl lock`"
        )
    ]
    assert notes(node_pool_spec("web", with_images(args(), a=1))) == []


def test_a_fast_pull_onto_a_slow_volume_is_remarked_on() -> None:
    fast = {"image_pulls": {"fast": True}, "instance_types": ["c7i.xlarge"]}
    (note,) = notes(node_pool_spec("web", args(**fast)))
    assert "125 MiB a second; 600 or more are advised" in note
    quick = {"size_gib": 50, "iops": 4000, "throughput_mibps": 600}
    assert notes(node_pool_spec("web", args(**fast, root_volume=quick))) == []


@pytest.mark.parametrize(
    ("family", "required_gb", "smallest"), [(AL2023, 59.9, 63), (BOTTLEROCKET, 74.5, 82)]
)
def test_the_articles_images_unpacked_need_twice_its_disk(
    family: Family, required_gb: float, smallest: int
) -> None:
    unpacked = replace(
        ARTICLE,
        unpack_ratio=unpack_ratio(family, fast_pull=False),
        keeps_blobs=family.keeps_blobs,
        pulled_at_once=4,
    )
    budget = disk_budget(unpacked)
    assert budget.total / BYTES_PER_GB == pytest.approx(required_gb, abs=0.05)
    eviction = Eviction(hard=family.default_eviction)
    assert smallest_gib(budget.total, eviction, 100, 20) == smallest
