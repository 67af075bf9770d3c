"""Where the settings of a kubelet are written on nodes that something else makes, in one table.

GKE: https://cloud.google.com/kubernetes-engine/docs/how-to/node-system-config. AKS:
https://learn.microsoft.com/azure/aks/custom-node-configuration. kind:
https://kind.sigs.k8s.io/docs/user/configuration/#kubeadm-config-patches. Others:
https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#kubelet-configuration-merging-order.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from nodepools.platforms.args import NodePlatform

UPSTREAM_EVICTION = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
}
KUBELET_API = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How one platform takes a kubelet's settings, and what its kubelets do by themselves."""

    file_name: str
    write: Callable[[dict[str, Any]], str]
    default_eviction: Mapping[str, str]
    """The hard thresholds where none are said."""
    names: Mapping[str, str] | None = None
    """What it calls the fields of a KubeletConfiguration, all that it takes; None: the same."""
    ranges: Mapping[str, tuple[int, int]]
    """What it takes of an input, where that is less than the kubelet does."""
    default_high_percent: int = 100


def _system_config(fields: dict[str, Any]) -> str:
    return _yaml({"kubeletConfig": fields})


def _kubelet_json(fields: dict[str, Any]) -> str:
    # A number of MiB here, and a quantity everywhere else.
    size = fields.pop("containerLogMaxSizeMB", None)
    in_mib = {} if size is None else {"containerLogMaxSizeMB": int(size.removesuffix("Mi"))}
    return json.dumps({**fields, **in_mib}, indent=2) + "\n"


def _kind_cluster(fields: dict[str, Any]) -> str:
    return _yaml(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "kubeadmConfigPatches": [_drop_in(fields)],
        }
    )


def _drop_in(fields: dict[str, Any]) -> str:
    return _yaml({**KUBELET_API, **fields})


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Returns the node of a text: a block where it has several lines."""
        style = "|" if "\n" in text else None
        return yaml.ScalarNode(self.DEFAULT_SCALAR_TAG, text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _yaml(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False)


PLATFORMS: Mapping[str, Platform] = {
    NodePlatform.GKE: Platform(
        file_name="gke-system-config.yaml",
        write=_system_config,
        default_eviction=UPSTREAM_EVICTION,
        names={
            "imageGCHighThresholdPercent": "imageGcHighThresholdPercent",
            "imageGCLowThresholdPercent": "imageGcLowThresholdPercent",
            "imageMinimumGCAge": "imageMinimumGcAge",
            "imageMaximumGCAge": "imageMaximumGcAge",
            "maxParallelImagePulls": "maxParallelImagePulls",
            "containerLogMaxSize": "containerLogMaxSize",
            "containerLogMaxFiles": "containerLogMaxFiles",
        },
        ranges={
            "image_gc.high_percent": (10, 85),
            "image_gc.low_percent": (10, 85),
            "image_gc.minimum_age_seconds": (0, 120),
            "image_pulls.max_parallel": (2, 5),
            "container_logs.max_size_mib": (10, 500),
            "container_logs.max_files": (2, 10),
        },
        default_high_percent=84,
    ),
    NodePlatform.AKS: Platform(
        file_name="aks-kubelet-config.json",
        write=_kubelet_json,
        default_eviction={
            "memory.available": "750Mi",
            "nodefs.available": "10%",
            "nodefs.inodesFree": "5%",
        },
        names={
            "imageGCHighThresholdPercent": "imageGcHighThreshold",
            "imageGCLowThresholdPercent": "imageGcLowThreshold",
            "containerLogMaxSize": "containerLogMaxSizeMB",
            "containerLogMaxFiles": "containerLogMaxFiles",
        },
        ranges={},
    ),
    NodePlatform.KIND: Platform(
        file_name="kind-cluster.yaml",
        write=_kind_cluster,
        # Its nodes see the disk of the machine that they are containers on, and leave it alone.
        default_eviction={
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        ranges={},
    ),
    NodePlatform.SELF_MANAGED: Platform(
        file_name="50-image-preloader.conf",
        write=_drop_in,
        default_eviction=UPSTREAM_EVICTION,
        ranges={},
    ),
}
