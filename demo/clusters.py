"""Where the demo runs: on kind where Docker and kind are there, else on a node of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.preloaders import BYTES_PER_SECOND, REPOSITORIES, SCALE
from tests.node.article import push_article_images
from tests.node.cluster import start_cluster
from tests.node.forget import Machine
from tests.node.kubectl import Kubectl
from tests.node.node import Node, NodeSpec
from tests.node.registry import Conduct

KIND_CLUSTER = "image-preloader-demo"
MEGABYTE = 1_000_000


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


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
