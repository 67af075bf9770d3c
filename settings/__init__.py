"""The stack file: what it may say, and everything that is wrong with one."""

from settings.load import load
from settings.models import (
    Cluster,
    EksCluster,
    KubeconfigCluster,
    Pool,
    RenderedCluster,
    Settings,
)

__all__ = [
    "Cluster",
    "EksCluster",
    "KubeconfigCluster",
    "Pool",
    "RenderedCluster",
    "Settings",
    "load",
]
