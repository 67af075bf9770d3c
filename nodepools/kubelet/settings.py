"""The parts of a kubelet's configuration that images depend on, as one value and as upstream's."""

from dataclasses import dataclass
from typing import Any

from nodepools.kubelet.eviction import Eviction

# At this value the kubelet does not start its image garbage collection at all, unless images have a
# maximum age: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kubelet.go.
IMAGE_GC_OFF_PERCENT = 100
# https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
DEFAULT_MINIMUM_AGE_SECONDS = 120
DEFAULT_REGISTRY_QPS = 5
DEFAULT_REGISTRY_BURST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGc:
    """When unused images are deleted: disk use in percent, and ages; None is the kubelet's own."""

    high_percent: int = IMAGE_GC_OFF_PERCENT
    low_percent: int = 80
    minimum_age_seconds: int | None = None
    maximum_age_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePulls:
    """How images are pulled; None is the operating system's own way."""

    serialize: bool | None = None
    max_parallel: int | None = None
    registry_qps: int | None = None
    registry_burst: int | None = None
    fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLogs:
    """What is kept of a container's logs; None is the kubelet's own."""

    max_size_mib: int | None = None
    max_files: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubelet:
    """All of it; `states_eviction` where the thresholds are written down, defaults included."""

    image_gc: ImageGc
    eviction: Eviction
    states_eviction: bool
    image_pulls: ImagePulls
    container_logs: ContainerLogs


def kubelet_configuration(kubelet: Kubelet) -> dict[str, Any]:
    """The fields of a KubeletConfiguration that are not left to the operating system.

    Both image thresholds are always there: the kubelet compares one that is given with the other's
    default, and does not start where they contradict.
    """
    image_gc, pulls, logs = kubelet.image_gc, kubelet.image_pulls, kubelet.container_logs
    fields: dict[str, Any] = {
        "imageGCHighThresholdPercent": image_gc.high_percent,
        "imageGCLowThresholdPercent": image_gc.low_percent,
        "imageMinimumGCAge": _duration(image_gc.minimum_age_seconds),
        "imageMaximumGCAge": _duration(image_gc.maximum_age_seconds),
        **_eviction_fields(kubelet),
        "serializeImagePulls": pulls.serialize,
        "maxParallelImagePulls": pulls.max_parallel,
        "registryPullQPS": pulls.registry_qps,
        "registryBurst": pulls.registry_burst,
        "containerLogMaxSize": None if logs.max_size_mib is None else f"{logs.max_size_mib}Mi",
        "containerLogMaxFiles": logs.max_files,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _eviction_fields(kubelet: Kubelet) -> dict[str, Any]:
    eviction = kubelet.eviction
    grace = {signal: _duration(seconds) for signal, seconds in eviction.soft_grace_seconds.items()}
    return {
        "evictionHard": dict(eviction.hard) if kubelet.states_eviction else None,
        "evictionSoft": dict(eviction.soft) or None,
        "evictionSoftGracePeriod": grace or None,
        "evictionMaxPodGracePeriod": eviction.max_pod_grace_seconds,
    }


def _duration(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds}s"
