"""The control plane: etcd, the API server, the controller-manager and the scheduler."""

import contextlib
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.node.certificates import Authority, new_authority
from tests.node.kubectl import Kubectl
from tests.node.network import Network
from tests.node.paths import BIN
from tests.node.run import Process, Run

SERVICE_ADDRESSES = "198.19.240.0/20"
ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane and the way in."""

    url: str
    authority: Authority
    kubeconfig: Path
    server: Process

    @property
    def kubectl(self) -> Kubectl:
        """The cluster as its administrator."""
        return Kubectl(str(BIN / "kubectl"), self.kubeconfig)


def start_control_plane(run: Run, network: Network) -> ControlPlane:
    """Starts a control plane on the host's address of the network and waits until it is ready."""
    authority = new_authority(run.folder / "certificates")
    url = f"https://{network.host}:{free_port(network.host)}"
    etcd = start_etcd(run)
    server = start_apiserver(run, network, authority, url, etcd)
    wait_until_ready(run, server, f"{url}/readyz", authority)
    start_client(
        run,
        "kube-controller-manager",
        authority,
        url,
        f"--service-account-private-key-file={authority.folder / 'service-accounts.key'}",
        f"--root-ca-file={authority.certificate}",
        "--use-service-account-credentials",
    )
    start_client(run, "kube-scheduler", authority, url)
    administrator = authority.kubeconfig(url, "administrator", group=ADMINISTRATORS)
    plane = ControlPlane(url, authority, administrator, server)
    plane.kubectl.wait_for(
        "the default service account",
        lambda: plane.kubectl.get("serviceaccount", "default"),
    )
    return plane


def start_etcd(run: Run) -> str:
    """Starts etcd on loopback and returns its URL."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    run.start(
        "etcd",
        [
            "etcd",
            f"--data-dir={run.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ],
    )
    return client


def start_apiserver(
    run: Run, network: Network, authority: Authority, url: str, etcd: str
) -> Process:
    """Starts the API server with the admission and authorization of an ordinary cluster."""
    serving = authority.issue("kube-apiserver", addresses=(network.host, "127.0.0.1"))
    to_kubelet = authority.issue("kube-apiserver-to-kubelet", group=ADMINISTRATORS)
    token_key = authority.folder / "service-accounts.key"
    return run.start(
        "kube-apiserver",
        [
            BIN / "kube-apiserver",
            f"--etcd-servers={etcd}",
            f"--bind-address={network.host}",
            f"--advertise-address={network.host}",
            f"--secure-port={url.rpartition(':')[2]}",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--kubelet-client-certificate={to_kubelet.certificate}",
            f"--kubelet-client-key={to_kubelet.key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={token_key}",
            f"--service-account-signing-key-file={token_key}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ],
    )


def start_client(run: Run, name: str, authority: Authority, url: str, *options: str) -> None:
    """Starts a program of the control plane that works through the API server."""
    listen = ("--bind-address=127.0.0.1", f"--secure-port={free_port()}", "--leader-elect=false")
    kubeconfig = authority.kubeconfig(url, f"system:{name}")
    run.start(name, [BIN / name, *listen, f"--kubeconfig={kubeconfig}", *options])


def wait_until_ready(run: Run, server: Process, url: str, authority: Authority) -> None:
    """Waits for the API server, and fails with its last words where it ends."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    deadline = time.monotonic() + 120
    while server.is_running() and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, TimeoutError):
            urllib.request.urlopen(url, context=context, timeout=5).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"the API server did not get ready\n{run.log_tail(server.name)}")


def free_port(address: str = "127.0.0.1") -> int:
    """A port that is free now; the kernel does not give the same one out again soon."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return listener.getsockname()[1]
