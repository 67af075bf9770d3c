"""Container images from local trees, in the form in which a registry keeps them.

Each is an index that points to one manifest with one layer, as the official images are.
"""

import gzip
import hashlib
import io
import json
import platform
import random
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

MIB = 1024 * 1024
BUSYBOX = Path("/bin/busybox")
ZONE_INFO = Path("/usr/share/zoneinfo")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
# What `python3 -c` prints is used to find the standard library, wherever Debian has put it.
FIND_LIBRARY = "import sys, sysconfig; print(sys.executable, sysconfig.get_path('stdlib'))"
NOT_NEEDED = ("test", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip", "pydoc_data")


@dataclass(frozen=True)
class Image:
    """What one image holds, and how a container of it runs."""

    data_bytes: int = 0
    """The size of a file that does not compress."""
    seed: str = ""
    """Images with different seeds differ in every byte of their data."""
    files: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    """Path in the image to the local file, or folder, that is copied there."""
    links: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    closed_directories: tuple[str, ...] = ()
    """Directories that only root may enter."""
    user: str = ""
    working_directory: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blob:
    """A content-addressed part of an image."""

    content: bytes
    media_type: str
    platform: Mapping[str, str] | None = None

    @property
    def digest(self) -> str:
        """Its address."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def descriptor(self) -> dict[str, object]:
        """How another part of the image points to it."""
        place = {"platform": dict(self.platform)} if self.platform else {}
        size = len(self.content)
        return {"mediaType": self.media_type, "digest": self.digest, "size": size, **place}


@dataclass(frozen=True)
class BuiltImage:
    """The parts of an image, ready for a registry."""

    layer: Blob
    config: Blob
    manifest: Blob
    index: Blob

    @property
    def image_id(self) -> str:
        """What a container runtime knows the image by, whatever it is called."""
        return self.config.digest

    @property
    def digest(self) -> str:
        """What a tag points to in the registry."""
        return self.index.digest

    @property
    def download_bytes(self) -> int:
        """How much a node that has nothing of it transfers."""
        parts = (self.layer, self.config, self.manifest, self.index)
        return sum(len(part.content) for part in parts)


def build(image: Image) -> BuiltImage:
    """Builds an image; the same one gives the same digests, on every machine of a kind."""
    machine = {"os": "linux", "architecture": architecture()}
    tar = layer_tar(image)
    # Data that does not compress would only cost time.
    level = 1 if image.files and not image.data_bytes else 0
    layer = Blob(gzip.compress(tar, compresslevel=level, mtime=0), LAYER)
    run = {
        "User": image.user,
        "WorkingDir": image.working_directory,
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
    }
    diff_id = f"sha256:{hashlib.sha256(tar).hexdigest()}"
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = json_blob({**machine, "config": run, "rootfs": rootfs}, CONFIG)
    manifest = json_blob(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
        },
        MANIFEST,
        machine,
    )
    index = json_blob(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest.descriptor()]}, INDEX
    )
    return BuiltImage(layer, config, manifest, index)


def json_blob(value: object, media_type: str, place: Mapping[str, str] | None = None) -> Blob:
    """A part of an image that is JSON."""
    return Blob(json.dumps(value, sort_keys=True).encode(), media_type, place)


def layer_tar(image: Image) -> bytes:
    """The files of an image as a tar archive that depends on nothing but them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if image.data_bytes:
            info = tarfile.TarInfo("data")
            info.size = image.data_bytes
            # The global generator must not be touched: tests may rely on it.
            content = random.Random(image.seed).randbytes(image.data_bytes)  # noqa: S311
            tar.addfile(info, io.BytesIO(content))
        for path, source in image.files.items():
            for name, local in tree(path, source):
                # Debian's /lib is itself a link: what a file really is goes into the image.
                add_file(tar, name, local.resolve())
        for path in image.closed_directories:
            info = tarfile.TarInfo(path.lstrip("/"))
            info.type, info.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(info)
        for path, target in image.links.items():
            info = tarfile.TarInfo(path.lstrip("/"))
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def tree(path: str, source: Path) -> Iterable[tuple[str, Path]]:
    """The files below a folder, or the file itself, with their paths in the image."""
    if source.is_file():
        return [(path, source)]
    found = (file for file in sorted(source.rglob("*")) if file.is_file())
    return [
        (f"{path}/{file.relative_to(source)}", file)
        for file in found
        if not {*NOT_NEEDED} & {*file.relative_to(source).parts}
    ]


def add_file(tar: tarfile.TarFile, name: str, local: Path) -> None:
    """Adds a file as root's, readable by everyone, without its time."""
    info = tarfile.TarInfo(name.lstrip("/"))
    info.size = local.stat().st_size
    info.mode = 0o755 if local.stat().st_mode & 0o111 else 0o644
    with local.open("rb") as content:
        tar.addfile(info, content)


def scratch(data_bytes: int, *, seed: str, user: str = "") -> Image:
    """An image with nothing in it that can run, as those built from scratch are."""
    return Image(data_bytes=data_bytes, seed=seed, user=user)


def with_shell(data_bytes: int = 0, *, seed: str = "", user: str = "") -> Image:
    """An image with busybox, whose shell is at /bin/sh."""
    applets = ("sh", "sleep", "cat", "echo", "cp", "ls", "true", "touch", "id")
    return Image(
        data_bytes=data_bytes,
        seed=seed,
        user=user,
        files=MappingProxyType({"/bin/busybox": BUSYBOX}),
        links=MappingProxyType({f"/bin/{applet}": "busybox" for applet in applets}),
        command=("/bin/sh",),
    )


def pause() -> Image:
    """The image of a pod's sandbox: it waits, and needs nothing else."""
    return Image(
        files=MappingProxyType({"/busybox": BUSYBOX}), entrypoint=("/busybox", "sleep", "infinity")
    )


def python() -> Image:
    """Debian's own Python with its standard library, time zones and a shell."""
    found = subprocess.check_output(["/usr/bin/python3", "-c", FIND_LIBRARY], text=True)
    executable, library = (Path(word) for word in found.split())
    extensions = sorted((library / "lib-dynload").glob("*.so"))
    libraries = sorted({name for path in (executable, *extensions) for name in needed_by(path)})
    return Image(
        files=MappingProxyType(
            {
                "/bin/busybox": BUSYBOX,
                str(executable.resolve()): executable,
                str(library): library,
                str(ZONE_INFO): ZONE_INFO,
                **{name: Path(name) for name in libraries},
            }
        ),
        links=MappingProxyType(
            {
                "/usr/local/bin/python3": str(executable.resolve()),
                "/usr/local/bin/python": "python3",
                "/bin/sh": "busybox",
            }
        ),
        command=("python3",),
    )


def needed_by(program: Path) -> list[str]:
    """The shared libraries of a program, its loader among them."""
    result = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    words = (word for line in result.stdout.splitlines() for word in line.split())
    return [word for word in words if word.startswith("/")]


def architecture() -> str:
    """The machine's architecture, in the words of image platforms."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
