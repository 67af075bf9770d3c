"""Where the demo runs: on kind where Docker and kind are there, else on a node of its own."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.node import BYTES_PER_SECOND, REPOSITORIES, SCALE
from preloader.images import parse_reference
from tests.node.article import push_article_images
from tests.node.cluster import start_cluster
from tests.node.kubectl import Kubectl
from tests.node.node import Node, NodeSpec
from tests.node.registry import Conduct

KIND_CLUSTER = "image-preloader-demo"
MEGABYTE = 1_000_000
POLL_SECONDS = 0.5


class Machine(Protocol):
    """The one node of the demo's cluster."""

    def ctr(self, *arguments: str) -> str:
        """Runs containerd's own tool on the node, in the namespace of Kubernetes."""
        ...


@dataclass(frozen=True, slots=True)
class DemoCluster:
    """A cluster of one node, and what a reader has to know of its images."""

    kubectl: Kubectl
    node: Machine
    images_are: str


@contextmanager
def demo_cluster() -> Iterator[DemoCluster]:
    """A cluster for as long as the block runs."""
    with _kind_cluster() if _has_kind() else _own_cluster() as cluster:
        yield cluster


def _has_kind() -> bool:
    if not (shutil.which("kind") and shutil.which("docker") and shutil.which("kubectl")):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0  # noqa: S607


@contextmanager
def _kind_cluster() -> Iterator[DemoCluster]:
    kind = ["kind", "--name", KIND_CLUSTER]
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        create = ["create", "cluster", "--kubeconfig", str(kubeconfig)]
        try:
            _run(kind[0], *create, *kind[1:])
            kubectl = Kubectl("kubectl", kubeconfig)
            yield DemoCluster(kubectl, _KindNode(), "the article's own, from their registries")
        finally:
            _run(kind[0], "delete", "cluster", *kind[1:])


class _KindNode:
    """The container that is kind's node."""

    def ctr(self, *arguments: str) -> str:
        node = f"{KIND_CLUSTER}-control-plane"
        return _run("docker", "exec", node, "ctr", "--namespace", "k8s.io", *arguments)


@contextmanager
def _own_cluster() -> Iterator[DemoCluster]:
    with start_cluster() as cluster:
        node: Node = cluster.add_node(NodeSpec("demo"))
        push_article_images(cluster.registry, scale=SCALE)
        limit = Conduct(bytes_per_second=BYTES_PER_SECOND)
        cluster.registry.set_conduct(limit, *REPOSITORIES)
        yield DemoCluster(
            cluster.kubectl,
            node,
            f"made here at {SCALE:.0%} of the article's sizes, from a registry that sends "
            f"{BYTES_PER_SECOND / MEGABYTE:.1f} MB a second, {SCALE:.0%} of what the article's did",
        )


def forget_images(machine: Machine, names: Iterable[str]) -> None:
    """Removes images with every reference, once the last of their containers is really gone.

    Before that containerd keeps what they consist of, and a second pull would have nothing to do.
    """
    references = {parse_reference(name).stored_as for name in names}
    while any(name in machine.ctr("containers", "list") for name in references):
        time.sleep(POLL_SECONDS)
    listed = [line.split() for line in machine.ctr("images", "list").splitlines()[1:]]
    wanted = {digest for name, _, digest, *_ in listed if name in references}
    every = [name for name, _, digest, *_ in listed if digest in wanted]
    if every:
        machine.ctr("images", "remove", "--sync", *every)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
