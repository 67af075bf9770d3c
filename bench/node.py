"""What preloading gains and costs on a real node: a kubelet, containerd and a registry.

The article's images and the bandwidth that it shows (590,583,972 bytes in 21.129 s), both at a
tenth, so that a run takes about as long as the article's own. The registry limits each connection,
as real ones do, and the helper images of both preloaders are on the node before.
"""

import gzip
import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.article import NAMESPACE, article_preloader
from bench.footprint import cpu_percent, held_memory_mib
from bench.pairs import Measurement, Pair, summarise
from preloader.images import parse_reference
from tests.node.article import SIZES_BYTES
from tests.node.cluster import Cluster, start_cluster
from tests.node.configuration import SANDBOX_IMAGE
from tests.node.images import with_shell
from tests.node.node import Node, NodeSpec
from tests.node.preloading import Preloader, workload
from tests.node.registry import Conduct

SCALE = 1 / 10
BYTES_PER_SECOND = int(590_583_972 / 21.129 * SCALE)
RUNS = 5
TIMEOUT = "--timeout=300s"
IMAGES = tuple(SIZES_BYTES)
LARGEST = max(SIZES_BYTES, key=lambda name: SIZES_BYTES[name])
# The pod of the article's repro, which uses three of the four.
POD_IMAGES = ("python:3.12-slim", "golang:1.23", "rust:1.83")
REPOSITORIES = ("g1g1/py-kube", "python", "golang", "rust")
NODE_LABELS = {"bench": "node"}
POOL = {
    "node_labels": NODE_LABELS,
    "images": list(IMAGES),
    "cleanup": {"enabled": True},
    "image_sizes_bytes": SIZES_BYTES,
}
IDLE_SECONDS = 120
# What one held image may cost, in MiB, and all of an idle preloader, in percent of a core.
MEMORY_LIMIT_MIB, CPU_LIMIT_PERCENT = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """How long everything took once, in seconds."""

    article: float
    lanes: float
    lanes_with_images_there: float
    largest_alone: float
    cold_pod: float
    preloaded_pod: float


def measure() -> list[Measurement]:
    """Returns what was measured over several runs, and then of the idle preloader."""
    with start_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        node = cluster.add_node(NodeSpec("bench", NODE_LABELS))
        bench = Bench(cluster, node, Path(folder))
        bench.prepare()
        runs = []
        for number in range(1, RUNS + 1):
            print(f"run {number} of {RUNS}", flush=True)  # noqa: T201 it takes minutes
            runs.append(bench.run())
        return [*_gains(runs), *bench.costs()]


def _gains(runs: Sequence[Run]) -> list[Measurement]:
    def ratio(pair: Pair) -> float:
        return pair.other_over_ours

    return [
        summarise(name, [pair(run) for run in runs], ratio).as_measurement()
        for name, pair in (
            (
                "pod_start_cold_over_preloaded",
                lambda run: Pair(run.preloaded_pod, run.cold_pod),
            ),
            ("pull_article_over_lanes", lambda run: Pair(run.lanes, run.article)),
            (
                "pull_bound_over_lanes",
                lambda run: Pair(run.lanes, run.largest_alone + run.lanes_with_images_there),
            ),
        )
    ]


class Bench:
    """One node on which images come and go."""

    def __init__(self, cluster: Cluster, node: Node, folder: Path) -> None:
        self._cluster = cluster
        self._kubectl = cluster.kubectl
        self._node = node
        self._preloader = Preloader(cluster.kubectl, "image-preloader", folder)
        self._layers: list[tuple[str, str]] = []

    def prepare(self) -> None:
        """Stores the images, and brings to the node what does not count."""
        for name, size in SIZES_BYTES.items():
            built = self._cluster.registry.push(with_shell(int(size * SCALE), seed=name), name)
            unpacked = f"sha256:{hashlib.sha256(gzip.decompress(built.layer.content)).hexdigest()}"
            self._layers.append((built.layer.digest, unpacked))
        with self._preloaded():
            pass
        with self._article():
            pass
        self._clear()
        limit = Conduct(bytes_per_second=BYTES_PER_SECOND)
        self._cluster.registry.set_conduct(limit, *REPOSITORIES)

    def run(self) -> Run:
        """Measures everything once, each time with every image really gone before."""
        self._clear()
        with self._article() as article:
            pass
        self._clear()
        with self._preloaded() as lanes:
            preloaded_pod = self._pod_seconds()
        with self._preloaded() as lanes_with_images_there:
            pass
        self._clear()
        largest_alone = self._largest_alone_seconds()
        self._clear()
        cold_pod = self._pod_seconds()
        return Run(article, lanes, lanes_with_images_there, largest_alone, cold_pod, preloaded_pod)

    def costs(self) -> Iterator[Measurement]:
        """Measures what the preloader takes from the node while nothing happens."""
        with self._preloaded():
            kinds = ("ConfigMap", "DaemonSet")
            own = [each for each in self._preloader.manifests if each["kind"] in kinds]
            yield summarise(
                "api_objects_over_article",
                [Pair(len(own), 1)],
                lambda pair: pair.ours_over_other,
                "objects",
            ).as_measurement()
            pods = self._preloader.pods()
            memory = [Pair(each, MEMORY_LIMIT_MIB) for each in held_memory_mib(pods)]
            cpu = [Pair(cpu_percent(pods, IDLE_SECONDS), CPU_LIMIT_PERCENT)]
            yield summarise(
                "held_image_memory_over_limit", memory, lambda pair: pair.ours_over_other, "MiB"
            ).as_measurement()
            yield summarise(
                "idle_cpu_over_limit", cpu, lambda pair: pair.ours_over_other, "% of a core"
            ).as_measurement()

    @contextmanager
    def _preloaded(self) -> Iterator[float]:
        """Applies the program's own DaemonSets; yields the seconds until all images are held."""
        seconds = _seconds(self._apply_pool)
        try:
            yield seconds
        finally:
            workloads = [each for each in self._preloader.manifests if each["kind"] == "DaemonSet"]
            self._kubectl.delete(workloads)
            self._wait_until_no_pods(self._preloader.namespace)

    def _apply_pool(self) -> None:
        self._preloader.apply({"bench": POOL})
        self._wait_until_ready(self._preloader.namespace)

    @contextmanager
    def _article(self) -> Iterator[float]:
        """Applies the article's DaemonSet; yields the seconds until it is ready."""
        manifest = article_preloader(IMAGES, SANDBOX_IMAGE)

        def apply() -> None:
            self._kubectl.apply([manifest])
            self._wait_until_ready(NAMESPACE)

        try:
            yield _seconds(apply)
        finally:
            self._kubectl.delete([manifest])
            self._wait_until_no_pods(NAMESPACE)

    def _pod_seconds(self, images: Sequence[str] = POD_IMAGES) -> float:
        pod = workload("bench", images, NODE_LABELS)

        def start() -> None:
            self._kubectl.apply([pod])
            self._kubectl("wait", "pod/bench", "--for=condition=Ready", TIMEOUT)

        seconds = _seconds(start)
        self._kubectl.delete([pod])
        return seconds

    def _largest_alone_seconds(self) -> float:
        """How long the kubelet itself says that it pulled the largest image, and nothing else."""
        self._pod_seconds([LARGEST])
        pulled = [
            event["message"]
            for event in self._kubectl.events(namespace="default", about="bench")
            if event["reason"] == "Pulled" and "Successfully" in event["message"]
        ]
        return _duration_seconds(pulled[-1])

    def _wait_until_ready(self, namespace: str) -> None:
        ready = "--for=jsonpath={.status.numberReady}=1"
        self._kubectl("wait", "daemonset", "--all", "--namespace", namespace, ready, TIMEOUT)

    def _wait_until_no_pods(self, namespace: str) -> None:
        self._kubectl.wait_for(
            f"no pods in {namespace}",
            lambda: not self._kubectl.find("pods", namespace=namespace),
        )

    def _clear(self) -> None:
        """Removes the images with every reference, and waits until their bytes are gone too."""
        self._node.remove_images(parse_reference(name).stored_as for name in IMAGES)
        self._kubectl.wait_for("blobs and snapshots gone", self._is_clear)

    def _is_clear(self) -> bool:
        content, snapshots = self._node.ctr("content", "list"), self._node.ctr("snapshots", "list")
        return not any(
            layer in content or unpacked in snapshots for layer, unpacked in self._layers
        )


def _duration_seconds(message: str) -> float:
    """Reads `Successfully pulled image "a" in 1m2.5s (1m2.5s including waiting)`."""
    minutes, seconds = re.findall(r" in (?:(\d+)m)?([0-9.]+)s ", message)[0]
    return int(minutes or 0) * 60 + float(seconds)


def _seconds(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
