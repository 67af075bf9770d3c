"""Whether a stack's cluster answers, before Pulumi waits for it.

Its provider tries a server that refuses connections again for many minutes, and says nothing.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from preloadctl.errors import CommandError
from preloader.plain import Map, is_map, maps_in

SECONDS = 5
# With this the provider takes what was in a cluster that is gone for deleted.
DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
DEFAULT_PORTS = {"https": 443, "http": 80}


def check_cluster(settings: Map, folder: Path) -> None:
    """Raises CommandError where nobody listens at the address of the stack's API server.

    What a proxy, a provider's plug-in or an encrypted setting leaves unknown is left to Pulumi.
    """
    cluster = settings.get("cluster")
    if not is_map(cluster) or cluster.get("kind") != "kubeconfig":
        return
    if DELETE_UNREACHABLE in os.environ:
        return
    server = _server(cluster, folder)
    if server is None:
        return
    address = urlsplit(server)
    try:
        port = address.port or DEFAULT_PORTS.get(address.scheme)
        if address.hostname and port:
            socket.create_connection((address.hostname, port), SECONDS).close()
    except (OSError, ValueError) as error:
        context = cluster.get("context")
        raise CommandError(
            f"the cluster of context {context!r} does not answer at {server}: {error}",
            "Nothing was changed. Where that cluster is gone for good, "
            f"{DELETE_UNREACHABLE}=true with `make down` forgets what was in it.",
        ) from None


def _server(cluster: Map, folder: Path) -> str | None:
    """The URL that the context leads to, unless it is reached by a proxy."""
    if any(os.environ.get(name) for name in PROXIES):
        return None
    configs = list(_configs(cluster.get("kubeconfig"), folder))
    context = _named(configs, "contexts", cluster.get("context")).get("context")
    name = context.get("cluster") if is_map(context) else None
    found = _named(configs, "clusters", name).get("cluster")
    if not is_map(found) or found.get("proxy-url"):
        return None
    server = found.get("server")
    return server if isinstance(server, str) else None


def _configs(kubeconfig: object, folder: Path) -> Iterator[Map]:
    """The stack file's kubeconfig, by path or content, or else those that kubectl reads."""
    given = kubeconfig if isinstance(kubeconfig, str) and kubeconfig else None
    if given and "\n" in given:
        texts = [given]
    else:
        paths = given or os.environ.get("KUBECONFIG") or "~/.kube/config"
        files = [folder / Path(path).expanduser() for path in paths.split(os.pathsep) if path]
        texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    for text in texts:
        try:
            config: object = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        if is_map(config):
            yield config


def _named(configs: list[Map], kind: str, name: object) -> Map:
    """The first entry of this name, as kubectl merges several files."""
    for config in configs:
        for entry in maps_in(config.get(kind)):
            if entry.get("name") == name:
                return entry
    return {}
