"""The kubeconfig of a stack, of which its settings give the path or the content."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from preloader.plain import Map, map_or_empty, maps_in
from preloader.yaml_values import InvalidYaml, read_yaml


def kubeconfig_cluster(settings: Map) -> Map | None:
    """Returns the cluster of the settings where a kubeconfig leads to it."""
    cluster = map_or_empty(settings.get("cluster"))
    return cluster if cluster.get("kind") == "kubeconfig" else None


def kubeconfig_path(cluster: Map) -> str | None:
    """Returns the path of the cluster's kubeconfig; None where it is the user's, or a content."""
    given = cluster.get("kubeconfig")
    return given if isinstance(given, str) and given and not _parsed(given) else None


def find_server(cluster: Map, folder: Path) -> Map:
    """Returns what the kubeconfig says of the context's API server; nothing where it is unknown."""
    configs = list(_configs(cluster, folder))
    context = map_or_empty(_named(configs, "contexts", cluster.get("context")).get("context"))
    return map_or_empty(_named(configs, "clusters", context.get("cluster")).get("cluster"))


def _configs(cluster: Map, folder: Path) -> Iterator[Map]:
    """The stack file's kubeconfig, by path or content, or else those that kubectl reads."""
    given = cluster.get("kubeconfig")
    if isinstance(given, str) and (content := _parsed(given)):
        yield content
        return
    paths = kubeconfig_path(cluster) or os.environ.get("KUBECONFIG") or "~/.kube/config"
    for path in filter(None, paths.split(os.pathsep)):
        try:
            yield _parsed((folder / Path(path).expanduser()).read_text(encoding="utf-8"))
        except (OSError, ValueError, RuntimeError):
            continue


def _parsed(text: str) -> Map:
    try:
        return map_or_empty(read_yaml(text))
    except InvalidYaml:
        return {}


def _named(configs: Sequence[Map], kind: str, name: object) -> Map:
    """The first entry of this name, as kubectl merges several files."""
    for config in configs:
        for entry in maps_in(config.get(kind)):
            if entry.get("name") == name:
                return entry
    return {}
