"""What a node's containerd and kubelet are told: without these settings they do not start here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOCKET = "/run/containerd/containerd.sock"
SANDBOX_IMAGE = "registry.k8s.io/pause:3.10"
POD_ADDRESSES = "198.19.0.0/24"
CLUSTER_DNS = "198.19.240.10"
CNI_PLUGINS = "/usr/lib/cni"
Taint = Mapping[str, str]


def write_containerd_config(folder: Path, registry: str) -> None:
    """Writes containerd's configuration: every image comes from the registry of the harness."""
    registries = folder / "registries"
    for host in ("docker.io", "_default"):
        hosts = registries / host / "hosts.toml"
        hosts.parent.mkdir(parents=True)
        hosts.write_text(
            f'server = "http://{registry}"\n'
            f'[host."http://{registry}"]\n  capabilities = ["pull", "resolve"]\n'
        )
    cni = folder / "cni"
    cni.mkdir()
    (cni / "10-bridge.conflist").write_text(json.dumps(pod_network(), indent=2))
    (folder / "containerd.toml").write_text(
        f"""version = 3
[plugins.'io.containerd.cri.v1.images']
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{SANDBOX_IMAGE}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "{registries}"
[plugins.'io.containerd.cri.v1.runtime']
  # Where root lacks CAP_SYS_RESOURCE, runc cannot lower a score and no container starts.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{CNI_PLUGINS}"]
    conf_dir = "{cni}"
"""
    )


def pod_network() -> dict[str, Any]:
    """The network of a node's pods: they reach their node, and nothing else."""
    ranges = [[{"subnet": POD_ADDRESSES}]]
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipam": {"type": "host-local", "ranges": ranges},
    }
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def write_kubelet_config(
    folder: Path, *, authority: Path, cgroup: str, taints: tuple[Taint, ...], own: Mapping[str, Any]
) -> None:
    """Writes the kubelet's configuration; the node's own fields override the others."""
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        # There is no DNS; without an address every pod gets a warning event.
        "clusterDNS": [CLUSTER_DNS],
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "enforceNodeAllocatable": ["pods"],
        "failCgroupV1": False,
        "failSwapOn": False,
        "registerWithTaints": [dict(taint) for taint in taints],
        "resolvConf": "",
        "serializeImagePulls": False,
        # How full the machine's own disk is must decide nothing in a test.
        "evictionHard": {"nodefs.available": "1Mi", "imagefs.available": "1Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        **own,
    }
    (folder / "kubelet.json").write_text(json.dumps(config, indent=2))
