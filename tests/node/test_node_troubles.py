"""What happens to a node does not cost it the images that it holds: restarts, a crash, a full disk.

Whether another kubelet or containerd version does the same is not decided here.
"""

import os
from collections.abc import Callable

import pytest

from tests.node import images
from tests.node.conftest import AddNode, CollectedNode, NewPreloader
from tests.node.held import NODE_LABEL, hold, labels_of, leave_unused, pod_uids, running_containers
from tests.node.kubectl import Kubectl, Manifest
from tests.node.node import Node
from tests.node.preloading import start_workload, workload
from tests.node.registry import Registry

MIB = images.MIB
# The kubelet collects every five minutes from its start on.
COLLECTION_TIMEOUT_SECONDS = 420


def restart_kubelet(node: Node) -> None:
    node.stop_kubelet()
    node.start_kubelet()


def restart_containerd(node: Node) -> None:
    node.stop_containerd()
    node.start_containerd()


@pytest.mark.parametrize("restart", [restart_kubelet, restart_containerd])
def test_a_restarted_daemon_finds_its_images_held(
    add_node: AddNode,
    registry: Registry,
    new_preloader: NewPreloader,
    kubectl: Kubectl,
    restart: Callable[[Node], None],
) -> None:
    name = restart.__name__.replace("_", "-")
    node = add_node(name, labels={NODE_LABEL: name})
    held = hold(node, registry, new_preloader())
    before = registry.downloads()

    restart(node)

    # The node starts pods again only when both daemons have seen to those that it had.
    start_workload(kubectl, workload(f"after-{name}", ["hold/shell:1"], labels_of(node)))
    assert held.are_held_as_before()
    assert registry.downloads() == before


def test_a_node_that_crashes_holds_its_images_again_without_a_pull(
    add_node: AddNode, registry: Registry, new_preloader: NewPreloader, kubectl: Kubectl
) -> None:
    node = add_node("crash", labels={NODE_LABEL: "crash"})
    held = hold(node, registry, new_preloader())
    before = registry.downloads()

    node.kill()
    node.boot()

    def is_held_again() -> bool:
        running = running_containers(held.preloader)
        return len(running) == len(held.containers) and not running & held.containers

    kubectl.wait_for("new containers in place of all that died", is_held_again)
    held.preloader.wait_until_complete()
    assert pod_uids(held.preloader) == held.pods
    assert held.are_present()
    assert registry.downloads() == before


def test_lasting_disk_pressure_takes_unused_images_and_other_pods_and_leaves_the_held(
    add_node: AddNode, registry: Registry, new_preloader: NewPreloader, kubectl: Kubectl
) -> None:
    eviction = {
        "evictionHard": {"imagefs.available": "30%", "nodefs.available": "1Mi"},
        # Younger images are spared even under pressure; the default is two minutes.
        "imageMinimumGCAge": "1s",
    }
    labels = {NODE_LABEL: "pressure"}
    node = add_node("pressure", labels=labels, kubelet_config=eviction, image_filesystem_mib=600)
    held = hold(node, registry, new_preloader(), size_mib=20)
    unused = leave_unused(node, registry, kubectl, size_mib=20)
    start_workload(kubectl, workload("ordinary", ["hold/shell:1"], labels))

    # Nothing that the kubelet can remove, so it goes on to look for pods to evict: a fifth of the
    # disk is free even without the unused images, which are there packed and unpacked.
    fill_up(node, 0.2, less_bytes=2 * len(unused) * 20 * MIB)

    kubectl.wait_for("the unused images gone", lambda: not unused & {*node.image_digests()})
    kubectl.wait_for("the other pod evicted", lambda: is_evicted(kubectl.get("pod", "ordinary")))
    rounds = eviction_rounds(kubectl, node)
    kubectl.wait_for("two more tries", lambda: eviction_rounds(kubectl, node) >= rounds + 2)
    assert held.are_held_as_before()


def test_the_kubelets_own_collection_takes_the_unused_images_and_leaves_the_preloaded(
    kubectl: Kubectl, collected_node: CollectedNode
) -> None:
    node = collected_node.node

    kubectl.wait_for(
        "the unused images gone",
        lambda: not collected_node.unused & {*node.image_digests()},
        timeout_seconds=COLLECTION_TIMEOUT_SECONDS,
    )
    # It wanted more than there was to take.
    kubectl.wait_for("its complaint", lambda: "FreeDiskSpaceFailed" in reasons(kubectl, node))
    assert collected_node.held.are_held_as_before()
    # What has run once is still in use for as long as the pod is there.
    assert collected_node.held_by_init.are_present()


def fill_up(node: Node, free_part: float, *, less_bytes: int) -> None:
    """Leaves this part of the disk for images free, less some bytes."""
    images_folder = node.root / "var/lib/containerd"
    disk = os.statvfs(images_folder)
    left_bytes = int(free_part * disk.f_blocks * disk.f_frsize) - less_bytes
    with (images_folder / "filler").open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, disk.f_bavail * disk.f_frsize - left_bytes)


def eviction_rounds(kubectl: Kubectl, node: Node) -> int:
    """How often the kubelet has looked for something to remove."""
    events = kubectl.events(about=node.name)
    return sum(
        event.get("count", 1) for event in events if event["reason"] == "EvictionThresholdMet"
    )


def reasons(kubectl: Kubectl, node: Node) -> set[str]:
    """What the events of a node are about."""
    return {event["reason"] for event in kubectl.events(about=node.name)}


def is_evicted(pod: Manifest) -> bool:
    return pod["status"].get("reason") == "Evicted"
