"""What the cleanup adds to a deployment of many pools by Pulumi's engine, and how that grows.

The objects are written to files: what a cluster takes for them is the same with and without.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.pairs import Measurement, Pair, summarise
from tests.engine.install import install
from tests.engine.project import EngineProject, new_project

FEW, MANY = 20, 100
IMAGES_A_POOL = 4
LANES = 4
BYTES_A_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Deployed:
    """What one deployment of a new stack took."""

    preview_seconds: float
    up_seconds: float
    state_mib: float


def measure(few: int = FEW, many: int = MANY) -> list[Measurement]:
    """Returns the ratios of with the cleanup to without, and of a pool among many to few."""
    install()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        without = _deploy(root / "without", many, cleanup=False)
        all_pools = _deploy(root / "many", many, cleanup=True)
        few_pools = _deploy(root / "few", few, cleanup=True)
    pairs = {
        "engine_state_with_cleanup_over_without": (
            Pair(all_pools.state_mib, without.state_mib),
            "MiB",
        ),
        "engine_preview_with_cleanup_over_without": (
            Pair(all_pools.preview_seconds, without.preview_seconds),
            "s",
        ),
        "engine_up_with_cleanup_over_without": (
            Pair(all_pools.up_seconds, without.up_seconds),
            "s",
        ),
        "engine_up_pool_time_at_100_over_20": (
            Pair(all_pools.up_seconds / many, few_pools.up_seconds / few),
            "s a pool",
        ),
        "engine_state_pool_size_at_100_over_20": (
            Pair(all_pools.state_mib / many, few_pools.state_mib / few),
            "MiB a pool",
        ),
    }
    return [
        summarise(name, [pair], lambda pair: pair.ours_over_other, unit).as_measurement()
        for name, (pair, unit) in pairs.items()
    ]


def _deploy(folder: Path, pools: int, *, cleanup: bool) -> Deployed:
    project = new_project(folder)
    project.write(
        {
            "cluster": {"kind": "rendered"},
            "namespace": "image-preloader",
            "defaults": {"preload": {"lanes": LANES}, "cleanup": {"enabled": cleanup}},
            "pools": {
                f"pool-{pool}": {
                    "node_labels": {"pool": f"pool-{pool}"},
                    "images": [
                        f"registry.example.com/app-{image}:1.{pool}"
                        for image in range(IMAGES_A_POOL)
                    ],
                }
                for pool in range(pools)
            },
        }
    )
    return Deployed(
        preview_seconds=_seconds(project, "preview"),
        up_seconds=_seconds(project, "up"),
        state_mib=project.state_file().stat().st_size / BYTES_A_MIB,
    )


def _seconds(project: EngineProject, command: str) -> float:
    start = time.perf_counter()
    project.run(command)
    return time.perf_counter() - start
