"""A real kubelet reads each pool's configuration, and a real API server Karpenter's objects.

The kubelet runs alone, with a containerd but without a cluster: whether pods then run is for the
tests of a node.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nodepools import KarpenterPool, NodePoolArgs
from nodepools.kubelet.settings import kubelet_configuration
from nodepools.platforms.node_settings import node_settings_files
from nodepools.spec import node_pool_spec, pool_kubelet
from tests.node.certificates import new_authority
from tests.node.control_plane import (
    ADMINISTRATORS,
    free_port,
    start_apiserver,
    start_etcd,
    wait_until_ready,
)
from tests.node.kubectl import Kubectl, KubectlError
from tests.node.network import Network
from tests.node.paths import BIN
from tests.node.run import Run, new_run
from tests.nodepools.inputs import karpenter_args
from tests.nodepools.inputs import node_pool_args as args
from tests.nodepools.install import SCHEMAS
from tests.nodepools.test_karpenter import BOTTLEROCKET, EVERYTHING
from tests.nodepools.test_refusals import KUBELETS, NO_START
from tests.nodepools.test_userdata import EVERYTHING as EVERY_KUBELET_SETTING
from tests.nodepools.tools import installed
from tests.support import Run as RunProgram

pytestmark = pytest.mark.node

API = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
# What AL2023 sets itself (https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet).
AL2023 = {
    "serializeImagePulls": False,
    "evictionHard": {
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "nodefs.inodesFree": "5%",
    },
}
# What lets a kubelet run here, in a container without a cgroup of its own.
HERE = {
    "address": "127.0.0.1",
    "healthzPort": 0,
    "readOnlyPort": 0,
    "authentication": {"webhook": {"enabled": False}, "anonymous": {"enabled": True}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs",
    "cgroupsPerQOS": False,
    "enforceNodeAllocatable": ["none"],
    "failCgroupV1": False,
    "failSwapOn": False,
}
STARTED = "Starting kubelet main sync loop"
IMAGE_GC_IS_OFF = "Disable image GC"

Kubelet = Callable[[dict[str, Any], str], tuple[bool, str]]
Manifests = Callable[[NodePoolArgs], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def machine() -> Iterator[Run]:
    with new_run() as run:
        yield run


@pytest.fixture(scope="module")
def kubelet(machine: Run) -> Kubelet:
    """Starts a kubelet with a base and a drop-in, and says whether it took them, and its log."""
    installed(BIN / "kubelet")
    socket = machine.folder / "containerd.sock"
    config = machine.folder / "containerd.toml"
    config.write_text(
        f'version = 3\nroot = "{machine.folder}/root"\nstate = "{machine.folder}/state"\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{socket}.ttrpc"\n'
    )
    machine.start("containerd", [BIN / "containerd", "--config", config])
    while not socket.exists():
        time.sleep(0.05)
    count = iter(range(1000))

    def start(base: dict[str, Any], drop_in: str) -> tuple[bool, str]:
        name = f"kubelet-{next(count)}"
        folder = machine.folder / name
        (folder / "drop-ins").mkdir(parents=True)
        endpoint = {"containerRuntimeEndpoint": f"unix://{socket}", "port": free_port()}
        (folder / "config.json").write_text(json.dumps({**API, **HERE, **endpoint, **base}))
        (folder / "drop-ins" / "40-nodeadm.conf").write_text(drop_in)
        process = machine.start(
            name,
            [
                # What it mounts goes with its namespace.
                *("unshare", "--mount", BIN / "kubelet"),
                f"--config={folder / 'config.json'}",
                f"--config-dir={folder / 'drop-ins'}",
                f"--root-dir={folder / 'root'}",
                f"--cert-dir={folder / 'certificates'}",
                "--v=2",
            ],
        )
        log = machine.logs / f"{name}.log"
        deadline = time.monotonic() + 60
        while process.is_running() and STARTED not in log.read_text():
            assert time.monotonic() < deadline, machine.log_tail(name)
            time.sleep(0.05)
        started = process.is_running()
        machine.stop(process)
        return started, log.read_text()

    return start


def drop_in(given: NodePoolArgs) -> str:
    """What nodeadm writes of a pool's settings, checked or not."""
    return json.dumps({**API, **kubelet_configuration(pool_kubelet(given))})


@pytest.mark.parametrize(
    ("given", "image_gc_is_off"),
    [
        (args(), True),
        (args(image_gc={"high_percent": 85, "low_percent": 70}), False),
        (args(image_gc={"maximum_age_seconds": 86400}), False),
        (args(**EVERY_KUBELET_SETTING), False),
    ],
)
def test_the_kubelet_starts_with_what_is_accepted(
    kubelet: Kubelet, given: NodePoolArgs, *, image_gc_is_off: bool
) -> None:
    node_pool_spec("web", given)
    started, log = kubelet(AL2023, drop_in(given))
    assert started, log
    assert (IMAGE_GC_IS_OFF in log) is image_gc_is_off


@pytest.mark.parametrize(
    ("path", "given"),
    [(path, given) for path, _, given, accepted in KUBELETS if NO_START in accepted],
)
def test_the_kubelet_does_not_start_with_what_is_said_to_keep_it_from_starting(
    kubelet: Kubelet, path: str, given: NodePoolArgs
) -> None:
    started, log = kubelet(AL2023, drop_in(given))
    assert not started, path
    (reason,) = re.findall(r'"command failed" err="(.*)"', log)
    assert re.search("invalid configuration|eviction|quantities must match|grace period", reason)


def test_a_drop_in_for_nodes_made_elsewhere_is_taken_too(kubelet: Kubelet) -> None:
    eviction = {"hard": {"nodefs.available": "20%"}}
    (text,) = node_settings_files(
        "ml",
        {"platform": "self_managed", "eviction": eviction, "image_pulls": {"serialize": False}},
    ).values()
    started, log = kubelet({}, text)
    assert started, log


@pytest.fixture(scope="module")
def kubectl(machine: Run) -> Kubectl:
    """An API server with Karpenter's definitions and nothing else."""

    class Loopback(Network):
        host = "127.0.0.1"

    installed(BIN / "kube-apiserver")
    authority = new_authority(machine.folder / "certificates")
    url = f"https://127.0.0.1:{free_port()}"
    server = start_apiserver(machine, Loopback(0), authority, url, start_etcd(machine))
    wait_until_ready(machine, server, f"{url}/readyz", authority)
    administrator = authority.kubeconfig(url, "administrator", group=ADMINISTRATORS)
    kubectl = Kubectl(str(BIN / "kubectl"), administrator)
    definitions = [installed(path) for path in definition_files()]
    kubectl.apply(yaml.safe_load(path.read_text()) for path in definitions)
    kubectl.wait_for("Karpenter's definitions", lambda: established(kubectl, len(definitions)))
    return kubectl


def definition_files() -> list[Path]:
    return [
        SCHEMAS / "karpenter.k8s.aws_ec2nodeclasses.yaml",
        SCHEMAS / "karpenter.sh_nodepools.yaml",
    ]


def established(kubectl: Kubectl, count: int) -> bool:
    definitions = kubectl.find("customresourcedefinitions")
    ready = [
        condition
        for item in definitions
        for condition in item.get("status", {}).get("conditions") or ()
        if condition["type"] == "Established" and condition["status"] == "True"
    ]
    return len(ready) == count


@pytest.fixture
def manifests(run: RunProgram) -> Manifests:
    """Returns the Kubernetes objects of a Karpenter pool."""

    def make(given: NodePoolArgs) -> list[dict[str, Any]]:
        resources = run(lambda: KarpenterPool("web", given))
        return [resource.inputs for resource in resources if resource.custom]

    return make


@pytest.mark.parametrize(
    "given", [karpenter_args(), karpenter_args(**EVERYTHING), karpenter_args(**BOTTLEROCKET)]
)
def test_an_api_server_takes_karpenters_objects(
    kubectl: Kubectl,
    manifests: Manifests,
    given: NodePoolArgs,
) -> None:
    objects = manifests(given)
    assert [item["kind"] for item in objects] == ["EC2NodeClass", "NodePool"]
    kubectl.apply(objects)
    for item in objects:
        kind = f"{item['kind']}.{item['apiVersion'].partition('/')[0]}"
        found = kubectl.get(kind, item["metadata"]["name"])["spec"]
        assert contains(found, item["spec"])
    kubectl.delete(objects)


def contains(found: Any, asked: Any) -> bool:
    """Whether all that was asked for is there, beside the server's own defaults."""
    if isinstance(asked, dict):
        return all(key in found and contains(found[key], value) for key, value in asked.items())
    if isinstance(asked, list):
        return len(found) == len(asked) and all(map(contains, found, asked))
    return found == asked


@pytest.mark.parametrize(
    ("path", "value", "refused"),
    [
        ("spec.kubelet.imageGCLowThresholdPercent", 100, "must be greater than"),
        ("spec.kubelet.evictionSoft", {"nodefs.available": "12%"}, "evictionSoftGracePeriod"),
        ("spec.kubelet.maxParallelImagePulls", 3, "unknown field"),
        ("spec.role", "", "role"),
        ("spec.subnetSelectorTerms", [], "subnetSelectorTerms"),
        ("spec.amiSelectorTerms", [{"alias": "al2023"}], "alias"),
    ],
)
def test_an_api_server_refuses_what_karpenter_could_not_use(
    kubectl: Kubectl,
    manifests: Manifests,
    path: str,
    value: object,
    refused: str,
) -> None:
    node_class, _ = manifests(karpenter_args())
    *folders, key = path.split(".")
    parent = node_class
    for folder in folders:
        parent = parent[folder]
    parent[key] = value
    with pytest.raises(KubectlError, match=refused):
        kubectl("create", "--validate=strict", "--filename", "-", stdin=json.dumps(node_class))
