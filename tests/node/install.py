"""Installs and builds what a real node needs: Debian packages, Kubernetes, containerd.

Run as `python -m tests.node.install`. Every part is kept under `.work/` with a stamp of what it was
made from, so that a second run only compares stamps.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.node.paths import BIN, CLUSTER_SOURCE, PROJECT, WORK

KUBERNETES_VERSION = "v1.36.3"
CONTAINERD_VERSION = "v2.4.2"
GO_VERSION = "1.26.8"
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
PROGRESS_SECONDS = 30
POLICY = Path("/usr/sbin/policy-rc.d")


def install() -> None:
    """Makes everything that a cluster needs present; quick where it is already."""
    check_machine()
    WORK.mkdir(exist_ok=True)
    with (WORK / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_packages()
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


def install_packages() -> None:
    """Installs the Debian packages that are not installed yet."""
    missing = missing_packages(PACKAGES)
    if not missing:
        return
    with services_not_started(), progress(f"installing {', '.join(missing)}"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run_logged("apt", ["apt-get", "update", "-q"], env=environment)
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        run_logged("apt", command, env=environment)


def missing_packages(names: tuple[str, ...]) -> list[str]:
    """The packages that dpkg does not know as installed."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *names]
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


@contextlib.contextmanager
def services_not_started() -> Iterator[None]:
    """Keeps packages from starting services or enabling them for the next boot."""
    before = service_units()
    own_policy = not POLICY.exists()
    if own_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if own_policy:
            POLICY.unlink()
        new = sorted(service_units() - before)
        if new and shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", *new], capture_output=True, check=False)


def service_units() -> set[str]:
    """The service units that packages have brought so far."""
    return {path.name for path in Path("/lib/systemd/system").glob("*.service")}


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


@contextlib.contextmanager
def built_once(name: str, programs: tuple[str, ...], inputs: object) -> Iterator[bool]:
    """Says whether the programs have to be built, and records that they were."""
    BIN.mkdir(exist_ok=True)
    stamp = WORK / f"{name}.stamp"
    wanted = json.dumps(inputs, sort_keys=True)
    present = all((BIN / program).exists() for program in programs)
    stale = not present or not stamp.exists() or stamp.read_text() != wanted
    yield stale
    stamp.write_text(wanted)


def go() -> str:
    """A Go that can build Kubernetes: the machine's, or the official one of its own."""
    found = shutil.which("go")
    if found and go_version(found) >= version_of(GO_VERSION)[:2]:
        return found
    own = WORK / "go/bin/go"
    if not own.exists():
        with progress(f"installing Go {GO_VERSION}"):
            install_go(own.parents[1])
    return str(own)


def install_go(target: Path) -> None:
    """Fetches the official Go as the module that Go publishes its own releases as.

    Debian's Go is too old to build Kubernetes, and new enough to fetch and verify a module.
    """
    with services_not_started():
        run_logged("apt", ["apt-get", "install", "-q", "-y", "golang-go"])
    architecture = subprocess.check_output(["/usr/bin/go", "env", "GOARCH"], text=True).strip()
    module = f"golang.org/toolchain@v0.0.1-go{GO_VERSION}.linux-{architecture}"
    download = ["/usr/bin/go", "mod", "download", "-json", module]
    folder = json.loads(subprocess.check_output(download, cwd=WORK))["Dir"]
    shutil.copytree(folder, target, dirs_exist_ok=True)
    # Module archives carry no permission bits.
    for program in (*target.glob("bin/*"), *target.glob("pkg/tool/*/*")):
        program.chmod(0o755)


def go_version(program: str) -> tuple[int, ...]:
    """The version that a go command says it has."""
    return version_of(subprocess.check_output([program, "env", "GOVERSION"], text=True))


def version_of(text: str) -> tuple[int, ...]:
    """The numbers in a Go version such as `go1.26.8`."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


def go_environment() -> dict[str, str]:
    """The environment in which every Go program here is built."""
    return {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(BIN), "GOTOOLCHAIN": "local"}


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_logged(
    name: str, command: list[str], *, cwd: Path = WORK, env: dict[str, str] | None = None
) -> None:
    """Runs a long command with low priority; its output goes to a log that a failure names."""
    log = WORK / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    nice = ["nice", "-n", "10", *command]
    start = time.monotonic()
    with (
        log.open("a") as output,
        subprocess.Popen(nice, cwd=cwd, env=env, stdout=output, stderr=output) as process,
    ):
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PROGRESS_SECONDS)
                break
            say(f"{' '.join(command[:2])}: {time.monotonic() - start:.0f} s so far")
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(f"tests.node: {' '.join(command[:3])} failed, see {log}:\n{tail}")


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Says when a long step starts, and when it has ended."""
    start = time.monotonic()
    say(f"{what} ...")
    yield
    say(f"{what}: {time.monotonic() - start:.0f} s")


def say(text: str) -> None:
    """Tells the person who waits."""
    print(f"tests.node: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    install()
