"""Which images a deployment has waited for in vain, on which nodes, and why."""

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence

from deploy.kubeconfig import kubeconfig_cluster, kubeconfig_path
from preloader.plain import Map

KUBECTL_SECONDS = 20
# A container that waits for one of these does so because of what comes before it.
NOT_A_REASON = ("ContainerCreating", "PodInitializing")


def explain_missing(settings: Map) -> Iterator[str]:
    """Yields lines for a person, none where nothing is missing or the cluster does not answer."""
    cluster = kubeconfig_cluster(settings)
    path = kubeconfig_path(cluster) if cluster else None
    # A kubeconfig's content is nothing for a command line, which everybody on the machine can read.
    if cluster is None or (cluster.get("kubeconfig") and path is None):
        return
    where = ["--kubeconfig", path] if path else []
    command = ["--context", str(cluster.get("context")), *where]
    pods = _pods(command, str(settings.get("namespace")))
    lines = list(missing_images(pods))
    if lines:
        yield "Images that are not on their nodes:"
        yield from lines


def missing_images(pods: Sequence[Map]) -> Iterator[str]:
    """Yields a line for each image that pods wait for: their nodes, and the kubelet's reason."""
    nodes: dict[str, set[str]] = defaultdict(set)
    reasons: dict[str, str] = {}
    for pod in pods:
        status = pod["status"]
        for state in (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        ):
            waiting = state["state"].get("waiting")
            if waiting is None or waiting["reason"] in NOT_A_REASON:
                continue
            nodes[state["image"]].add(pod["spec"].get("nodeName", "no node"))
            # Between two attempts a kubelet says only that it waits, with the last error behind.
            reasons[state["image"]] = waiting.get("message") or waiting["reason"]
    for image in sorted(nodes):
        yield f"  {image} on {', '.join(sorted(nodes[image]))}: {' '.join(reasons[image].split())}"


def _pods(where: Sequence[str], namespace: str) -> list[Map]:
    program = shutil.which("kubectl")
    if program is None:
        return []
    command = (program, *where, "get", "pods", "--namespace", namespace, "--output", "json")
    try:
        result = subprocess.run(  # noqa: S603 kubectl, with what the stack file names
            command, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return []
    return json.loads(result.stdout)["items"]
