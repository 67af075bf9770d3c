"""The preloader on a cluster, as `render` writes it, and what its pods and others' say."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.node.kubectl import Kubectl, Manifest
from tests.node.render import objects_in, render

POOL_LABEL = "image-preloader.test/pool"
NO_CLEANUP = {"cleanup": {"enabled": False}}
SLEEP = ("sleep", "infinity")
PULLED_NOTHING = "already present on machine"


class Preloader:
    """A stack with the given pools, applied to a cluster in a namespace of its own."""

    def __init__(self, kubectl: Kubectl, namespace: str, folder: Path) -> None:
        self.kubectl = kubectl
        self.namespace = namespace
        self.manifests: list[Manifest] = []
        self._folder = folder
        self._versions = itertools.count(1)

    def apply(self, pools: Mapping[str, Any], lock_text: str = "") -> None:
        """Renders and applies these pools, and deletes what was applied before and is not now.

        Without the cleanup where a pool does not speak of it: most tests are about images alone.
        """
        settings = {
            "cluster": {"kind": "rendered"},
            "namespace": self.namespace,
            "pools": {name: {**NO_CLEANUP, **pool} for name, pool in pools.items()},
        }
        folder = self._folder / f"{self.namespace}-{next(self._versions)}"
        folder = render(settings, folder, lock_text)
        rendered = objects_in(folder)
        names = {identity(manifest) for manifest in rendered}
        gone = [manifest for manifest in self.manifests if identity(manifest) not in names]
        self.kubectl.apply_folder(folder)
        self.manifests = rendered
        self.kubectl.delete(gone)

    def remove(self) -> None:
        """Deletes everything, without waiting for it."""
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")

    def pods(self, node: str | None = None) -> list[Manifest]:
        """Its pods, on one node or on all, without those that are being deleted."""
        pods = self.kubectl.find("pods", namespace=self.namespace)
        return [
            pod
            for pod in pods
            if node in (None, pod["spec"].get("nodeName"))
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def daemon_sets(self) -> list[Manifest]:
        """Its DaemonSets, of every pool and lane."""
        return self.kubectl.find("daemonsets", namespace=self.namespace)

    def is_complete(self) -> bool:
        """Whether every pod that has to be there is the newest and ready."""
        found = self.daemon_sets()
        return bool(found) and all(map(is_rolled_out, found))

    def wait_until_complete(self, *, timeout_seconds: float = 180) -> None:
        """Waits until every image is on every node of the pools."""
        self.kubectl.wait_for(
            f"the preloader in {self.namespace} complete",
            self.is_complete,
            timeout_seconds=timeout_seconds,
        )


def identity(manifest: Manifest) -> tuple[str, str]:
    """What makes an object another one."""
    return manifest["kind"], manifest["metadata"]["name"]


def is_rolled_out(daemon_set: Manifest) -> bool:
    """Whether there is a ready pod of the newest kind on every node, and on one at least."""
    status = daemon_set["status"]
    wanted = status["desiredNumberScheduled"]
    return (
        wanted > 0
        and status.get("observedGeneration") == daemon_set["metadata"]["generation"]
        and status.get("updatedNumberScheduled") == status.get("numberReady") == wanted
    )


def ready_containers(pods: Sequence[Manifest]) -> dict[str, bool]:
    """The image of each regular container, as it is written there, and whether it is ready."""
    ready: dict[str, bool] = {}
    for pod in pods:
        states = {
            state["name"]: state["ready"] for state in pod["status"].get("containerStatuses", ())
        }
        for container in pod["spec"]["containers"]:
            ready[container["image"]] = states.get(container["name"], False)
    return ready


def workload(
    name: str, images: Sequence[str], labels: Mapping[str, str], **spec: object
) -> Manifest:
    """A pod of the article's kind: one sleeping container for each image, on a pool's nodes."""
    containers = [
        {"name": f"image-{number}", "image": image, "command": list(SLEEP)}
        for number, image in enumerate(images)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeSelector": dict(labels),
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": containers,
            **spec,
        },
    }


def start_workload(kubectl: Kubectl, pod: Manifest) -> list[Manifest]:
    """Runs a pod until it is ready, and returns its events up to then."""
    name = pod["metadata"]["name"]
    kubectl.apply([pod])
    started = len(pod["spec"]["containers"])

    def events() -> list[Manifest]:
        condition = ready_condition(kubectl.get("pod", name))
        found = kubectl.events(namespace="default", about=name)
        # Events are sent after what they tell of: all must have come before they are read.
        counts = sum(event.get("count", 1) for event in found if event["reason"] == "Started")
        return found if condition and counts >= started else []

    return kubectl.wait_for(f"pod {name} ready, with its events", events)


def ready_condition(pod: Manifest) -> bool:
    """Whether a pod says that it is ready."""
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def messages(events: Sequence[Manifest], reason: str) -> list[str]:
    """The texts of the events with a reason."""
    return [event["message"] for event in events if event["reason"] == reason]
