"""A whole cluster: a control plane, a registry with the images every pod needs, and nodes."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from preloader.helpers import HelperImages
from tests.builds import progress
from tests.node import images
from tests.node.configuration import SANDBOX_IMAGE
from tests.node.control_plane import start_control_plane, wait_until_ready
from tests.node.install import install
from tests.node.kubectl import Kubectl
from tests.node.network import create_network
from tests.node.node import Node, NodeSpec, Site
from tests.node.registry import Registry, start_registry
from tests.node.run import new_run

HELPERS = HelperImages()
# What a node and the program's own containers use.
HELPER_IMAGES = (
    (images.pause, SANDBOX_IMAGE, HELPERS.pause),
    (images.with_shell, "busybox:musl", HELPERS.busybox),
    (images.python, "python:3.12-alpine", HELPERS.python),
)


class Cluster:
    """A running cluster, whose nodes come and go."""

    def __init__(self, site: Site, registry: Registry) -> None:
        self.registry = registry
        self.kubectl: Kubectl = site.plane.kubectl
        self.nodes: dict[str, Node] = {}
        self._site = site
        self._numbers = itertools.count(1)

    def add_node(self, spec: NodeSpec) -> Node:
        """Starts a node and waits until pods can run on it."""
        node = Node(self._site, next(self._numbers), spec)
        self.nodes[spec.name] = node
        with progress(f"starting node {spec.name}"):
            node.boot()
            self.wait_until_ready(node)
        return node

    def remove_node(self, node: Node) -> None:
        """Takes a node out of the cluster for good, with all that is on it."""
        del self.nodes[node.name]
        node.kill()
        self.kubectl("delete", "node", node.name, "--ignore-not-found")
        # Nobody is left to say that its pods have ended, so nobody is asked.
        forced = ("--all-namespaces", "--force", "--grace-period=0", "--wait=false")
        self.kubectl("delete", "pods", f"--field-selector=spec.nodeName={node.name}", *forced)
        node.discard()

    @contextlib.contextmanager
    def without_api_server(self) -> Iterator[None]:
        """Ends the API server for as long as the block runs; what it knows is in etcd."""
        run, plane = self._site.run, self._site.plane
        command = cast("list[str]", plane.server.popen.args)
        run.stop(plane.server)
        try:
            yield
        finally:
            server = run.start(plane.server.name, command)
            self._site = replace(self._site, plane=replace(plane, server=server))
            wait_until_ready(run, server, f"{plane.url}/readyz", plane.authority)

    def wait_until_ready(self, node: Node) -> None:
        """Waits until the node says that it is ready since its kubelet last started."""
        self.kubectl.wait_for(f"node {node.name} ready", lambda: is_ready(self.kubectl, node.name))


@contextlib.contextmanager
def start_cluster() -> Iterator[Cluster]:
    """A cluster without nodes, for as long as the block runs; installs what is missing."""
    install()
    with new_run() as run:
        network = create_network(run)
        with progress("starting a registry and filling it"):
            registry = start_registry(run, network.host)
            for image, *references in HELPER_IMAGES:
                registry.push(image(), *references)
        with progress("starting a control plane"):
            plane = start_control_plane(run, network)
        yield Cluster(Site(run, network, registry.address, plane), registry)


def is_ready(kubectl: Kubectl, node: str) -> bool:
    """Whether pods can be scheduled to a node."""
    found = kubectl.get("node", node)
    conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", ())}
    # The taint goes a moment after the condition has come.
    taints = {taint["key"] for taint in found["spec"].get("taints", ())}
    return conditions.get("Ready") == "True" and "node.kubernetes.io/not-ready" not in taints
