"""The user data of Bottlerocket nodes: settings in TOML, which EKS and Karpenter add theirs to.

Settings: https://bottlerocket.dev/en/os/latest/#/api/settings/kubernetes/
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from preloader.plain import is_map

# What Bottlerocket calls the fields of a KubeletConfiguration. It has none for serializeImagePulls.
KUBERNETES_SETTINGS = {
    "imageGCHighThresholdPercent": "image-gc-high-threshold-percent",
    "imageGCLowThresholdPercent": "image-gc-low-threshold-percent",
    "imageMinimumGCAge": "image-minimum-gc-age",
    "imageMaximumGCAge": "image-maximum-gc-age",
    "evictionHard": "eviction-hard",
    "evictionSoft": "eviction-soft",
    "evictionSoftGracePeriod": "eviction-soft-grace-period",
    "evictionMaxPodGracePeriod": "eviction-max-pod-grace-period",
    "maxParallelImagePulls": "max-parallel-image-pulls",
    "registryPullQPS": "registry-qps",
    "registryBurst": "registry-burst",
    "containerLogMaxSize": "container-log-max-size",
    "containerLogMaxFiles": "container-log-max-files",
}
# The concurrency that AL2023's FastImagePull has, and no compressed layers left behind as there.
SOCI_SETTINGS = {
    "container-runtime": {"snapshotter": "soci"},
    "container-runtime-plugins": {
        "soci-snapshotter": {
            "pull-mode": "parallel-pull-unpack",
            "parallel-pull-unpack": {
                "max-concurrent-downloads-per-image": 20,
                "concurrent-download-chunk-size": "16mb",
                "max-concurrent-unpacks-per-image": 12,
                "discard-unpacked-layers": True,
            },
        }
    },
}
EPHEMERAL_DIRECTORIES = ("/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods")
SOCI_DIRECTORY = "/var/lib/soci-snapshotter"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def bottlerocket_settings(
    kubelet_fields: Mapping[str, Any], *, fast_pull: bool, instance_store: bool
) -> dict[str, Any]:
    """The settings that differ from Bottlerocket's own."""
    kubernetes = {KUBERNETES_SETTINGS[name]: value for name, value in kubelet_fields.items()}
    return {
        **({"kubernetes": kubernetes} if kubernetes else {}),
        **(SOCI_SETTINGS if fast_pull else {}),
        **({"bootstrap-commands": _instance_store(fast_pull=fast_pull)} if instance_store else {}),
    }


def bottlerocket_user_data(
    kubelet_fields: Mapping[str, Any], *, fast_pull: bool, instance_store: bool
) -> str:
    """The TOML text that a launch template carries, not yet in base64."""
    settings = bottlerocket_settings(
        kubelet_fields, fast_pull=fast_pull, instance_store=instance_store
    )
    return "\n".join(_toml_lines("settings", settings)).lstrip("\n") + "\n"


def _instance_store(*, fast_pull: bool) -> dict[str, Any]:
    directories = [*EPHEMERAL_DIRECTORIES, *([SOCI_DIRECTORY] if fast_pull else [])]
    return {
        "000-instance-store": {
            "commands": [
                ["apiclient", "ephemeral-storage", "init"],
                ["apiclient", "ephemeral-storage", "bind", "--dirs", *directories],
            ],
            "essential": True,
            "mode": "always",
        }
    }


def _toml_lines(table: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yields `content` as the TOML table `table`; a string of JSON is one of TOML too."""
    values = {key: value for key, value in content.items() if not is_map(value)}
    if values:
        yield from ("", f"[{table}]")
    for key, value in values.items():
        yield f"{_toml_key(key)} = {json.dumps(value)}"
    for key, value in content.items():
        if is_map(value):
            yield from _toml_lines(f"{table}.{_toml_key(key)}", value)


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)
