"""How long `render` takes against the imports that no program of these resources can do without."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.pairs import Measurement, Summary, measure_pairs, process_seconds, summarise
from tests.support import copy_program, write_stack

ROOT = Path(__file__).parent.parent
# pulumi_kubernetes and pulumi_aws load their parts when they are used, so importing their names
# alone measures nothing: these are the parts that hold a DaemonSet and a node group.
KUBERNETES_IMPORTS = (
    "import pulumi; from pulumi_kubernetes.apps.v1 import DaemonSet; "
    "from pulumi_kubernetes.core.v1 import Namespace; "
    "from pulumi_kubernetes.meta.v1 import ObjectMetaArgs"
)
AWS_IMPORTS = "; from pulumi_aws.ec2 import LaunchTemplate; from pulumi_aws.eks import NodeGroup"
BARE_IMPORTS = "import pulumi, pulumi_kubernetes"
IMAGES_A_POOL = 10


def measure(runs: int = 7, pools: tuple[int, int] = (20, 200)) -> list[Measurement]:
    """Returns the ratios of `render`: to the imports it needs, and of many pools to few."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        summaries = [
            _against_imports(name, stack, imports, output / stack, runs)
            for name, stack, imports in (
                ("render_over_imports", "dev", KUBERNETES_IMPORTS),
                ("render_with_node_groups_over_imports", "eks", KUBERNETES_IMPORTS + AWS_IMPORTS),
                ("render_over_bare_imports", "dev", BARE_IMPORTS),
            )
        ]
        summaries.append(_pool_time_of_many_over_few(output, *pools, runs))
    return [summary.as_measurement() for summary in summaries]


def _against_imports(name: str, stack: str, imports: str, output: Path, runs: int) -> Summary:
    pairs = measure_pairs(
        partial(process_seconds, _render(stack, output), ROOT),
        partial(process_seconds, [sys.executable, "-W", "ignore", "-c", imports]),
        runs=runs,
    )
    return summarise(name, pairs, lambda pair: pair.ours_over_other)


def _pool_time_of_many_over_few(output: Path, few: int, many: int, runs: int) -> Summary:
    project = output / "project"
    project.mkdir()
    copy_program(project)
    for count in (0, few, many):
        _write_stack(project, max(count, 1), IMAGES_A_POOL if count else 1)
    start = process_seconds(_render("1", output / "1"), project)

    def seconds_a_pool(count: int) -> float:
        whole = process_seconds(_render(str(count), output / str(count)), project)
        return (whole - start) / count

    pairs = measure_pairs(partial(seconds_a_pool, many), partial(seconds_a_pool, few), runs=runs)
    return summarise(
        "render_pool_time_at_200_over_20", pairs, lambda pair: pair.ours_over_other, "s a pool"
    )


def _write_stack(project: Path, pools: int, images: int) -> None:
    settings = {
        "cluster": {"kind": "rendered"},
        "namespace": "image-preloader",
        "pools": {
            f"pool-{pool}": {
                "node_labels": {"pool": f"pool-{pool}"},
                "images": [f"registry.example.com/app-{image}:1.{pool}" for image in range(images)],
            }
            for pool in range(pools)
        },
    }
    write_stack(project, str(pools), settings)


def _render(stack: str, output: Path) -> list[str]:
    preloadctl = str(Path(sys.executable).with_name("preloadctl"))
    return [preloadctl, "render", "--stack", stack, "--output", str(output)]
