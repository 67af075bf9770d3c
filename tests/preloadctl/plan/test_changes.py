"""What is different between two states of a pool, and what that costs on its nodes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodepools.changes import Effect
from preloadctl.plan.facts.changes import compare
from preloadctl.plan.facts.pools import Pool
from preloadctl.plan.model import Nodes, PoolChanges, Retagged

REPOSITORIES = ("nginx", "registry.example.com/team/app", "redis")
TAGS = ("1.9", "1.10", "2.0-rc1", "latest")
references = st.builds("{}:{}".format, st.sampled_from(REPOSITORIES), st.sampled_from(TAGS))
image_lists = st.lists(references, unique=True, min_size=1)
GROUP = {
    "instance_types": ["m7i.large"],
    "scaling": {"min_size": 1, "max_size": 6},
    "root_volume": {"size_gib": 100},
}


def pool(
    images: Mapping[str, Mapping[str, int]] | None = None,
    group: Mapping[str, Any] | None = None,
    preload: Mapping[str, Any] | None = None,
    **node_pool: Any,
) -> dict[str, Pool]:
    """A pool of one name, its images by their layers."""
    given: Any = {
        "images": [*(images or {})],
        "image_layers_bytes": {image: dict(layers) for image, layers in (images or {}).items()},
    }
    made: Any = {
        **given,
        "cluster_name": "c",
        "subnet_ids": ["subnet-00000001"],
        **node_pool,
        "node_group": group,
    }
    preloader: Any = {**given, "namespace": "n", "preload": preload or {}}
    return {
        "web": Pool(
            name="web",
            preloader=preloader,
            node_pool=made if group else None,
            node_settings=None,
        )
    }


def alike(*images: str) -> dict[str, dict[str, int]]:
    """Images of the same single layer."""
    return {image: {"a": 1} for image in images}


def only(changes: tuple[PoolChanges, ...]) -> PoolChanges:
    (change,) = changes
    return change


def effects(change: PoolChanges) -> dict[str, tuple[str | None, str | None, Effect | None]]:
    return {each.path: (each.before, each.after, each.effect) for each in change.settings}


@given(image_lists)
def test_the_order_of_images_is_no_change(images: list[str]) -> None:
    written = alike(*images)
    assert compare(pool(written), pool(dict(reversed(written.items())))) == ()


@given(image_lists, image_lists)
def test_every_image_is_kept_added_dropped_or_retagged_once(
    before: list[str], after: list[str]
) -> None:
    changes = compare(pool(alike(*before)), pool(alike(*after)))
    added = [image for change in changes for image in change.added]
    dropped = [image for change in changes for image in change.dropped]
    retagged = [pair for change in changes for pair in change.retagged]
    left = [*dropped, *(pair.before for pair in retagged)]
    came = [*added, *(pair.after for pair in retagged)]
    assert sorted(left) == sorted({*before} - {*after})
    assert sorted(came) == sorted({*after} - {*before})
    repositories = {image.rpartition(":")[0] for image in added}
    assert not repositories & {image.rpartition(":")[0] for image in dropped}


def test_several_versions_of_an_image_pair_in_the_order_of_their_versions() -> None:
    before = alike("nginx:1.10", "nginx:1.9")
    after = alike("nginx:1.12", "nginx:1.11", "nginx:1.13")
    change = only(compare(pool(before), pool(after)))
    assert change.retagged == (
        Retagged(before="nginx:1.9", after="nginx:1.11"),
        Retagged(before="nginx:1.10", after="nginx:1.12"),
    )
    assert change.added == ("nginx:1.13",)


def test_another_way_to_write_an_image_is_no_change() -> None:
    assert compare(pool({"nginx:1.25": {}}), pool({"docker.io/library/nginx:1.25": {}})) == ()


def test_layers_that_the_pool_has_are_not_pulled_again() -> None:
    change = only(
        compare(
            pool({"nginx:1": {"base": 100, "old": 20}}),
            pool({"nginx:2": {"base": 100, "new": 30}, "redis:7": {"base": 100, "new": 30}}),
        )
    )
    assert change.bytes_to_pull == 30


def test_an_image_of_other_layers_under_its_name_is_pulled_again() -> None:
    change = only(compare(pool({"nginx:1": {"a": 1, "b": 2}}), pool({"nginx:1": {"a": 1, "c": 4}})))
    assert change.relocked == ("nginx:1",)
    assert change.bytes_to_pull == 4


def test_an_image_that_is_locked_for_the_first_time_is_no_change() -> None:
    assert compare(pool({"nginx:1": {}}), pool({"nginx:1": {"a": 1}})) == ()


def test_what_is_pulled_is_not_known_where_a_size_is_not() -> None:
    change = only(compare(pool({"nginx:1": {"a": 1}}), pool({"nginx:1": {"a": 1}, "redis:7": {}})))
    assert change.bytes_to_pull is None


def test_a_new_pool_pulls_everything_and_one_that_is_gone_nothing() -> None:
    images = {"nginx:1": {"a": 5}, "redis:7": {"a": 5, "b": 7}}
    new, gone = only(compare({}, pool(images))), only(compare(pool(images), {}))
    assert (new.is_new, new.added, new.bytes_to_pull) == (True, ("nginx:1", "redis:7"), 12)
    assert (gone.is_gone, gone.dropped, gone.bytes_to_pull) == (True, ("nginx:1", "redis:7"), 0)


def test_nodes_that_are_replaced_pull_everything() -> None:
    images = {"nginx:1": {"a": 5}, "redis:7": {"b": 7}}
    change = only(
        compare(
            pool(images, GROUP),
            pool(images, {**GROUP, "root_volume": {"size_gib": 100, "iops": 4000}}),
        )
    )
    assert effects(change) == {"node_group.root_volume.iops": (None, "4000", Effect.ROLLS_NODES)}
    assert change.bytes_to_pull == 12
    assert change.nodes == Nodes(least=1, most=6)


@pytest.mark.parametrize(
    ("changed", "effect"),
    [
        ({"instance_types": ["m7i.xlarge"]}, Effect.REPLACES_GROUP),
        ({"scaling": {"min_size": 1, "max_size": 9}}, Effect.IN_PLACE),
        ({"tags": {"team": "b"}}, Effect.ROLLS_NODES),
        ({"kind": "karpenter"}, Effect.REPLACES_GROUP),
    ],
)
def test_a_changed_input_does_what_the_table_of_changes_says(
    changed: Mapping[str, Any], effect: Effect
) -> None:
    change = only(compare(pool({}, GROUP), pool({}, {**GROUP, **changed})))
    assert [setting.effect for setting in change.settings] == [effect]


def test_what_the_disk_follows_from_rolls_the_nodes_only_where_it_becomes_another_size() -> None:
    by_budget = {**GROUP, "root_volume": {}}
    small = {"nginx:1": {"a": 10**9}}
    large = {"nginx:1": {"a": 10**9}, "redis:7": {"b": 10**10}}
    grown = only(compare(pool(small, by_budget), pool(large, by_budget)))
    path = "node_group.root_volume.size_gib"
    assert effects(grown)[path][2] is Effect.ROLLS_NODES
    assert effects(grown)[path][0] != effects(grown)[path][1]
    assert grown.bytes_to_pull == 11 * 10**9
    fixed = only(compare(pool(small, GROUP), pool(large, GROUP)))
    assert fixed.settings == ()
    assert fixed.bytes_to_pull == 10**10
    said = only(compare(pool(small, GROUP), pool(small, {**GROUP, "disk": {"system_gib": 6}})))
    assert effects(said) == {"node_group.disk.system_gib": (None, "6", Effect.IN_PLACE)}


def test_nodes_of_something_else_are_replaced_by_those_of_a_group() -> None:
    change = only(compare(pool({}), pool({}, GROUP)))
    assert effects(change) == {"node_group": (None, "managed", Effect.REPLACES_GROUP)}


def test_what_the_preloader_is_told_leaves_nodes_as_they_are() -> None:
    change = only(compare(pool({}, preload={"lanes": 2}), pool({}, preload={"lanes": 3})))
    assert effects(change) == {"preload.lanes": ("2", "3", Effect.IN_PLACE)}


def test_what_the_node_pool_is_told_of_the_preloader_is_said_once() -> None:
    before = pool({}, GROUP, preload={"lanes": 2}, lanes=2)
    after = pool({}, GROUP, preload={"lanes": 3}, lanes=3)
    assert [*effects(only(compare(before, after)))] == ["preload.lanes"]


def test_nodes_that_something_else_makes_change_as_it_decides() -> None:
    states = [
        {"web": Pool(name="web", preloader=None, node_pool=None, node_settings=settings)}
        for settings in ({"platform": "gke"}, {"platform": "aks"})
    ]
    assert effects(only(compare(*states))) == {"node_settings.platform": ("gke", "aks", None)}
