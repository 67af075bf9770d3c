"""How full the file system is that holds the images."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# A container's root is kept where its image is: statfs of an overlay is that of its upper layer.
# https://github.com/torvalds/linux/blob/master/fs/overlayfs/super.c, ovl_statfs
OWN_ROOT = "/"


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system as the kubelet counts it, in bytes: what is reserved for root is not free."""

    path: str
    size: int
    free: int

    @property
    def used_percent(self) -> float:
        return 100 * (1 - self.free / self.size) if self.size else 0.0


def find_image_filesystem(directories: Iterable[str]) -> str:
    """Returns a path on the file system of the images.

    `directories` are the runtime's own, which only a process outside of a container sees.
    """
    return next((path for path in directories if Path(path).is_dir()), OWN_ROOT)


def measure(path: str) -> Disk:
    """Raises OSError."""
    state = os.statvfs(path)
    return Disk(path, state.f_blocks * state.f_frsize, state.f_bavail * state.f_frsize)
