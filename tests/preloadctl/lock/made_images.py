"""Images made in the tests: what a registry keeps of them, with digests that are their own."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}
ATTESTATION = {"os": "unknown", "architecture": "unknown"}


@dataclass(frozen=True)
class Part:
    """A piece of content under its digest."""

    body: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    def descriptor(self, **more: Any) -> dict[str, Any]:
        size = len(self.body)
        return {"mediaType": self.media_type, "digest": self.digest, "size": size, **more}


def part(content: Any, media_type: str) -> Part:
    return Part(json.dumps(content).encode(), media_type)


def layer(seed: str, size_bytes: int = 100, media_type: str = GZIP_LAYER) -> Part:
    """A layer that is no archive: nobody unpacks it."""
    return Part(seed.encode().ljust(size_bytes, b"."), media_type)


def config(platform: dict[str, str]) -> Part:
    return part({**platform, "config": {}, "rootfs": {"type": "layers"}}, CONFIG)


def manifest(
    layers: Sequence[Part], platform: dict[str, str] = AMD64, media_type: str = MANIFEST
) -> Part:
    return part(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config(platform).descriptor(),
            "layers": [each.descriptor() for each in layers],
        },
        media_type,
    )


def index(*entries: tuple[Part, dict[str, str] | None], media_type: str = INDEX) -> Part:
    manifests = [
        each.descriptor(**({"platform": platform} if platform else {}))
        for each, platform in entries
    ]
    return part({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}, media_type)
