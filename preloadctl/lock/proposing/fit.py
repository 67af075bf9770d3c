"""Whether a workload's pods belong on a pool, by the rules of Kubernetes' scheduler.

Of a pool's nodes the labels and taints are known that the pool states, and what every Linux node of
its architecture carries; any other label is taken as missing.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from preloadctl.lock.images import Pool
from preloadctl.lock.proposing.workloads import Workload
from preloader.nodes import ARCHITECTURE_LABEL, TaintEffect
from preloader.plain import Map, is_list, map_or_empty, maps_in

OS_LABEL = "kubernetes.io/os"
KEEPS_OUT = (TaintEffect.NO_SCHEDULE, TaintEffect.NO_EXECUTE)

Labels = Mapping[str, str]


class Fit(StrEnum):
    """What a pool is to a workload."""

    ITS_OWN = "its own"
    """A pod runs there, or the workload asks for one of the pool's labels."""
    POSSIBLE = "possible"
    """It may run there, as it may elsewhere."""
    NONE = "none"


def fit(workload: Workload, pool: Pool, nodes: Mapping[str, Labels]) -> Fit:
    """Returns what the pool is to the workload; `nodes` are the labels of nodes that are known.

    A pool without labels is the whole cluster: some of its nodes carry what a workload asks for.
    """
    if workload.node in nodes:
        labels = nodes[workload.node]
        runs = all(labels.get(key) == value for key, value in pool.node_labels.items())
        return Fit.ITS_OWN if runs else Fit.NONE
    if not _tolerates(workload.pod, pool):
        return Fit.NONE
    known = {OS_LABEL: "linux", ARCHITECTURE_LABEL: pool.architecture, **pool.node_labels}
    choices = [
        each
        for each in _choices(workload.pod)
        if all(_meets(known, one) for one in each if pool.node_labels or one.get("key") in known)
    ]
    if not choices:
        return Fit.NONE
    asked = {one.get("key") for each in choices for one in each if one.get("operator") in ASKING}
    return Fit.ITS_OWN if not pool.node_labels or asked & set(pool.node_labels) else Fit.POSSIBLE


def _choices(pod: Map) -> list[list[Map]]:
    """Returns alternatives, of each of which a node has to meet every requirement."""
    selector = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in map_or_empty(pod.get("nodeSelector")).items()
    ]
    affinity = map_or_empty(map_or_empty(pod.get("affinity")).get("nodeAffinity"))
    required = map_or_empty(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
    terms = maps_in(required.get("nodeSelectorTerms"))
    if not terms:
        return [selector]
    # A term that requires nothing is met by no node.
    return [[*selector, *requirements] for term in terms if (requirements := _requirements(term))]


def _requirements(term: Map) -> list[Map]:
    # The only field that can be asked for is a node's name, and none of a pool's is known.
    fields: list[Map] = [{"operator": "In"} for _ in _list(term.get("matchFields"))]
    expressions = maps_in(term.get("matchExpressions"))
    return [*fields, *expressions]


def _meets(labels: Labels, requirement: Map) -> bool:
    matches = OPERATORS.get(str(requirement.get("operator")))
    values = [str(value) for value in _list(requirement.get("values"))]
    return matches is not None and matches(labels.get(str(requirement.get("key"))), values)


def _compares(value: str | None, values: Sequence[str], sign: int) -> bool:
    try:
        return value is not None and (int(value) - int(values[0])) * sign > 0
    except (ValueError, IndexError):
        return False


OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _compares(value, values, 1),
    "Lt": lambda value, values: _compares(value, values, -1),
}
# Those that name what a node has to have.
ASKING = ("In", "Exists", "Gt", "Lt")


def _tolerates(pod: Map, pool: Pool) -> bool:
    tolerations = maps_in(pod.get("tolerations"))
    taints = [taint for taint in pool.node_taints if taint["effect"] in KEEPS_OUT]
    return all(_tolerated(taint, tolerations) for taint in taints)


def _tolerated(taint: Map, tolerations: Iterable[Map]) -> bool:
    return any(
        each.get("effect") in (None, "", taint["effect"])
        and (each.get("key") or taint["key"]) == taint["key"]
        and (
            each.get("operator") == "Exists"
            or (each.get("key") and (each.get("value") or "") == taint.get("value", ""))
        )
        for each in tolerations
    )


def _list(value: object) -> list[Any]:
    return value if is_list(value) else []
