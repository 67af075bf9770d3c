"""On which nodes the pods of a pool run, and whose images they may pull."""

from collections.abc import Iterator
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
from preloader.problems import Problem, check_choice


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
    yield from check_labels("node_labels", args.get("node_labels", {}))
    yield from check_taints("node_taints", args.get("node_taints", []))
    yield from check_choice("tolerate", args.get("tolerate", Tolerate.POOL_TAINTS), Tolerate)
    for index, name in enumerate(args.get("image_pull_secrets", [])):
        yield from check_dns_subdomain(f"image_pull_secrets[{index}]", name)


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
