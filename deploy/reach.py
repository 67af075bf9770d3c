"""Whether a stack's cluster answers, before Pulumi waits for it.

Its provider tries a server that refuses connections again for many minutes, and says nothing.
"""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from deploy.kubeconfig import find_server, kubeconfig_cluster
from preloadctl.errors import CommandError
from preloader.plain import Map

SECONDS = 5
# With this the provider takes what was in a cluster that is gone for deleted.
DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
DEFAULT_PORTS = {"https": 443, "http": 80}


def check_cluster(settings: Map, folder: Path) -> None:
    """Raises CommandError where nobody listens at the address of the stack's API server.

    What a proxy, a provider's plug-in or an encrypted setting leaves unknown is left to Pulumi.
    """
    cluster = kubeconfig_cluster(settings)
    if cluster is None or DELETE_UNREACHABLE in os.environ:
        return
    if any(os.environ.get(name) for name in PROXIES):
        return
    found = find_server(cluster, folder)
    server = found.get("server")
    if not isinstance(server, str) or found.get("proxy-url"):
        return
    try:
        address = urlsplit(server)
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
