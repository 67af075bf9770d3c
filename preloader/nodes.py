"""The nodes of a pool as Kubernetes sees them: their labels and taints, and who may run there.

The syntax is that of https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ and
of k8s.io/apimachinery's validation, which taints share.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict

from preloader.problems import Problem, check_choice, join

# https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch
ARCHITECTURE_LABEL = "kubernetes.io/arch"
DNS_LABEL_MAX_LENGTH = 63
_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_DNS_SUBDOMAIN = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")
_DNS_SUBDOMAIN_MAX_LENGTH = 253
_QUALIFIED_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_QUALIFIED_NAME_MAX_LENGTH = 63
_NAME_RULE = "letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"


class Architecture(StrEnum):
    """Processors of a pool's nodes, as images and the label kubernetes.io/arch name them."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TaintArgs(TypedDict):
    key: str
    """Key of the taint."""
    value: NotRequired[str]
    """Value of the taint. Default: none."""
    effect: TaintEffect
    """What the taint does: NoSchedule, PreferNoSchedule or NoExecute."""


@dataclass(frozen=True, slots=True, order=True)
class Taint:
    """A taint of a pool's nodes."""

    key: str
    value: str
    effect: TaintEffect


def parse_taints(taints: Sequence[TaintArgs]) -> tuple[Taint, ...]:
    """Returns checked taints in the order written."""
    return tuple(
        Taint(taint["key"], taint.get("value", ""), TaintEffect(taint["effect"]))
        for taint in taints
    )


def check_labels(path: str, labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yields what Kubernetes would refuse in the node labels `labels`."""
    for key, value in labels.items():
        yield from _check_key(join(path, key), key)
        yield from _check_value(join(path, key), value)


def check_taints(path: str, taints: Sequence[TaintArgs]) -> Iterator[Problem]:
    """Yields what Kubernetes would refuse in the node taints `taints`."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        at = f"{path}[{index}]"
        yield from _check_key(f"{at}.key", taint["key"])
        yield from _check_value(f"{at}.value", taint.get("value", ""))
        otherwise = ", or the cluster refuses the taint"
        yield from check_choice(f"{at}.effect", taint["effect"], TaintEffect, otherwise)
        identity = (taint["key"], taint["effect"])
        if identity in seen:
            yield Problem(
                at, f"{identity[0]}:{identity[1]}", "a node has one taint a key and effect"
            )
        seen.add(identity)


def check_dns_label(
    path: str, value: str, max_length: int = DNS_LABEL_MAX_LENGTH
) -> Iterator[Problem]:
    """Yields a problem unless `value` is a DNS label of at most `max_length` characters."""
    if not re.fullmatch(_DNS_LABEL, value):
        yield Problem(
            path,
            value,
            "must be lower-case letters, digits and '-', and begin and end with a letter or digit",
        )
    if len(value) > max_length:
        yield Problem(
            path, value, f"has {len(value)} characters; at most {max_length} are accepted"
        )


def check_dns_subdomain(path: str, value: str) -> Iterator[Problem]:
    """Yields a problem unless `value` can be the name of a Kubernetes object."""
    if len(value) > _DNS_SUBDOMAIN_MAX_LENGTH or not _DNS_SUBDOMAIN.fullmatch(value):
        yield Problem(
            path,
            value,
            f"must be at most {_DNS_SUBDOMAIN_MAX_LENGTH} lower-case letters, digits, '-' and '.', "
            "each part beginning and ending with a letter or digit",
        )


def _check_key(path: str, key: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _DNS_SUBDOMAIN_MAX_LENGTH or not _DNS_SUBDOMAIN.fullmatch(prefix)):
        yield Problem(path, key, f"prefix {prefix!r} of the key must be a DNS name")
    if not _is_qualified_name(name):
        yield Problem(
            path,
            key,
            f"key {name!r} must be 1 to {_QUALIFIED_NAME_MAX_LENGTH} {_NAME_RULE}",
        )


def _check_value(path: str, value: str) -> Iterator[Problem]:
    if value and not _is_qualified_name(value):
        yield Problem(
            path, value, f"must be empty or at most {_QUALIFIED_NAME_MAX_LENGTH} {_NAME_RULE}"
        )


def _is_qualified_name(text: str) -> bool:
    return len(text) <= _QUALIFIED_NAME_MAX_LENGTH and bool(_QUALIFIED_NAME.fullmatch(text))
