"""On which nodes the pods of a pool run, and whose images they may pull."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NotRequired

from typing_extensions import TypedDict

from preloader.args import Tolerate
from preloader.nodes import (
    ARCHITECTURE_LABEL,
    Architecture,
    Taint,
    TaintArgs,
    check_dns_subdomain,
    check_labels,
    check_taints,
    parse_taints,
)
from preloader.problems import Problem, check_choice, check_unique

OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
LINUX = "linux"
# Nodes that run pods somewhere else have no images of their own to keep.
NODES_WITHOUT_IMAGES = {
    "eks.amazonaws.com/compute-type": "fargate",
    "type": "virtual-kubelet",
}


class PlacementArgs(TypedDict):
    """The part of a component's inputs that says where its pods run."""

    node_labels: NotRequired[dict[str, str]]
    node_taints: NotRequired[list[TaintArgs]]
    tolerate: NotRequired[Tolerate]
    image_pull_secrets: NotRequired[list[str]]


class ProcessorArgs(TypedDict):
    """The part of a component's inputs that says which processors its nodes have."""

    node_labels: NotRequired[dict[str, str]]
    architecture: NotRequired[Architecture]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The nodes of a pool by what Kubernetes knows of them, and the pull secrets used there."""

    node_labels: tuple[tuple[str, str], ...]
    node_taints: tuple[Taint, ...]
    tolerate: Tolerate
    image_pull_secrets: tuple[str, ...]


def placement(args: PlacementArgs) -> Placement:
    """Returns the placement that inputs without problems ask for."""
    return Placement(
        node_labels=tuple(sorted(args.get("node_labels", {}).items())),
        node_taints=parse_taints(args.get("node_taints", [])),
        tolerate=Tolerate(args.get("tolerate", Tolerate.POOL_TAINTS)),
        image_pull_secrets=tuple(args.get("image_pull_secrets", [])),
    )


def check_placement(args: PlacementArgs) -> Iterator[Problem]:
    """Yields every problem of a placement's inputs."""
    labels = args.get("node_labels", {})
    yield from check_labels("node_labels", labels)
    yield from _check_nodes_have_images(labels)
    yield from check_taints("node_taints", args.get("node_taints", []))
    yield from check_choice("tolerate", args.get("tolerate", Tolerate.POOL_TAINTS), Tolerate)
    secrets = args.get("image_pull_secrets", [])
    for index, name in enumerate(secrets):
        yield from check_dns_subdomain(f"image_pull_secrets[{index}]", name)
    yield from check_unique("image_pull_secrets", secrets)


def _check_nodes_have_images(labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yields labels of nodes on which no pod of the preloader may run."""
    for key in OS_LABELS:
        if labels.get(key, LINUX) != LINUX:
            accepted = f"must be {LINUX}: the preloader's pods run on no other nodes"
            yield Problem(f"node_labels.{key}", labels[key], accepted)
    for key, value in NODES_WITHOUT_IMAGES.items():
        if labels.get(key) == value:
            accepted = (
                "such nodes keep no images of their own, so no pod of the preloader runs there"
            )
            yield Problem(f"node_labels.{key}", value, accepted)


def architecture(args: ProcessorArgs) -> str:
    """Returns the architecture of the pool's nodes, by which its images are locked."""
    by_label = args.get("node_labels", {}).get(ARCHITECTURE_LABEL, Architecture.AMD64)
    return args.get("architecture", by_label)


def check_architecture(args: ProcessorArgs) -> Iterator[Problem]:
    """Yields a problem where it is not one of those known, or not that of the pool's nodes."""
    given = args.get("architecture")
    by_label = args.get("node_labels", {}).get(ARCHITECTURE_LABEL)
    if given is not None:
        yield from check_choice("architecture", given, Architecture)
    if given is not None and by_label is not None and given != by_label:
        accepted = f"must be {by_label}, which the label {ARCHITECTURE_LABEL} says; leave one out"
        yield Problem("architecture", given, accepted)
