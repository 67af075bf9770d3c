"""The stack file: what it may say, and everything that is wrong with one."""

from settings.clusters import Cluster, EksCluster, KubeconfigCluster, RenderedCluster
from settings.load import load
from settings.models import Pool, Settings

__all__ = [
    "Cluster",
    "EksCluster",
    "KubeconfigCluster",
    "Pool",
    "RenderedCluster",
    "Settings",
    "load",
]
