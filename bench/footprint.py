"""What a preloader's pods take from a node, as its cgroups count it and its process table shows."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CGROUPS = Path("/sys/fs/cgroup")
# Of cgroup v1 and v2, each with its unit in a second.
CPU_FILES = {"cpuacct.usage": 1e9, "cpu.stat": 1e6}
MEMORY_FILE = "memory.stat"
KERNEL_MEMORY_FILE = "memory.kmem.usage_in_bytes"
MIB = 1024 * 1024
# What a probe starts has ended by one of the looks.
LOOKS, LOOK_SECONDS = 6, 2
SHIM = "containerd-shim"


def held_memory_mib(pods: Sequence[dict[str, Any]]) -> list[float]:
    """Returns the memory of each container that holds an image, the kernel's for it too, in MiB.

    Added up from its parts: the one number of a cgroup has what each processor has reserved for it
    as well, up to 128 KiB (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#usage-in-bytes).
    """
    return [
        _memory_bytes(file) / MIB
        for name, file in _container_files(pods, (MEMORY_FILE,))
        if name != "cleanup"
    ]


def lasting_processes(root: Path) -> dict[int, str]:
    """Returns the names of the processes that stay on the node whose file system this is, by pid.

    Its /proc has those of its containers and their sandboxes too, and none of the machine's.
    """
    seen = _processes(root)
    for _ in range(LOOKS - 1):
        time.sleep(LOOK_SECONDS)
        now = _processes(root)
        seen = {pid: name for pid, name in now.items() if pid in seen}
    return seen


def has_pods(root: Path) -> bool:
    """Whether anything is left of any pod on the node: its shim is the last to go."""
    return any(name.startswith(SHIM) for name in _processes(root).values())


def cpu_percent(pods: Sequence[dict[str, Any]], seconds: float) -> float:
    """Returns what all containers of the pods, and their probes, use of a core meanwhile."""
    before = _cpu_seconds(pods)
    time.sleep(seconds)
    return 100 * (_cpu_seconds(pods) - before) / seconds


def _memory_bytes(file: Path) -> int:
    parts = {name: int(size) for name, size in map(str.split, file.read_text().splitlines())}
    if "anon" in parts:
        return parts["anon"] + parts["file"] + parts["kernel"]
    kernel = int((file.parent / KERNEL_MEMORY_FILE).read_text())
    return parts["rss"] + parts["cache"] + kernel


def _processes(root: Path) -> dict[int, str]:
    names: dict[int, str] = {}
    for comm in root.glob("proc/[0-9]*/comm"):
        # A process may end between both.
        with contextlib.suppress(OSError):
            names[int(comm.parent.name)] = comm.read_text().strip()
    return names


def _cgroup_files(name: str) -> list[Path]:
    # Not by a glob, which fails where a cgroup goes away meanwhile.
    return [Path(place) / name for place, _, files in os.walk(CGROUPS) if name in files]


def _cpu_seconds(pods: Sequence[dict[str, Any]]) -> float:
    return sum(
        # Of cpu.stat it is the first line, `usage_usec N`.
        float(file.read_text().splitlines()[0].split()[-1]) / CPU_FILES[file.name]
        for _, file in _container_files(pods, tuple(CPU_FILES))
    )


def _container_files(
    pods: Sequence[dict[str, Any]], names: Sequence[str]
) -> Iterator[tuple[str, Path]]:
    """Yields each container's name and, in its cgroup, the first of these files that any has."""
    files = next(found for name in names if (found := _cgroup_files(name)))
    for pod in pods:
        for status in pod["status"]["containerStatuses"]:
            container = status["containerID"].rpartition("/")[2]
            yield status["name"], next(file for file in files if container in file.parent.name)
