"""What a registry says before a deployment is what nodes then pull, and workloads are found."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from preloader.helpers import HelperImages
from preloader.lock import lock_path, parse_lock
from tests.node import images
from tests.node.conftest import AddNode, NewPreloader
from tests.node.kubectl import Kubectl, Manifest
from tests.node.registry import Registry
from tests.node.render import preloadctl, write_project

MIB = 1024 * 1024
# Of an image that is a layer and a configuration, what the kubelet's size has beside the layers.
LARGEST_REST_BYTES = 16 * 1024
PULLED_BYTES = re.compile(r'Successfully pulled image "(?P<name>[^"]+)".* (?P<bytes>\d+) bytes')


def stack_of(pools: Mapping[str, object]) -> dict[str, object]:
    return {"cluster": {"kind": "rendered"}, "namespace": "locking", "pools": dict(pools)}


@contextmanager
def on_loopback(address: str) -> Iterator[str]:
    """Lends a server that is elsewhere an address on loopback, where plain HTTP is accepted."""
    host, _, port = address.rpartition(":")

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as server:
                answers = threading.Thread(target=copy, args=(server, self.request))
                answers.start()
                copy(self.request, server)
                answers.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        threading.Thread(target=relay.serve_forever).start()
        yield f"127.0.0.1:{relay.server_address[1]}"
        relay.shutdown()


def copy(source: socket.socket, target: socket.socket) -> None:
    while received := source.recv(64 * 1024):
        target.sendall(received)
    target.shutdown(socket.SHUT_WR)


def pulled_bytes(kubectl: Kubectl, namespace: str) -> dict[str, int]:
    """The size of each image that a kubelet has pulled for a namespace, by its name."""
    matches = (
        PULLED_BYTES.search(event.get("message", ""))
        for event in kubectl.events(namespace=namespace)
    )
    return {match["name"]: int(match["bytes"]) for match in matches if match}


HELPERS = HelperImages()
RUN = {"busybox": HELPERS.busybox, "python": HELPERS.python}


def test_what_is_locked_is_what_the_kubelet_pulls(
    kubectl: Kubectl,
    add_node: AddNode,
    registry: Registry,
    new_preloader: NewPreloader,
    tmp_path: Path,
) -> None:
    labels = {"pool": "locked"}
    node = add_node("locked", labels=labels)
    with on_loopback(registry.storage) as address:
        built = {
            f"{address}/team/locked-{mib}:1": registry.push(
                images.scratch(mib * MIB, seed=f"locked {mib}"), f"team/locked-{mib}:1"
            )
            for mib in (8, 4, 3)
        }
        # What a node runs by these names it finds under them with the digest that is locked.
        helpers = {key: f"{address}/library/{image}" for key, image in RUN.items()}
        main = {"images": [*built], "node_labels": labels, "cleanup": {}, "helper_images": helpers}
        pools = {"main": main}
        folder = tmp_path / "locked"
        write_project(stack_of(pools), folder)
        preloadctl(folder, "lock")
        text = (folder / lock_path("test")).read_text()

    preloader = new_preloader()
    preloader.apply(pools, text)
    preloader.wait_until_complete()

    locked = parse_lock(text, "lock").images
    on_node = node.ctr("images", "ls")
    pulled = pulled_bytes(kubectl, preloader.namespace)
    for name, image in built.items():
        assert locked[name].digest == image.digest
        assert locked[name].digest in on_node
        (platform,) = locked[name].platforms.values()
        assert 0 < pulled[name] - platform.size_bytes < LARGEST_REST_BYTES
    used = {container["image"] for pod in preloader.pods() for container in containers(pod)}
    assert {f"{image}@{locked[image].digest}" for image in helpers.values()} == used - set(built)
    # A third lane would gain nothing over the largest image alone.
    assert len(preloader.daemon_sets()) == 2


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def deployment(name: str, image: str, node_labels: Mapping[str, str]) -> Manifest:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeSelector": dict(node_labels),
                    "containers": [{"name": "main", "image": image}],
                },
            },
        },
    }


def test_a_clusters_own_workloads_are_proposed_for_their_pool(
    kubectl: Kubectl, pool: Mapping[str, str], tmp_path: Path
) -> None:
    listed, new, elsewhere = "team/listed:1", "team/new:2", "team/elsewhere:1"
    workloads = [
        deployment("of-the-pool", new, pool),
        deployment("of-no-pool", elsewhere, {"pool": "another"}),
    ]
    write_project(
        stack_of({"main": {"images": [listed], "node_labels": dict(pool)}}), tmp_path / "project"
    )
    kubectl.apply(workloads)
    try:
        proposed = preloadctl(
            tmp_path / "project",
            "lock",
            "--from-cluster",
            kubectl("config", "current-context").strip(),
            KUBECONFIG=str(kubectl.kubeconfig),
            PATH=f"{Path(kubectl.program).parent}:/usr/bin:/bin",
        )
    finally:
        kubectl.delete(workloads)
    assert f"- {new}  # not in the list yet; used by default/of-the-pool" in proposed
    assert f"- {listed}  # in the list, and used by none" in proposed
    assert elsewhere not in proposed
