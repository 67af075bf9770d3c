"""The harness itself: a real node, a registry that misbehaves as told, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.node import images
from tests.node.conftest import AddNode
from tests.node.forget import forget_images
from tests.node.kubectl import Kubectl
from tests.node.paths import BIN, PROJECT
from tests.node.preloading import messages, start_workload, workload
from tests.node.registry import Conduct, Registry
from tests.node.run import new_run

MIB = images.MIB
LABELS = {"harness": "yes"}
HELPERS = ["busybox:musl"]


def test_a_pod_runs_and_its_logs_and_shell_can_be_reached(
    kubectl: Kubectl, add_node: AddNode
) -> None:
    add_node("talks", labels=LABELS)
    pod = workload("talker", ["golang:1.23"], LABELS)
    pod["spec"]["containers"][0]["command"] = ["sh", "-c", "echo from inside; sleep infinity"]

    events = start_workload(kubectl, pod)

    assert kubectl("logs", "talker") == "from inside\n"
    assert kubectl("exec", "talker", "--", "cat", "/proc/1/comm") == "sleep\n"
    assert any('"golang:1.23"' in text for text in messages(events, "Pulled"))


def test_every_name_is_served_by_the_own_registry(
    kubectl: Kubectl, add_node: AddNode, registry: Registry
) -> None:
    node = add_node("names", labels=LABELS)
    built = registry.push(images.with_shell(seed="elsewhere"), "ghcr.io/someone/elsewhere:1")

    start_workload(kubectl, workload("elsewhere", ["ghcr.io/someone/elsewhere:1"], LABELS))

    assert node.image_digests()["ghcr.io/someone/elsewhere:1"] == built.digest
    assert built.image_id in node.image_digests()
    assert "someone/elsewhere" in registry.downloads()
    kubectl("delete", "pod", "elsewhere")
    forget_images(node, ["ghcr.io/someone/elsewhere:1"])
    assert built.digest not in node.image_digests().values()


def test_two_nodes_leave_each_others_pods_alone(kubectl: Kubectl, add_node: AddNode) -> None:
    add_node("left", labels={"side": "left"})
    start_workload(kubectl, workload("on-left", ["golang:1.23"], {"side": "left"}))
    right = add_node("right", labels={"side": "right"})
    start_workload(kubectl, workload("on-right", ["golang:1.23"], {"side": "right"}))
    # A kubelet that takes over another's cgroups does so when it starts.
    right.stop_kubelet()
    right.start_kubelet()
    start_workload(kubectl, workload("again-right", ["golang:1.23"], {"side": "right"}))

    for name in ("on-left", "on-right"):
        pod = kubectl.get("pod", name)
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def test_the_bandwidth_limit_holds_for_each_connection(registry: Registry) -> None:
    built = registry.push(images.scratch(4 * MIB, seed="limited"), "limited:1")
    url = f"http://{registry.address}/v2/library/limited/blobs/{built.layer.digest}"
    unlimited_seconds = seconds_to_read(url)

    registry.set_conduct(Conduct(bytes_per_second=2 * MIB))
    limited_seconds = seconds_to_read(url)

    # The first second's worth may come at once.
    assert limited_seconds > 0.9 * (4 - 2) / 2
    assert limited_seconds > 3 * unlimited_seconds


def test_failures_delays_and_passwords_are_those_of_the_named_repository_alone(
    registry: Registry,
) -> None:
    for name in ("broken", "slow", "private", "sound"):
        registry.push(images.scratch(1024, seed=name), f"team/{name}:1")
    registry.set_conduct(Conduct(status=503), "team/broken")
    registry.set_conduct(Conduct(delay_seconds=1), "team/slow")
    registry.set_conduct(Conduct(user="me", password="secret"), "team/private")  # noqa: S106

    start = time.monotonic()
    assert status_of(registry, "team/sound") == 200
    sound_seconds = time.monotonic() - start
    assert status_of(registry, "team/broken") == 503
    assert status_of(registry, "team/private") == 401
    start = time.monotonic()
    assert status_of(registry, "team/slow") == 200
    assert time.monotonic() - start > 1 > sound_seconds

    registry.reset()
    assert status_of(registry, "team/broken") == status_of(registry, "team/private") == 200


def test_a_killed_node_comes_back_with_its_images(
    kubectl: Kubectl, add_node: AddNode, registry: Registry
) -> None:
    node = add_node("phoenix", labels=LABELS)
    pod = workload("survivor", ["golang:1.23"], LABELS)
    start_workload(kubectl, pod)
    node.kill()
    before = registry.downloads()

    node.boot()

    kubectl.wait_for(
        "the container to run again",
        lambda: kubectl.get("pod", "survivor")["status"]["containerStatuses"][0]["restartCount"],
    )
    assert registry.downloads() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.usefixtures("cluster")
def test_nothing_stays_behind_when_the_harness_ends_or_is_killed(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.node.up"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first, *_ = iter(process.stdout.readline, "# Ctrl-C stops it all\n")
        kubeconfig = Path(first.strip().removeprefix("export KUBECONFIG="))
        start_workload(Kubectl(str(BIN / "kubectl"), kubeconfig), workload("any", HELPERS, {}))
        run = run_of(kubeconfig)
        kinds = {trace.split()[0] for trace in run.traces()}
        assert kinds == {"process", "link", "cgroup", "folder"}

        process.send_signal(number)

    if number is signal.SIGKILL:
        assert any(trace.startswith("process") for trace in run.traces())
        with new_run():
            pass
    assert run.traces() == []


@dataclass(frozen=True)
class StartedRun:
    """A run of the harness as the machine shows it."""

    folder: Path
    bridge: str
    pid_namespaces: frozenset[str]

    def traces(self) -> list[str]:
        """Everything of it that can be seen now."""
        own = f"{self.folder}/"
        found = [
            f"process {pid.name} {command}"
            for pid in Path("/proc").glob("[0-9]*")
            if own in (command := command_of(pid)) or namespace_of(pid) in self.pid_namespaces
        ]
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        found += [f"mount {line}" for line in mounts if own in line]
        found += [f"link {link.name}" for link in Path("/sys/class/net").glob(f"{self.bridge}*")]
        # Not by a glob, which fails where another's cgroup goes away meanwhile.
        found += [
            f"cgroup {place}/{name}"
            for place, names, _ in os.walk("/sys/fs/cgroup")
            for name in names
            if name.startswith(f"{self.bridge}-")
        ]
        return found + [f"folder {own}" for _ in range(self.folder.exists())]


def run_of(kubeconfig: Path) -> StartedRun:
    folder = kubeconfig.parents[1]
    entries = [json.loads(line) for line in (folder / "started.jsonl").read_text().splitlines()]
    (bridge,) = (entry["link"] for entry in entries if "link" in entry)
    pids = [Path(f"/proc/{entry['process']}") for entry in entries if "process" in entry]
    own = namespace_of(Path("/proc/self"))
    return StartedRun(folder, bridge, frozenset({*map(namespace_of, pids)} - {own, ""}))


def command_of(pid: Path) -> str:
    try:
        return (pid / "cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def namespace_of(pid: Path) -> str:
    try:
        return (pid / "ns/pid").readlink().name
    except OSError:
        return ""


def seconds_to_read(url: str) -> float:
    start = time.monotonic()
    with urllib.request.urlopen(url) as answer:
        answer.read()
    return time.monotonic() - start


def status_of(registry: Registry, repository: str) -> int:
    url = f"http://{registry.address}/v2/{repository}/manifests/1"
    request = urllib.request.Request(url, headers={"Accept": images.INDEX})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
