"""The article's preloader and this one on one node, each there for as long as a block runs."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.footprint import has_pods
from tests.node.article import PRELOADER_NAMESPACE, SIZES_BYTES, article_preloader
from tests.node.cluster import start_cluster
from tests.node.configuration import SANDBOX_IMAGE
from tests.node.images import Blob, with_shell
from tests.node.kubectl import Kubectl
from tests.node.node import Node, NodeSpec
from tests.node.preloading import Preloader
from tests.node.registry import Conduct

TIMEOUT = "--timeout=300s"
# The article's images and the bandwidth that it shows, at a tenth.
SCALE = 1 / 10
BYTES_PER_SECOND = int(590_583_972 / 21.129 * SCALE)
REPOSITORIES = ("g1g1/py-kube", "python", "golang", "rust")
IMAGES = tuple(SIZES_BYTES)
NODE_LABELS = {"bench": "node"}
POOL = {
    "node_labels": NODE_LABELS,
    "images": list(IMAGES),
    "cleanup": {"enabled": True},
    "image_sizes_bytes": SIZES_BYTES,
}


@contextmanager
def on_a_node(scale: float = SCALE) -> Generator["Preloaders"]:
    """Both preloaders on a new node, which has what does not count, from a registry of full speed.

    From then on the registry limits each connection. A scale of its own makes the images smaller,
    and not the bandwidth.
    """
    with start_cluster() as cluster, TemporaryDirectory() as folder:
        registry = cluster.registry
        layers = [
            registry.push(with_shell(int(size * scale), seed=name), name).layer
            for name, size in SIZES_BYTES.items()
        ]
        node = cluster.add_node(NodeSpec("bench", NODE_LABELS))
        preloaders = Preloaders(cluster.kubectl, node, Path(folder), layers)
        for preloader in (preloaders.lanes, preloaders.article):
            with preloader():
                pass
        registry.set_conduct(Conduct(bytes_per_second=BYTES_PER_SECOND), *REPOSITORIES)
        yield preloaders


class Preloaders:
    """What puts the same images, which have these layers, on the same node, in two ways."""

    def __init__(self, kubectl: Kubectl, node: Node, folder: Path, layers: Sequence[Blob]) -> None:
        self.kubectl = kubectl
        self.node = node
        self.layers = layers
        self.own = Preloader(kubectl, "image-preloader", folder)

    @contextmanager
    def lanes(self) -> Iterator[float]:
        """Applies the program's own DaemonSets; yields the seconds until all images are held."""
        seconds = measure_seconds(self._apply_lanes)
        try:
            yield seconds
        finally:
            self.kubectl.delete(each for each in self.own.manifests if each["kind"] == "DaemonSet")
            self._wait_until_no_pods(self.own.namespace)

    @contextmanager
    def article(self) -> Iterator[float]:
        """Applies the article's DaemonSet; yields the seconds until it is ready."""
        manifest = article_preloader(IMAGES, SANDBOX_IMAGE)

        def apply() -> None:
            self.kubectl.apply([manifest])
            self._wait_until_ready(PRELOADER_NAMESPACE)

        try:
            yield measure_seconds(apply)
        finally:
            self.kubectl.delete([manifest])
            self._wait_until_no_pods(PRELOADER_NAMESPACE)

    def wait_until_nothing_runs(self) -> None:
        """Waits until the last process of the last pod has left the node."""
        self.kubectl.wait_for("no pod's process", lambda: not has_pods(self.node.root))

    def _apply_lanes(self) -> None:
        self.own.apply({"bench": POOL})
        self._wait_until_ready(self.own.namespace)

    def _wait_until_ready(self, namespace: str) -> None:
        ready = "--for=jsonpath={.status.numberReady}=1"
        self.kubectl("wait", "daemonset", "--all", "--namespace", namespace, ready, TIMEOUT)

    def _wait_until_no_pods(self, namespace: str) -> None:
        self.kubectl.wait_for(
            f"no pods in {namespace}",
            lambda: not self.kubectl.find("pods", namespace=namespace),
        )


def measure_seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
