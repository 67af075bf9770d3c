"""The README's commands of kubectl, on a real cluster, with what `render` wrote."""

import shlex
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.node.article import SMALL_IMAGES
from tests.node.conftest import NewPreloader
from tests.node.kubectl import Kubectl
from tests.node.render import render

METRICS_PORT = 19464


def test_kubectl_applies_shows_and_reaches_what_was_rendered(
    new_preloader: NewPreloader, kubectl: Kubectl, pool: Mapping[str, str], tmp_path: Path
) -> None:
    preloader = new_preloader()
    main = {
        "images": SMALL_IMAGES[:1],
        "node_labels": dict(pool),
        "cleanup": {"metrics_port": METRICS_PORT, "metrics_address": "loopback"},
    }
    settings = {"cluster": {"kind": "rendered"}, "namespace": preloader.namespace}
    folder = render({**settings, "pools": {"main": main}}, tmp_path / "rendered")
    # The namespace is one of the objects, and comes first in the order of the files' names.
    kubectl(*arguments("kubectl apply -f DIR".replace("DIR", str(folder))))
    preloader.wait_until_complete()

    command = "kubectl get pods -n image-preloader"
    shown = kubectl(*arguments(command.replace("image-preloader", preloader.namespace)))
    [pod] = preloader.pods()
    assert shown.splitlines()[0].split()[:3] == ["NAME", "READY", "STATUS"]
    assert shown.splitlines()[1].split()[:3] == [pod["metadata"]["name"], "2/2", "Running"]

    command = "kubectl port-forward"
    where = ("--namespace", preloader.namespace, f"pod/{pod['metadata']['name']}")
    local_port = free_port()
    forward = [
        kubectl.program,
        *(f"--kubeconfig={kubectl.kubeconfig}", *arguments(command), *where),
        f"{local_port}:{METRICS_PORT}",
    ]
    with subprocess.Popen(forward, stdout=subprocess.DEVNULL) as process:
        try:
            metrics = read(f"http://127.0.0.1:{local_port}/metrics")
        finally:
            process.terminate()
    assert "image_preloader_cleanup_ready 1" in metrics


def arguments(command: str) -> list[str]:
    """What comes behind the program."""
    return shlex.split(command)[1:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def read(url: str) -> str:
    """Returns what is there once somebody listens."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
