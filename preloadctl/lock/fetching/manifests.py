"""Manifests and indexes, as registries serve them and containerd reads them.

https://github.com/opencontainers/image-spec and, for Docker's older media types,
https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preloadctl.lock.registries.errors import NotLocked
from preloader.layers import MAX_LAYER_BYTES
from preloader.lock import is_digest
from preloader.plain import Map, is_list, is_map

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# The last is what early Dockers wrote, and containerd accepts:
# https://github.com/containerd/containerd/blob/main/core/remotes/handlers.go
CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/octet-stream",
)
ACCEPTED_TYPES = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
# Servers that do not know better call a manifest this; then it says itself what it is.
GENERIC_TYPES = ("", "application/json", "text/plain", "application/octet-stream")
SCHEMA_1_PREFIX = "application/vnd.docker.distribution.manifest.v1+"
# What an architecture without a variant means, by
# https://github.com/containerd/platforms/blob/main/database.go
BASELINE_VARIANTS: Mapping[str, tuple[str, ...]] = {"amd64": ("", "v1"), "arm64": ("", "v8")}


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on, in Go's names."""

    os: str
    architecture: str
    variant: str = ""

    def runs_on(self, architecture: str) -> bool:
        """Whether any Linux node of that architecture runs it."""
        return (
            self.os == "linux"
            and self.architecture == architecture
            and self.variant in BASELINE_VARIANTS.get(architecture, ("",))
        )

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Index:
    """Manifests' digests by the platforms that they are for."""

    digests: Mapping[Platform, str]
    nested: bool
    """Whether it names further indexes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One platform's image: its config, and its layers' compressed bytes by digest.

    A layer that an image has twice is downloaded once, and is here once.
    """

    config_digest: str
    layers_bytes: Mapping[str, int]


def parse_document(content_type: str, body: bytes) -> Index | Manifest:
    """Returns what a registry serves as a manifest; raises NotLocked with the reason."""
    media_type = content_type.partition(";")[0].strip().lower()
    content = _parsed(media_type, body)
    if media_type in GENERIC_TYPES:
        media_type = str(content.get("mediaType", ""))
    if media_type.startswith(SCHEMA_1_PREFIX) or content.get("schemaVersion") == 1:
        raise NotLocked(
            "is in the schema 1 format, which containerd 2 no longer pulls; push it again"
        )
    if "manifests" in content and "layers" in content:
        # Readers differ in which of the two they take: CVE-2021-41190.
        raise NotLocked("is an index and a manifest in one, which is not safe to read; build anew")
    if media_type in INDEX_TYPES:
        return _index(content)
    if media_type in MANIFEST_TYPES:
        return _manifest(content)
    raise NotLocked(f"is {media_type or 'of an unknown type'}, and no image; take it off the list")


def parse_config_platform(body: bytes) -> Platform:
    """Returns the platform that an image's config names; raises NotLocked."""
    return _platform(_parsed("", body))


def _index(content: Map) -> Index:
    digests: dict[Platform, str] = {}
    nested = False
    for entry in _maps(content, "manifests"):
        if entry.get("mediaType") in INDEX_TYPES:
            nested = True
        elif is_map(platform := entry.get("platform")):
            # The first of a platform is the one that containerd takes.
            digests.setdefault(_platform(platform), _digest(entry))
    return Index(digests, nested)


def _manifest(content: Map) -> Manifest:
    config = content.get("config")
    if not is_map(config) or config.get("mediaType") not in CONFIG_TYPES:
        kind = content.get("artifactType") or (is_map(config) and config.get("mediaType"))
        raise NotLocked(
            f"is no image that can run, but {kind or 'without a config'}; take it off the list"
        )
    layers_bytes: dict[str, int] = {}
    for layer in _maps(content, "layers"):
        size_bytes = layer.get("size")
        if type(size_bytes) is not int or not 0 <= size_bytes <= MAX_LAYER_BYTES:
            raise _malformed(f"a layer without a size from 0 to {MAX_LAYER_BYTES} bytes")
        layers_bytes[_digest(layer)] = size_bytes
    return Manifest(_digest(config), layers_bytes)


def _platform(content: Map) -> Platform:
    return Platform(
        _text(content, "os"), _text(content, "architecture"), str(content.get("variant") or "")
    )


def _parsed(media_type: str, body: bytes) -> Map:
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not is_map(content):
        what = media_type if media_type not in GENERIC_TYPES else "something else than JSON"
        raise NotLocked(
            f"the registry answers with {what} where a manifest belongs; "
            "look whether a proxy or a login page is in between"
        )
    return content


def _maps(content: Map, key: str) -> list[Map]:
    items: Any = content.get(key)
    maps = [item for item in items if is_map(item)] if is_list(items) else None
    if maps is None or len(maps) != len(items):
        raise _malformed(f"{key} is no list of maps")
    return maps


def _text(content: Map, key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise _malformed(f"{key} is missing")
    return value


def _digest(content: Map) -> str:
    digest = _text(content, "digest")
    if not is_digest(digest):
        raise _malformed(f"{digest!r} is no digest")
    return digest


def _malformed(reason: str) -> NotLocked:
    return NotLocked(f"the registry's manifest is malformed ({reason}); push the image again")
