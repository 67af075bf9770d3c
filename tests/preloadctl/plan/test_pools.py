"""A pool's plan follows from the inputs of the components that have its name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nodepools.changes import Effect
from preloadctl.plan.facts.build import plan
from preloadctl.plan.model import Bandwidth, Plan, PoolPlan
from preloadctl.project import load_project
from preloader.helpers import HelperImages
from preloader.lock import Lock, LockedImage, LockedPlatform, lock_text
from tests.preloadctl.plan.projects import POOLS, make_project
from tests.support import ROOT

HELPERS = HelperImages()
BANDWIDTH = Bandwidth(image_bytes_per_second=25 * 10**6, node_bytes_per_second=None)


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    return lambda program: make_project(tmp_path / "project", program)


@pytest.fixture(scope="module")
def eks() -> Plan:
    return plan(load_project(ROOT, "eks"), BANDWIDTH, "none")


def pools(folder: Path) -> dict[str, PoolPlan]:
    made = plan(load_project(folder, "dev"), BANDWIDTH, "HEAD")
    assert made.refusals == ()
    return {pool.name: pool for pool in made.pools}


def test_times_follow_from_the_bandwidths_that_are_stated(project: Callable[[str], Path]) -> None:
    slow = Bandwidth(image_bytes_per_second=20, node_bytes_per_second=10)
    arm = plan(load_project(project(POOLS), "dev"), slow, "HEAD").pools[0]
    assert arm.times
    assert (arm.times.lanes_seconds, arm.times.bound_seconds) == (13, 13)
    assert [image.new_bytes for image in arm.lanes[0]] == [120, 10]


def test_layers_of_several_images_count_once(project: Callable[[str], Path]) -> None:
    arm = pools(project(POOLS))["arm"]
    assert (arm.total_bytes, arm.shared_bytes) == (130, 100)


def test_a_pool_is_what_has_its_name(project: Callable[[str], Path]) -> None:
    made = pools(project(POOLS))
    assert [*made] == ["arm", "bare", "other"]
    arm, bare = made["arm"], made["bare"]
    assert [file.name for file in arm.settings_files] == ["gke-system-config.yaml"]
    assert "80" in arm.settings_files[0].text
    assert arm.disk is None
    assert (bare.lanes, bare.times, bare.mode) == ((), None, None)
    assert bare.disk
    assert (bare.disk.size_gib, bare.disk.parts) == (40, ())
    assert bare.nodes
    assert (bare.nodes.least, bare.nodes.most) == (2, 2)


def test_an_unknown_size_leaves_times_out_and_is_said(project: Callable[[str], Path]) -> None:
    other = pools(project(POOLS))["other"]
    assert other.times is None
    assert other.total_bytes is None
    assert all(image.end_seconds is None for lane in other.lanes for image in lane)
    assert any("httpd:2" in note and "preloadctl lock" in note for note in other.notes)


def test_the_lock_file_is_held_against_the_stack(project: Callable[[str], Path]) -> None:
    folder = project(POOLS)
    platform = LockedPlatform(f"sha256:{'b' * 64}", {f"sha256:{'c' * 64}": 1})
    locked = LockedImage(f"sha256:{'a' * 64}", {"linux/amd64": platform})
    (folder / "Pulumi.dev.lock.yaml").write_text(
        lock_text(Lock(dict.fromkeys(("nginx:1", "gone:1"), locked)))
    )
    lock = plan(load_project(folder, "dev"), BANDWIDTH, "HEAD").lock
    assert lock.exists
    helpers = {HELPERS.busybox, HELPERS.python}
    assert set(lock.not_locked) == {"nginx:1 for linux/arm64", "redis:7", "httpd:2", *helpers}
    assert lock.not_listed == ("gone:1",)
    assert lock.unpinned_root == (HELPERS.python,)


def test_a_helper_image_that_is_pinned_is_no_risk_and_is_locked_by_its_name(
    project: Callable[[str], Path],
) -> None:
    pinned = f"python:3@sha256:{'a' * 64}"
    folder = project(
        "from preloader import ImageCleanup, ImagePreloader\n"
        "pool = {'namespace': 'n', 'images': ['nginx:1']}\n"
        f"ImagePreloader('one', {{**pool, 'helper_images': {{'python': {pinned!r}}}}})\n"
        "ImagePreloader('two', {**pool, 'cleanup': {'enabled': False}})\n"
        "mirrored = {'helper_images': {'python': 'mirror.test/p:3'}}\n"
        "ImageCleanup('three', {'namespace': 'n', **mirrored})\n"
    )
    lock = plan(load_project(folder, "dev"), BANDWIDTH, "HEAD").lock
    assert {"python:3", "mirror.test/p:3"} < set(lock.not_locked)
    assert HELPERS.python not in lock.not_locked
    assert lock.unpinned_root == ("mirror.test/p:3",)


def test_every_input_of_a_node_group_says_what_a_change_of_it_does(eks: Plan) -> None:
    by_name = {pool.name: pool for pool in eks.pools}
    effects = {setting.path: setting.effect for setting in by_name["ml"].settings}
    assert effects["node_group.instance_types"] is Effect.REPLACES_GROUP
    assert effects["node_group.scaling.max_size"] is Effect.IN_PLACE
    assert effects["node_group.image_pulls.fast"] is Effect.ROLLS_NODES
    karpenter = {setting.path: setting.effect for setting in by_name["burst"].settings}
    assert karpenter["node_group.limits.cpu"] is Effect.IN_PLACE


def test_a_disk_s_parts_are_what_it_is_chosen_by(eks: Plan) -> None:
    for pool in eks.pools:
        assert pool.disk
        held = sum(part.size_bytes for part in pool.disk.parts)
        assert 0 < held <= pool.disk.size_gib * 1024**3
        assert pool.disk.smallest_gib
        assert pool.disk.size_gib >= pool.disk.smallest_gib


def test_a_role_that_another_stack_has_refuses_nothing(project: Callable[[str], Path]) -> None:
    program = """
import pulumi
from nodepools import NodePool

network = pulumi.StackReference("acme/network/prod")
NodePool(
    "web",
    {
        "cluster_name": network.get_output("cluster"),
        "node_role_arn": network.get_output("role"),
        "subnet_ids": network.get_output("subnets"),
        "node_group": {
            "instance_types": ["m7i.large"],
            "scaling": {"min_size": 1, "max_size": 1},
            "root_volume": {"size_gib": 50},
        },
    },
)
"""
    assert pools(project(program))["web"].disk
