"""A node: a real containerd and kubelet in namespaces of their own.

As in kind, a node has its own PID 1, network, host name and mounts. So what it runs has the
ordinary paths (`/run/containerd`, `/var/lib/kubelet`), and all of it ends when PID 1 does.
"""

import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.node.configuration import (
    SOCKET,
    Taint,
    write_containerd_config,
    write_kubelet_config,
)
from tests.node.control_plane import ControlPlane
from tests.node.forget import image_digests
from tests.node.network import Network, connect, disconnect
from tests.node.paths import BIN
from tests.node.run import SEARCH_PATH, Process, Run, make_cgroup, remove_cgroup

NODES_GROUP = "system:nodes"
# Covered on a node by folders of its own.
OWN_FOLDERS = ("run", "var/lib", "var/log")


@dataclass(frozen=True)
class NodeSpec:
    """What a node is to be."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    kubelet_config: Mapping[str, Any] = field(default_factory=dict)
    """Overrides of the fields of the kubelet's configuration."""
    image_filesystem_mib: int | None = None
    """The size of a file system that holds nothing but images; None for the machine's own."""


@dataclass(frozen=True)
class Site:
    """What all nodes of a cluster share."""

    run: Run
    network: Network
    registry: str
    plane: ControlPlane


class Node:
    """A node that can be started, broken, and started again with the same disk."""

    def __init__(self, site: Site, number: int, spec: NodeSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.folder = site.run.folder / "nodes" / spec.name
        self._run = site.run
        self._network = site.network
        self._number = number
        self._processes: dict[str, Process] = {}
        for folder in OWN_FOLDERS:
            (self.folder / folder).mkdir(parents=True)
        authority = site.plane.authority
        write_containerd_config(self.folder, site.registry)
        write_kubelet_config(
            self.folder,
            authority=authority.certificate,
            cgroup=self.cgroup,
            taints=spec.taints,
            own=spec.kubelet_config,
        )
        user = f"system:node:{self.name}"
        self._kubeconfig = authority.kubeconfig(site.plane.url, user, group=NODES_GROUP)

    @property
    def address(self) -> str:
        """Its address, which the API server uses for logs and exec."""
        return self._network.node(self._number)

    @property
    def cgroup(self) -> str:
        """The cgroup of its pods: a kubelet removes what it finds in its own and does not know."""
        return f"{self._network.bridge}-{self.name}"

    @property
    def root(self) -> Path:
        """The node's file system as seen from outside, while it is up."""
        return Path(f"/proc/{self._processes['init'].pid}/root")

    @property
    def containerd_socket(self) -> Path:
        """The socket of its containerd, from outside."""
        return self.folder / SOCKET.lstrip("/")

    def boot(self) -> None:
        """Starts the node; after a kill, with the disk it had and an empty /run."""
        shutil.rmtree(self.folder / "run")
        (self.folder / "run").mkdir()
        make_cgroup(self._run, self.cgroup)
        self._processes["init"] = self._start_init()
        connect(self._network, self._number, self._processes["init"].pid)
        self.start_containerd()
        self.start_kubelet()

    def kill(self) -> None:
        """Ends everything on the node at once, as a power cut does; its disk stays."""
        init = self._processes["init"]
        self._run.stop(init, by=signal.SIGKILL)
        for process in self._processes.values():
            self._run.stop(process, by=signal.SIGKILL)
        self._processes.clear()
        disconnect(self._network, self._number)
        remove_cgroup(self.cgroup)

    def discard(self) -> None:
        """Removes the disk of a node that has been killed."""
        shutil.rmtree(self.folder)

    def start_containerd(self) -> None:
        """Starts containerd and waits until it answers."""
        config = self.folder / "containerd.toml"
        self._start("containerd", BIN / "containerd", "--config", config)
        deadline = time.monotonic() + 30
        while not (self.containerd_socket.exists() and self._ctr("version").returncode == 0):
            if time.monotonic() > deadline:
                log = self._run.log_tail(f"{self.name}-containerd")
                raise RuntimeError(f"containerd of node {self.name} does not answer\n{log}")
            time.sleep(0.1)

    def start_kubelet(self) -> None:
        """Starts the kubelet; it registers the node."""
        labels = ",".join(f"{key}={value}" for key, value in self.spec.labels.items())
        self._start(
            "kubelet",
            BIN / "kubelet",
            f"--config={self.folder / 'kubelet.json'}",
            f"--kubeconfig={self._kubeconfig}",
            f"--hostname-override={self.name}",
            f"--node-ip={self.address}",
            f"--node-labels={labels}",
        )

    def stop_containerd(self) -> None:
        """Stops containerd; containers go on."""
        self._stop("containerd")

    def stop_kubelet(self) -> None:
        """Stops the kubelet; containers go on."""
        self._stop("kubelet")

    def ctr(self, *arguments: str) -> str:
        """Runs ctr on the node, in the namespace that holds Kubernetes' images."""
        result = self._ctr(*arguments)
        if result.returncode:
            raise RuntimeError(f"ctr {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout

    def image_digests(self) -> dict[str, str]:
        """Every image reference on the node, a bare `sha256:` ID too, and the digest it means."""
        return image_digests(self)

    def _start_init(self) -> Process:
        """Starts PID 1 of a new set of namespaces, with the node's folders in place."""
        binds = [f"mount --bind {self.folder / path} /{path}" for path in OWN_FOLDERS]
        script = "; ".join(
            (
                "mount --make-rslave /",
                *binds,
                *image_filesystem(self.folder, self.spec.image_filesystem_mib),
                # Mounts that a container asks for must reach it: as on a node's own boot.
                "mount --make-rshared /",
                f"hostname {self.name}",
                "exec tini -- sleep infinity",
            )
        )
        namespaces = ("--pid", "--mount-proc", "--net", "--mount", "--uts", "--ipc")
        command = ("unshare", *namespaces, "--fork", "--kill-child", "sh", "-ec", script)
        process = self._run.start(f"{self.name}-init", command, wraps=True)
        comm = Path(f"/proc/{process.pid}/comm")
        deadline = time.monotonic() + 10
        while not (process.is_running() and comm.read_text().strip() == "tini"):
            if time.monotonic() > deadline or not process.is_running():
                raise RuntimeError(self._run.log_tail(f"{self.name}-init"))
            time.sleep(0.02)
        return process

    def _start(self, name: str, *command: str | Path) -> None:
        """Starts a program in the node's namespaces."""
        inside = self._enter("--mount", "--uts", "--ipc", "--net", "--pid")
        self._processes[name] = self._run.start(
            f"{self.name}-{name}", [*inside, *command], wraps=True
        )

    def _stop(self, name: str) -> None:
        """Stops one program of the node and waits for its end."""
        self._run.stop(self._processes.pop(name))

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs ctr on the node, whatever comes of it."""
        command = [*self._enter("--mount"), BIN / "ctr", "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _enter(self, *namespaces: str) -> list[str]:
        """The words before a command that make it run on the node."""
        target = str(self._processes["init"].pid)
        return ["nsenter", "--target", target, *namespaces, "--", "env", f"PATH={SEARCH_PATH}"]


def image_filesystem(folder: Path, size_mib: int | None) -> list[str]:
    """The commands that put the node's images on a file system of their own, if it has one."""
    if size_mib is None:
        return []
    file = folder / "images.ext4"
    mount = f"mkdir -p /var/lib/containerd; mount -o loop {file} /var/lib/containerd"
    if not file.exists():
        with file.open("wb") as empty:
            empty.truncate(size_mib * 1024 * 1024)
        # No blocks set aside for root: what the kubelet sees as free is all there is.
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", file], check=True, capture_output=True)
    return [mount]
