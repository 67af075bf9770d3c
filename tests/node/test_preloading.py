"""What preloading promises, on real nodes, with the objects that `render` writes.

How long anything takes is not decided here: `bench` measures that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.node import images
from tests.node.article import ML_IMAGES, SIZES_BYTES, SMALL_IMAGES, WEB_IMAGES
from tests.node.conftest import AddNode, Preload
from tests.node.kubectl import Kubectl
from tests.node.preloading import (
    PULLED_NOTHING,
    messages,
    ready_containers,
    start_workload,
    workload,
)
from tests.node.registry import Registry

MIB = images.MIB
MODES = ("hold", "init")
POOLS = {"ml": ML_IMAGES, "web": WEB_IMAGES}


def pool_of(labels: Mapping[str, str], names: Sequence[str], **settings: object) -> dict[str, Any]:
    return {"images": list(names), "node_labels": dict(labels), **settings}


def push_all(registry: Registry, names: Sequence[str]) -> dict[str, str]:
    """The image IDs of small images with a shell under these names."""
    return {name: registry.push(images.with_shell(MIB, seed=name), name).image_id for name in names}


@pytest.mark.parametrize("mode", MODES)
def test_a_pod_of_preloaded_images_starts_without_a_pull(
    kubectl: Kubectl, pool: Mapping[str, str], preload: Preload, mode: str
) -> None:
    names = SMALL_IMAGES
    preloader = preload({"main": pool_of(pool, names, preload={"mode": mode, "lanes": 2})})
    preloader.wait_until_complete()

    try:
        events = start_workload(kubectl, workload(f"warm-{mode}", names, pool))
    finally:
        kubectl("delete", "pod", f"warm-{mode}", "--ignore-not-found", "--wait=false")

    assert messages(events, "Pulling") == []
    pulled = messages(events, "Pulled")
    assert len(pulled) == len(names)
    assert all(PULLED_NOTHING in text for text in pulled)


def test_ready_counts_the_images(pool: Mapping[str, str], preload: Preload) -> None:
    preloader = preload({"main": pool_of(pool, SMALL_IMAGES, preload={"lanes": 2})})
    preloader.wait_until_complete()

    ready = ready_containers(preloader.pods())

    assert all(ready[name] for name in SMALL_IMAGES)
    assert len(preloader.daemon_sets()) == 2
    assert len(preloader.pods()) == 2


def test_nothing_is_transferred_for_a_pod_of_preloaded_images(
    kubectl: Kubectl, add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "article"}
    add_node("article", labels=labels)
    preloader = preload({"main": pool_of(labels, [*SIZES_BYTES])})
    preloader.wait_until_complete()
    before = registry.downloads()
    assert {"g1g1/py-kube", "library/golang", "library/rust"} <= {*before}

    start_workload(
        kubectl, workload("tri-lang", ["python:3.12-slim", "golang:1.23", "rust:1.83"], labels)
    )

    assert registry.downloads() == before


def test_only_the_nodes_of_a_pool_get_its_images(
    add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    ids = {name: push_all(registry, names) for name, names in POOLS.items()}
    nodes = {name: add_node(name, **article_pool(name)) for name in POOLS}
    nodes["other"] = add_node("other")
    pools = {
        name: {
            "images": list(names),
            "node_labels": article_pool(name)["labels"],
            "node_taints": list(article_pool(name)["taints"]),
        }
        for name, names in POOLS.items()
    }

    preloader = preload(pools)
    preloader.wait_until_complete()

    for name, node in nodes.items():
        wanted = {*ids.get(name, {}).values()}
        others = {image_id for pool in POOLS for image_id in ids[pool].values()} - wanted
        present = {*node.image_digests()}
        assert wanted <= present
        assert not others & present
    assert preloader.pods("other") == []


@pytest.mark.parametrize("mode", MODES)
def test_a_node_that_joins_later_gets_the_images(
    add_node: AddNode, registry: Registry, preload: Preload, mode: str
) -> None:
    labels = {"pool": f"growing-{mode}"}
    ids = push_all(registry, ["team/grow:1", "team/grow:2"])
    add_node(f"first-{mode}", labels=labels)
    preloader = preload({"main": pool_of(labels, [*ids], preload={"mode": mode})})
    preloader.wait_until_complete()

    late = add_node(f"late-{mode}", labels=labels)

    preloader.kubectl.wait_for("a pod for the new node", lambda: preloader.pods(late.name))
    preloader.wait_until_complete()
    assert {*ids.values()} <= {*late.image_digests()}


@pytest.mark.parametrize("mode", MODES)
def test_a_changed_list_pulls_only_what_is_new(
    add_node: AddNode, registry: Registry, preload: Preload, mode: str
) -> None:
    labels = {"pool": f"changing-{mode}"}
    ids = push_all(registry, [f"team/{mode}-{name}:1" for name in ("dropped", "kept", "added")])
    dropped, kept, added = ids
    node = add_node(f"changing-{mode}", labels=labels)
    preloader = preload({"main": pool_of(labels, [dropped, kept], preload={"mode": mode})})
    preloader.wait_until_complete()
    before = len(registry.downloads())

    preloader.apply({"main": pool_of(labels, [kept, added], preload={"mode": mode})})
    preloader.wait_until_complete()

    assert {*registry.downloads()[before:]} == {f"team/{mode}-added"}
    # Nothing removes the dropped one before cleanup or the kubelet's own collection does.
    assert {*ids.values()} <= {*node.image_digests()}


IMAGE_KINDS = {
    "kinds/scratch:1": images.scratch(MIB, seed="scratch"),
    "kinds/scratch-non-root:1": images.scratch(MIB, seed="non-root", user="1000"),
    "kinds/unknown-user:1": images.scratch(MIB, seed="unknown", user="nobody-knows"),
    "kinds/shell-non-root:1": images.with_shell(MIB, seed="shell", user="1000:1000"),
    "kinds/entrypoint:1": images.Image(
        data_bytes=MIB, seed="entrypoint", entrypoint=("/data", "is", "no", "program")
    ),
    "kinds/closed-directory:1": images.Image(
        seed="closed", closed_directories=("/root",), working_directory="/root"
    ),
    "kinds/empty:1": images.Image(),
}


@pytest.mark.parametrize("mode", MODES)
def test_images_without_a_program_or_a_right_to_run_one_are_preloaded(
    add_node: AddNode, registry: Registry, preload: Preload, mode: str
) -> None:
    labels = {"pool": f"kinds-{mode}"}
    ids = [registry.push(image, name).image_id for name, image in IMAGE_KINDS.items()]
    node = add_node(f"kinds-{mode}", labels=labels)

    preloader = preload({"main": pool_of(labels, [*IMAGE_KINDS], preload={"mode": mode})})
    preloader.wait_until_complete()

    assert {*ids} <= {*node.image_digests()}
    if mode == "hold":
        ready = ready_containers(preloader.pods())
        assert [name for name in IMAGE_KINDS if not ready[name]] == []


def test_one_image_under_several_names_is_present_under_each(
    kubectl: Kubectl, add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "aliases"}
    names = ["team/alias:1", "team/alias:stable", "team/other-alias:1"]
    registry.push(images.with_shell(MIB, seed="alias"), *names)
    add_node("aliases", labels=labels)
    preload({"main": pool_of(labels, names)}).wait_until_complete()

    events = start_workload(kubectl, workload("aliases", names, labels))

    assert messages(events, "Pulling") == []


def test_pulling_a_digest_does_not_make_its_tag_present(
    kubectl: Kubectl, add_node: AddNode, registry: Registry, preload: Preload
) -> None:
    labels = {"pool": "digest"}
    built = registry.push(images.with_shell(MIB, seed="digest"), "team/digest:1")
    pinned = f"team/digest:1@{built.digest}"
    node = add_node("digest", labels=labels)
    preload({"main": pool_of(labels, [pinned])}).wait_until_complete()

    references = {*node.image_digests()}

    assert f"docker.io/team/digest@{built.digest}" in references
    assert "docker.io/team/digest:1" not in references
    events = start_workload(kubectl, workload("by-digest", [pinned], labels))
    assert messages(events, "Pulling") == []
    events = start_workload(kubectl, workload("by-tag", ["team/digest:1"], labels))
    assert messages(events, "Pulling") == ['Pulling image "team/digest:1"']


def article_pool(name: str) -> dict[str, Any]:
    """The labels and taints of the article's pools."""
    return {
        "labels": {"workload-type": name},
        "taints": ({"key": "workload", "value": name, "effect": "NoSchedule"},),
    }
