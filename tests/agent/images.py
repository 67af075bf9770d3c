"""Small images made here, as an OCI layout that `ctr images import` reads.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
BUSYBOX = Path("/bin/busybox")


@dataclass(frozen=True)
class TestImage:
    """An image called `name`; two of the same content and time are one image with two names."""

    __test__ = False

    name: str
    content: bytes = b""
    created: str | None = "2024-01-01T00:00:00Z"
    entrypoint: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    gzip_level: int = 1


def sleeper(name: str, content: bytes = b"") -> TestImage:
    """An image that sleeps: for sandboxes, and for containers that run."""
    return TestImage(
        name,
        content=content,
        entrypoint=("/busybox", "sleep", "1000000"),
        files={"busybox": BUSYBOX.read_bytes()},
    )


@dataclass(frozen=True)
class Built:
    """What an image is to a runtime: its ID and its manifest's digest, and its compressed size."""

    image_id: str
    digest: str
    size_bytes: int


def write_layout(images: Iterable[TestImage], path: Path) -> dict[str, Built]:
    """Writes all images into the archive at `path`; returns them by name."""
    blobs: dict[str, bytes] = {}
    manifests: list[dict[str, object]] = []
    built: dict[str, Built] = {}
    for image in images:
        layer = _layer({"data": image.content, **image.files})
        compressed = gzip.compress(layer, image.gzip_level, mtime=0)
        config = _json(
            {
                "architecture": _ARCHITECTURE,
                "os": "linux",
                "config": {"Entrypoint": list(image.entrypoint)},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
                **({"created": image.created} if image.created else {}),
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _descriptor(_CONFIG, config),
                "layers": [_descriptor(_LAYER, compressed)],
            }
        )
        for blob in (compressed, config, manifest):
            blobs[_digest(blob)] = blob
        name = {"io.containerd.image.name": image.name}
        manifests.append({**_descriptor(_MANIFEST, manifest), "annotations": name})
        built[image.name] = Built(_digest(config), _digest(manifest), len(compressed))
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": manifests}),
        **{f"blobs/{digest.replace(':', '/')}": blob for digest, blob in blobs.items()},
    }
    path.write_bytes(_layer(files))
    return built


def _layer(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
