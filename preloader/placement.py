"""On which nodes the pods of a pool run, and whose images they may pull."""

from dataclasses import dataclass

from preloader.args import Tolerate
from preloader.nodes import Taint


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The nodes of a pool by what Kubernetes knows of them, and the pull secrets used there."""

    node_labels: tuple[tuple[str, str], ...]
    node_taints: tuple[Taint, ...]
    tolerate: Tolerate
    image_pull_secrets: tuple[str, ...]
