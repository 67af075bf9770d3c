"""The preloader as Pulumi's engine deploys it to a cluster, and what has to hold after a change."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from preloader.helpers import HelperImages
from tests.engine.project import EngineProject, changes
from tests.node.kubectl import Kubectl, Manifest
from tests.node.preloading import NO_CLEANUP, Preloader, ready_containers

HELPERS = astuple(HelperImages())
Pools = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lane:
    """A DaemonSet by what it runs, and its pods."""

    images: tuple[str, ...]
    pods: frozenset[str]


@dataclass(slots=True)
class Deployment:
    """One stack on a cluster."""

    project: EngineProject
    kubectl: Kubectl
    namespace: str
    pools: Pools

    def write(self, pools: Pools | None = None, **cluster: Any) -> None:
        """Writes the stack file; with no pools given, for those of before."""
        self.pools = self.pools if pools is None else pools
        self.project.write(
            {
                "cluster": {**self.cluster(), **cluster},
                "namespace": self.namespace,
                "pools": {name: {**NO_CLEANUP, **pool} for name, pool in self.pools.items()},
            }
        )

    def cluster(self) -> dict[str, str]:
        """The cluster as a stack file names it."""
        return {
            "kind": "kubeconfig",
            "context": self.kubectl("config", "current-context").strip(),
            "kubeconfig": str(self.kubectl.kubeconfig),
        }

    def change(self, pools: Pools) -> None:
        """Writes and deploys other pools, and checks all that has to hold then."""
        before = self.lanes()
        self.write(pools)
        assert changes(self.project.run("preview")) != {}
        self.project.run("up")
        self.assert_settled()
        after = self.lanes()
        for name, lane in before.items():
            if name in after and after[name].images == lane.images:
                assert after[name].pods == lane.pods, f"{name} was restarted for nothing"

    def assert_settled(self) -> None:
        """Checks that the nodes hold what the stack file says, and that nothing is left to do."""
        preloader = self.preloader()
        preloader.wait_until_complete()
        ready = ready_containers(preloader.pods())
        for pool in self.pools.values():
            if pool.get("preload", {}).get("mode") != "init":
                assert all(ready[image] for image in pool["images"])
        assert self._preloaded() == sorted(
            image for pool in self.pools.values() for image in pool["images"]
        )
        assert changes(self.project.run("preview")) == {}

    def assert_gone(self) -> None:
        """Checks that nothing of the stack is on the cluster or in its state."""
        found = self.kubectl.find("namespaces", f"--field-selector=metadata.name={self.namespace}")
        assert found == []
        assert [each["type"] for each in self.project.state()] == []

    def lanes(self) -> dict[str, Lane]:
        """The DaemonSets by name, with the pods of each."""
        preloader = self.preloader()
        pods = preloader.pods()
        return {
            item["metadata"]["name"]: Lane(
                _images(item),
                frozenset(
                    pod["metadata"]["uid"]
                    for pod in pods
                    if pod["metadata"]["ownerReferences"][0]["uid"] == item["metadata"]["uid"]
                ),
            )
            for item in preloader.daemon_sets()
        }

    def preloader(self) -> Preloader:
        """Its DaemonSets and pods as tests of `render` look at them."""
        return Preloader(self.kubectl, self.namespace, self.project.folder)

    def _preloaded(self) -> list[str]:
        """The images of all DaemonSets but the helpers', each as often as it is there."""
        preloaded = (image for lane in self.lanes().values() for image in lane.images)
        return sorted(image for image in preloaded if image not in HELPERS)


def pool(
    labels: Mapping[str, str], images: Sequence[str], lanes: int = 2, **more: Any
) -> dict[str, Any]:
    """A pool without sizes, so that its images are dealt out in turn."""
    preload = {"lanes": lanes, **more.pop("preload", {})}
    return {"images": list(images), "node_labels": dict(labels), "preload": preload, **more}


def _images(daemon_set: Manifest) -> tuple[str, ...]:
    spec = daemon_set["spec"]["template"]["spec"]
    containers = (*spec.get("initContainers", ()), *spec["containers"])
    return tuple(container["image"] for container in containers)
