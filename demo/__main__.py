"""A cold pod, the preloader, a warm pod: with the events and times of the article beside ours."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.node import POD_IMAGES
from demo.clusters import demo_cluster
from preloadctl.project import load_project
from preloadctl.recorder import record
from preloadctl.render import render, write
from tests.node.forget import forget_images
from tests.node.kubectl import Kubectl, Manifest
from tests.node.preloading import start_workload, workload
from tests.node.up import interrupt

ROOT = Path(__file__).parent.parent
STACK, NAMESPACE = "kind", "image-preloader"
REASONS = ("Scheduled", "Pulling", "Pulled", "Created", "Started", "Failed", "BackOff")
# What the article's listings show, in seconds.
ARTICLE_COLD_POD, ARTICLE_PRELOADER, ARTICLE_WARM_POD = 42, 43, 1
STEPS = 5


def main() -> None:
    """Runs the demo to its end; Ctrl-C ends it early, and cleans up as well."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        _demonstrate()
    except KeyboardInterrupt:
        sys.exit("stopped")


def _demonstrate() -> None:
    _step(1, "a cluster of one node")
    with demo_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        print(f"images: {cluster.images_are}")
        _step(2, "a pod on a node without its images")
        cold = _pod_seconds(cluster.kubectl, "tri-lang")
        _step(3, "the node forgets the images")
        forget_images(cluster.node, POD_IMAGES)
        _step(4, "the preloader, as stack `kind` renders it")
        write(render(record(load_project(ROOT, STACK))), Path(folder))
        preloaded = _seconds(lambda: _preload(cluster.kubectl, Path(folder)))
        _show_events(cluster.kubectl, NAMESPACE)
        _step(5, "the same pod again")
        warm = _pod_seconds(cluster.kubectl, "tri-lang2")
        print("\n                            here   article")
        for what, here, article in (
            ("cold pod ready after", cold, ARTICLE_COLD_POD),
            ("images on the node after", preloaded, ARTICLE_PRELOADER),
            ("preloaded pod ready after", warm, ARTICLE_WARM_POD),
        ):
            print(f"{what:<26} {here:4.1f} s  {article:4d} s")
        print("\ncleaning up")


def _step(number: int, what: str) -> None:
    print(f"\n[{number}/{STEPS}] {what}", flush=True)


def _pod_seconds(kubectl: Kubectl, name: str) -> float:
    pod = workload(name, POD_IMAGES, {})
    print("waiting until it is ready …", flush=True)
    seconds = _seconds(lambda: _start(kubectl, pod))
    # Events follow what they tell of by a moment.
    start_workload(kubectl, pod)
    _show_events(kubectl, "default", name)
    kubectl.delete([pod])
    return seconds


def _start(kubectl: Kubectl, pod: Manifest) -> None:
    kubectl.apply([pod])
    name = pod["metadata"]["name"]
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=600s")


def _preload(kubectl: Kubectl, folder: Path) -> None:
    print("waiting until every lane is ready …", flush=True)
    kubectl.apply_folder(folder)
    ready = "--for=jsonpath={.status.numberReady}=1"
    kubectl("wait", "daemonset", "--all", "-n", NAMESPACE, ready, "--timeout=600s")


def _show_events(kubectl: Kubectl, namespace: str, about: str = "") -> None:
    for event in kubectl.events(namespace=namespace, about=about):
        if event["reason"] in REASONS and event["involvedObject"]["kind"] == "Pod":
            print(f"  {event['reason']:<10} {event['message']}")


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
