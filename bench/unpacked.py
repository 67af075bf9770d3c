"""What images take on a real containerd's disk for each compressed byte, which disks are sized by.

The images are of this machine's own software, compressed as registries' images are: text with
Python's standard library, machine code with the system's programs.
"""

import sysconfig
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from shutil import disk_usage

from bench.pairs import Measurement, Pair, summarise
from nodepools.eks.ami_families import UNPACKED_AND_KEPT_RATIO, UNPACKED_RATIO
from tests.agent.containerd import PAUSE, Containerd, run_containerd
from tests.agent.images import TestImage, sleeper

# What Docker and BuildKit compress with.
GZIP_LEVEL = 6
LARGEST_IMAGE_BYTES = 150 * 1024 * 1024
MIB = 1024 * 1024


def measure(largest_image_bytes: int = LARGEST_IMAGE_BYTES) -> list[Measurement]:
    """Returns disk bytes over compressed bytes against the ratios that disks are sized by."""
    with run_containerd() as containerd:
        containerd.add(sleeper(PAUSE))
        taken = [
            _taken(containerd, f"registry.example/{name}:1", files)
            for name, files in (
                ("text", _files(Path(sysconfig.get_path("stdlib")), largest_image_bytes)),
                ("programs", _files(Path("/usr/bin"), largest_image_bytes)),
            )
        ]
        containerd.clear()
    kept = [Pair(disk / compressed, UNPACKED_AND_KEPT_RATIO) for compressed, disk in taken]
    # Where compressed layers are dropped, the disk has them no more.
    unpacked = [
        Pair((disk - compressed) / compressed, UNPACKED_RATIO) for compressed, disk in taken
    ]
    return [
        summarise(name, pairs, lambda pair: pair.ours_over_other, "bytes a byte").as_measurement()
        for name, pairs in (
            ("disk_unpacked_over_default", unpacked),
            ("disk_unpacked_and_kept_over_default", kept),
        )
    ]


def _taken(containerd: Containerd, name: str, files: Mapping[str, bytes]) -> tuple[int, int]:
    """Returns an image's compressed bytes, and those that the disk has less once it is there."""
    free = disk_usage(containerd.disk).free
    built = containerd.add(TestImage(name, files=files, gzip_level=GZIP_LEVEL))
    return built[name].size_bytes, free - disk_usage(containerd.disk).free


def _files(folder: Path, most_bytes: int) -> dict[str, bytes]:
    """Returns the folder's files by path, in order, up to the size of a large layer."""
    sizes = 0

    def fits(path: Path) -> bool:
        nonlocal sizes
        sizes += path.stat().st_size
        return sizes <= most_bytes

    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in takewhile(fits, _regular_files(folder))
    }


def _regular_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and "site-packages" not in path.parts:
            yield path
