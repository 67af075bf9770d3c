"""What preloading gains and costs on a real node: a kubelet, containerd and a registry.

The article's images and the bandwidth that it shows (590,583,972 bytes in 21.129 s), both at a
tenth, so that a run takes about as long as the article's own. The registry limits each connection,
as real ones do, and the helper images of both preloaders are on the node before.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.pairs import Measurement, Pair, summarise
from bench.preloaders import (
    IMAGES,
    NODE_LABELS,
    SCALE,
    TIMEOUT,
    Preloaders,
    measure_seconds,
    on_a_node,
)
from tests.node.article import SIZES_BYTES
from tests.node.forget import forget_images
from tests.node.preloading import workload

RUNS = 5
LARGEST = max(SIZES_BYTES, key=lambda name: SIZES_BYTES[name])
# The pod of the article's repro, which uses three of the four.
POD_IMAGES = ("python:3.12-slim", "golang:1.23", "rust:1.83")


@dataclass(frozen=True, slots=True)
class Run:
    """How long everything took once, in seconds."""

    article: float
    lanes: float
    lanes_with_images_there: float
    largest_alone: float
    cold_pod: float
    preloaded_pod: float


def measure(
    between: Callable[[], None], total_runs: int = RUNS, scale: float = SCALE
) -> list[Measurement]:
    """Returns what was measured over several runs; calls `between` after each."""
    runs: list[Run] = []
    with on_a_node(scale) as preloaders:
        bench = Bench(preloaders)
        for number in range(1, total_runs + 1):
            print(f"run {number} of {total_runs}", flush=True)  # noqa: T201 it takes minutes
            runs.append(bench.run())
            between()
    return _gains(runs)


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

    def __init__(self, preloaders: Preloaders) -> None:
        self._preloaders = preloaders
        self._kubectl = preloaders.kubectl
        self._node = preloaders.node
        self._layers = [
            (layer.digest, f"sha256:{hashlib.sha256(gzip.decompress(layer.content)).hexdigest()}")
            for layer in preloaders.layers
        ]

    def run(self) -> Run:
        """Measures everything once, each time with every image really gone before."""
        self._clear()
        with self._preloaders.article() as article:
            pass
        self._clear()
        with self._preloaders.lanes() as lanes:
            preloaded_pod = self._pod_seconds()
        with self._preloaders.lanes() as lanes_with_images_there:
            pass
        self._clear()
        largest_alone = self._largest_alone_seconds()
        self._clear()
        cold_pod = self._pod_seconds()
        return Run(article, lanes, lanes_with_images_there, largest_alone, cold_pod, preloaded_pod)

    def _pod_seconds(self, images: Sequence[str] = POD_IMAGES) -> float:
        pod = workload("bench", images, NODE_LABELS)

        def start() -> None:
            self._kubectl.apply([pod])
            self._kubectl("wait", "pod/bench", "--for=condition=Ready", TIMEOUT)

        seconds = measure_seconds(start)
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

    def _clear(self) -> None:
        """Removes the images with every reference, and waits until their bytes are gone too."""
        forget_images(self._node, IMAGES)
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
