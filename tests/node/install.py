"""Installs and builds what a real node needs: Debian packages, Kubernetes, containerd.

Run as `python -m tests.node.install`. Every part is kept under `.work/` with a stamp of what it was
made from, so that a second run only compares stamps.
"""

import os
import shutil
import sys

from tests.builds import BIN, PROJECT, built_once, digest, one_at_a_time, progress, run_logged
from tests.debian import install_packages
from tests.golang import go, go_environment
from tests.node.paths import CLUSTER_SOURCE

KUBERNETES_VERSION = "v1.36.3"
CONTAINERD_VERSION = "v2.4.2"
KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
)
CONTAINERD_PROGRAMS = ("containerd", "ctr", "containerd-shim-runc-v2")
PACKAGES = (
    "busybox-static",
    "ca-certificates",
    "containernetworking-plugins",
    "docker-registry",
    "etcd-server",
    "e2fsprogs",
    "iproute2",
    "libnginx-mod-http-echo",
    "libpython3.11-stdlib",
    "nginx-light",
    "openssl",
    "python3.11-minimal",
    "runc",
    "tini",
    "tzdata",
    "util-linux",
)
# A node binds its own folders over these (see node.py).
HIDDEN_ON_A_NODE = ("/run", "/var/lib", "/var/log")


def install() -> None:
    """Makes everything that a cluster needs present; quick where it is already."""
    check_machine()
    with one_at_a_time():
        install_packages(PACKAGES)
        build_containerd()
        build_kubernetes()


def check_machine() -> None:
    """Refuses, before anything is changed, a machine on which no node would start."""
    problems = []
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        problems.append("a Debian (or Debian-like) Linux is needed")
    elif os.geteuid() != 0:
        problems.append("root is needed: a kubelet makes mounts, cgroups and network namespaces")
    hidden = [path for path in HIDDEN_ON_A_NODE if PROJECT.is_relative_to(path)]
    if hidden:
        problems.append(f"the project must not be below {hidden[0]}: a node covers that folder")
    if problems:
        raise SystemExit("tests.node: " + "; ".join(problems))


def build_containerd() -> None:
    """Builds containerd, its client and its shim at the pinned version."""
    module = "github.com/containerd/containerd/v2"
    programs = [f"{module}/cmd/{name}@{CONTAINERD_VERSION}" for name in CONTAINERD_PROGRAMS]
    version = f"-s -w -X {module}/version.Version={CONTAINERD_VERSION}"
    flags = ["-tags", "no_btrfs,no_zfs,no_devmapper", "-ldflags", version]
    with built_once("containerd", CONTAINERD_PROGRAMS, {"version": CONTAINERD_VERSION}) as stale:
        if stale:
            with progress(f"building containerd {CONTAINERD_VERSION} (about 2 minutes at first)"):
                run_logged("containerd", [go(), "install", *flags, *programs], env=go_environment())


def build_kubernetes() -> None:
    """Builds the Kubernetes programs as one binary with a link for each name."""
    package = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    values = {"gitVersion": KUBERNETES_VERSION, "gitMajor": major, "gitMinor": minor}
    version = " ".join(f"-X {package}.{name}={value}" for name, value in values.items())
    flags = ["-trimpath", "-ldflags", f"-s -w {version}"]
    sources = {path.name: digest(path) for path in sorted(CLUSTER_SOURCE.iterdir())}
    inputs = {"flags": flags, "sources": sources}
    with built_once("kubernetes", (*KUBERNETES_PROGRAMS, "cluster"), inputs) as stale:
        if not stale:
            return
        with progress(f"building Kubernetes {KUBERNETES_VERSION} (about 10 minutes at first)"):
            command = [go(), "build", *flags, "-o", str(BIN / "cluster"), "."]
            run_logged("kubernetes", command, cwd=CLUSTER_SOURCE, env=go_environment())
        for name in KUBERNETES_PROGRAMS:
            (BIN / name).unlink(missing_ok=True)
            (BIN / name).symlink_to("cluster")


if __name__ == "__main__":
    install()
