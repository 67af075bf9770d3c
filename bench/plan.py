"""How long `plan` of many pools takes against the imports that no such program can do without."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.pairs import Measurement, measure_pairs, process_seconds, summarise
from bench.render import KUBERNETES_IMPORTS
from tests.support import copy_program, write_stack

POOLS = 100
IMAGES_A_POOL = 3


def measure(runs: int = 7, pools: int = POOLS) -> list[Measurement]:
    """Returns the ratio of `plan` of 100 pools of 3 images, as JSON, to the imports it needs."""
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        _write_project(project, pools)
        plan = [
            str(Path(sys.executable).with_name("preloadctl")),
            *("plan", "--stack", "many", "--format", "json"),
        ]
        pairs = measure_pairs(
            partial(process_seconds, plan, project),
            partial(process_seconds, [sys.executable, "-W", "ignore", "-c", KUBERNETES_IMPORTS]),
            runs=runs,
        )
    summary = summarise("plan_of_100_pools_over_imports", pairs, lambda pair: pair.ours_over_other)
    return [summary.as_measurement()]


def _write_project(project: Path, pools: int) -> None:
    copy_program(project)
    settings = {
        "cluster": {"kind": "rendered"},
        "namespace": "image-preloader",
        "pools": {f"pool-{pool}": _pool(pool) for pool in range(pools)},
    }
    write_stack(project, "many", settings)


def _pool(pool: int) -> dict[str, object]:
    sizes_bytes = {
        f"registry.example.com/app-{image}:1.{pool}": (image + 1) * 10**8
        for image in range(IMAGES_A_POOL)
    }
    return {
        "node_labels": {"pool": f"pool-{pool}"},
        "images": [*sizes_bytes],
        "image_sizes_bytes": sizes_bytes,
    }
