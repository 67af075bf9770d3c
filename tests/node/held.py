"""Images that a node holds, and images that nothing on it uses: what trouble is tried on."""

from dataclasses import dataclass

from tests.node import images
from tests.node.kubectl import Kubectl
from tests.node.node import Node
from tests.node.preloading import Preloader, start_workload, workload
from tests.node.registry import Registry

NODE_LABEL = "trouble"
UNUSED = ("unused/one:1", "unused/two:1")


@dataclass(frozen=True)
class HeldImages:
    """A node with preloaded images, as it was before any trouble."""

    node: Node
    preloader: Preloader
    image_ids: frozenset[str]
    containers: frozenset[str]
    pods: frozenset[str]

    def are_present(self) -> bool:
        """Whether the node has every image."""
        return self.image_ids <= {*self.node.image_digests()}

    def are_held_as_before(self) -> bool:
        """Whether the same containers of the same pods still hold the same images."""
        return (
            self.are_present()
            and self.containers == running_containers(self.preloader)
            and self.pods == pod_uids(self.preloader)
        )


def hold(
    node: Node, registry: Registry, preloader: Preloader, *, size_mib: int = 1, mode: str = "hold"
) -> HeldImages:
    """Preloads two images to a node that is labelled with its own name."""
    built = (
        registry.push(images.scratch(size_mib * images.MIB, seed=mode), f"{mode}/scratch:1"),
        registry.push(images.with_shell(size_mib * images.MIB, seed=mode), f"{mode}/shell:1"),
    )
    pool = {
        "images": [f"{mode}/scratch:1", f"{mode}/shell:1"],
        "node_labels": labels_of(node),
        "preload": {"mode": mode},
    }
    preloader.apply({mode: pool})
    preloader.wait_until_complete()
    return HeldImages(
        node,
        preloader,
        frozenset(image.image_id for image in built),
        running_containers(preloader),
        pod_uids(preloader),
    )


def leave_unused(node: Node, registry: Registry, kubectl: Kubectl, *, size_mib: int) -> set[str]:
    """Leaves images on a node that a pod has used and nothing uses any more; their IDs."""
    size = size_mib * images.MIB
    built = [registry.push(images.with_shell(size, seed=name), name) for name in UNUSED]
    pod = workload(f"past-{node.name}", UNUSED, labels_of(node))
    start_workload(kubectl, pod)
    image_ids = {image.image_id for image in built}
    assert image_ids <= {*node.image_digests()}
    kubectl.delete([pod])
    return image_ids


def labels_of(node: Node) -> dict[str, str]:
    """The labels by which pods are put on this node."""
    return {NODE_LABEL: node.name}


def running_containers(preloader: Preloader) -> frozenset[str]:
    """The IDs of the containers that run in the preloader's pods."""
    return frozenset(
        state["containerID"]
        for pod in preloader.pods()
        for state in pod["status"].get("containerStatuses", ())
        if "running" in state["state"]
    )


def pod_uids(preloader: Preloader) -> frozenset[str]:
    """What tells the preloader's pods from others of the same name."""
    return frozenset(pod["metadata"]["uid"] for pod in preloader.pods())
