"""When the kubelet evicts: its thresholds, and the line above which it deletes every unused image.

Under disk pressure the kubelet deletes all unused images before it evicts a pod, whatever its image
garbage collection is set to. The syntax is that of
https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nodepools.consequences import NO_NODE
from nodepools.kubelet.args import EvictionArgs
from preloader.problems import Problem, check_keys, check_range, join

SIGNALS = (
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "pid.available",
)
# With images and writable layers on one disk, either of them fires.
DISK_SIGNALS = ("nodefs.available", "imagefs.available")

BYTES_PER_GIB = 1024**3
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{prefix}i": 1024**power for power, prefix in enumerate("KMGT", start=1)
}
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([KMGT]i|[kMGT]|)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What has to stay free: a share of the whole, or an amount."""

    percent: float = 0.0
    amount: float = 0.0

    def of(self, whole: float) -> float:
        """What has to stay free of `whole`, in its unit."""
        return self.amount + whole * self.percent / 100


# The kubelet passes over 0 % and 100 %.
NEVER_IN_TIME = (Threshold(), Threshold(percent=100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """The thresholds of a node, the defaults of its operating system among the hard ones."""

    hard: Mapping[str, str]
    soft: Mapping[str, str] = field(default_factory=dict[str, str])
    soft_grace_seconds: Mapping[str, int] = field(default_factory=dict[str, int])
    max_pod_grace_seconds: int | None = None


def parse_eviction(args: EvictionArgs, defaults: Mapping[str, str]) -> Eviction:
    """Returns checked thresholds on top of the operating system's."""
    return Eviction(
        hard={**defaults, **args.get("hard", {})},
        soft=args.get("soft", {}),
        soft_grace_seconds=args.get("soft_grace_seconds", {}),
        max_pod_grace_seconds=args.get("max_pod_grace_seconds"),
    )


def free_bytes_at_eviction(eviction: Eviction, disk_bytes: int) -> int:
    """How much is free on the images' disk when the first threshold is met; 0 for none.

    Thresholds of inodes are not looked at: how many an image takes cannot be told from its size.
    """
    limits = _disk_thresholds(eviction)
    return math.ceil(max((limit.of(disk_bytes) for limit in limits), default=0))


def eviction_percent(eviction: Eviction, disk_bytes: int) -> int:
    """Disk use in percent at which the kubelet deletes every unused image; 100 for never."""
    limits = _disk_thresholds(eviction)
    shares = (limit.percent + 100 * limit.amount / disk_bytes for limit in limits)
    return math.floor(100 - max(shares, default=0))


def check_eviction(path: str, args: EvictionArgs, defaults: Mapping[str, str]) -> Iterator[Problem]:
    """Yields what the kubelet would not start with, or would not do what is meant."""
    yield from check_keys(path, args, EvictionArgs.__annotations__)
    hard, soft = args.get("hard", {}), args.get("soft", {})
    grace = args.get("soft_grace_seconds", {})
    yield from _check_thresholds(f"{path}.hard", hard)
    yield from _check_thresholds(f"{path}.soft", soft)
    yield from _check_signals(f"{path}.soft_grace_seconds", grace)
    for signal in sorted(soft.keys() - grace.keys()):
        yield Problem(
            f"{path}.soft_grace_seconds",
            dict(grace),
            f"needs {signal}, which soft has a threshold for{NO_NODE}",
        )
    for signal, seconds in grace.items():
        at = join(f"{path}.soft_grace_seconds", signal)
        if seconds < 0:
            yield Problem(at, seconds, f"must be 0 or more{NO_NODE}")
        if signal in SIGNALS and signal not in soft:
            yield Problem(at, seconds, "is of no use: soft has no threshold for this signal")
    yield from _check_soft_is_first(f"{path}.soft", soft, {**defaults, **hard})
    yield from _check_max_pod_grace(path, args)


def _check_thresholds(path: str, thresholds: Mapping[str, str]) -> Iterator[Problem]:
    yield from _check_signals(path, thresholds)
    for signal, text in thresholds.items():
        at = join(path, signal)
        threshold = parse_threshold(text)
        if threshold is None:
            yield Problem(at, text, f"must be such as 10% or 500Mi{NO_NODE}")
        elif threshold.percent > 100:  # noqa: PLR2004 a share
            yield Problem(at, text, f"must be at most 100%{NO_NODE}")
        elif signal in DISK_SIGNALS and threshold in NEVER_IN_TIME:
            yield Problem(
                at,
                text,
                "must be above 0 and below 100%: otherwise nothing is evicted before the disk is "
                "full, and then neither the kubelet nor the container runtime can write",
            )
        elif threshold == Threshold():
            yield Problem(at, text, f"must be above 0{NO_NODE}")


def _check_signals(path: str, by_signal: Mapping[str, object]) -> Iterator[Problem]:
    for signal, value in by_signal.items():
        if signal not in SIGNALS:
            yield Problem(
                join(path, signal), value, f"the signals are {', '.join(SIGNALS)}{NO_NODE}"
            )


def _check_soft_is_first(
    path: str, soft: Mapping[str, str], hard: Mapping[str, str]
) -> Iterator[Problem]:
    for signal in sorted(soft.keys() & hard.keys()):
        early, late = parse_threshold(soft[signal]), parse_threshold(hard[signal])
        if early is None or late is None or bool(early.percent) != bool(late.percent):
            continue
        if early.of(1) <= late.of(1):
            yield Problem(
                join(path, signal),
                soft[signal],
                f"must leave more free than the hard threshold ({hard[signal]}), or it never fires",
            )


def _check_max_pod_grace(path: str, args: EvictionArgs) -> Iterator[Problem]:
    seconds = args.get("max_pod_grace_seconds")
    if seconds is None:
        return
    at = f"{path}.max_pod_grace_seconds"
    yield from check_range(at, seconds, 0, 2**31 - 1, NO_NODE)
    if not args.get("soft"):
        yield Problem(at, seconds, "is of no use without soft: hard thresholds kill at once")


def parse_threshold(text: str) -> Threshold | None:
    """Returns the threshold that `text` writes, amounts in bytes; None where it writes none."""
    if match := _PERCENT.fullmatch(text):
        return Threshold(percent=float(match[1]))
    if match := _QUANTITY.fullmatch(text):
        return Threshold(amount=float(match[1]) * _UNITS[match[2]])
    return None


def _disk_thresholds(eviction: Eviction) -> Iterator[Threshold]:
    for thresholds in (eviction.hard, eviction.soft):
        for signal in DISK_SIGNALS:
            threshold = parse_threshold(thresholds.get(signal, "0%"))
            if threshold is not None:
                yield threshold
