"""What a preloader whose images are all there takes from the node and from the cluster."""

import json
from collections.abc import Iterator

from bench.footprint import cpu_percent, held_memory_mib, lasting_processes
from bench.pairs import Measurement, Pair, summarise
from bench.preloaders import Preloaders, on_a_node
from tests.node.preloading import Preloader

IDLE_SECONDS = 180
# What one held image may cost, in MiB, and all of an idle preloader, in percent of a core.
MEMORY_LIMIT_MIB, CPU_LIMIT_PERCENT = 0.5, 0.1
CLEANUP_CONTAINER = "cleanup"
# What the article's preloader consists of.
ARTICLE_OBJECTS = 1


def measure(idle_seconds: float = IDLE_SECONDS) -> list[Measurement]:
    """Returns what the article's preloader takes, and this one once its first cleanup has ended."""
    with on_a_node() as preloaders:
        return [*_costs(preloaders, idle_seconds)]


def _costs(preloaders: Preloaders, idle_seconds: float) -> Iterator[Measurement]:
    root, kubectl, own = preloaders.node.root, preloaders.kubectl, preloaders.own
    preloaders.wait_until_nothing_runs()
    without = len(lasting_processes(root))
    with preloaders.article():
        of_article = len(lasting_processes(root)) - without
    preloaders.wait_until_nothing_runs()
    with preloaders.lanes():
        kubectl.wait_for("the first cleanup", lambda: _has_cleaned_up(own))
        objects = [each for each in own.manifests if each["kind"] in ("ConfigMap", "DaemonSet")]
        pods = own.pods()
        memory = [Pair(each, MEMORY_LIMIT_MIB) for each in held_memory_mib(pods)]
        cpu = Pair(cpu_percent(pods, idle_seconds), CPU_LIMIT_PERCENT)
        processes = Pair(len(lasting_processes(root)) - without, of_article)
    for name, pairs, unit in (
        ("api_objects_over_article", [Pair(len(objects), ARTICLE_OBJECTS)], "objects"),
        ("processes_over_article", [processes], "processes"),
        ("held_image_memory_over_limit", memory, "MiB"),
        ("idle_cpu_over_limit", [cpu], "% of a core"),
    ):
        summary = summarise(name, pairs, lambda pair: pair.ours_over_other, unit)
        yield summary.as_measurement()


def _has_cleaned_up(own: Preloader) -> bool:
    (pod,) = (
        pod["metadata"]["name"]
        for pod in own.pods()
        if any(each["name"] == CLEANUP_CONTAINER for each in pod["spec"]["containers"])
    )
    log = own.kubectl("logs", pod, "--container", CLEANUP_CONTAINER, "-n", own.namespace)
    return any(json.loads(line)["event"] == "summary" for line in log.splitlines())
