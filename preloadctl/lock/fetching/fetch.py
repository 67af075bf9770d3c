"""One image's digests, platforms and layers, asked of its registry.

A token aside this is two requests for an index and a platform, and one for each further platform; a
manifest without an index takes its config, which alone says what platform it is for.
"""

import hashlib

from preloadctl.lock.fetching.manifests import (
    ACCEPTED_TYPES,
    Index,
    Manifest,
    parse_config_platform,
    parse_document,
)
from preloadctl.lock.images import WantedImage
from preloadctl.lock.registries.errors import NotLocked
from preloadctl.lock.registries.hosts import host_of
from preloadctl.lock.registries.registry import Asker, Registries
from preloader.lock import LockedImage, LockedPlatform, platform_key

DEFAULT_ALGORITHM = "sha256"


def fetch_image(registries: Registries, asker: Asker, wanted: WantedImage) -> LockedImage:
    """Returns the image as its registry has it now; raises NotLocked."""
    reference = wanted.reference
    digest, document = _manifest(registries, asker, reference.digest or str(reference.tag))
    if isinstance(document, Index):
        platforms = {
            platform_key(architecture): _platform(registries, asker, document, architecture)
            for architecture in wanted.architectures
        }
        return LockedImage(digest, platforms)
    path = f"blobs/{document.config_digest}"
    config = registries.get(asker, path, "*/*")
    _check_digest(document.config_digest, config.body, host_of(config.url))
    platform = parse_config_platform(config.body)
    for architecture in wanted.architectures:
        if not platform.runs_on(architecture):
            raise _missing(architecture, f"is for {platform} alone")
    locked = LockedPlatform(digest, document.layers_bytes)
    return LockedImage(digest, {platform_key(each): locked for each in wanted.architectures})


def _platform(
    registries: Registries, asker: Asker, index: Index, architecture: str
) -> LockedPlatform:
    found = [digest for platform, digest in index.digests.items() if platform.runs_on(architecture)]
    if not found:
        known = sorted({str(each) for each in index.digests if each.os != "unknown"})
        nested = ["further indexes, which are not looked into"] if index.nested else []
        raise _missing(architecture, f"has {', '.join([*known, *nested]) or 'no platform at all'}")
    digest, manifest = _manifest(registries, asker, found[0])
    if not isinstance(manifest, Manifest):
        raise NotLocked(f"its index names another index for {platform_key(architecture)}")
    return LockedPlatform(digest, manifest.layers_bytes)


def _manifest(registries: Registries, asker: Asker, name: str) -> tuple[str, Index | Manifest]:
    """Returns a manifest by a tag or a digest, and its digest."""
    answer = registries.get(asker, f"manifests/{name}", ACCEPTED_TYPES)
    host = host_of(answer.url)
    said = answer.headers.get("docker-content-digest", "")
    for digest in (said, name):
        if ":" in digest:
            _check_digest(digest, answer.body, host)
    document = parse_document(answer.headers.get("content-type", ""), answer.body)
    digest = next((each for each in (name, said) if ":" in each), None)
    return digest or _digest(DEFAULT_ALGORITHM, answer.body), document


def _check_digest(digest: str, body: bytes, host: str) -> None:
    algorithm = digest.partition(":")[0]
    if algorithm not in ("sha256", "sha384", "sha512") or _digest(algorithm, body) != digest:
        raise NotLocked(
            f"what {host} sends is not what its digest {digest} says; look whether a proxy or "
            "mirror alters it, and do not use the image"
        )


def _digest(algorithm: str, body: bytes) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def _missing(architecture: str, has: str) -> NotLocked:
    return NotLocked(
        f"{has}, and a pool that lists it needs {platform_key(architecture)}; "
        "choose another image, or set the pool's architecture"
    )
