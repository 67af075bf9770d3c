"""The lock file: what registries said of each image, so that plans and previews need no network.

`preloadctl lock` writes it beside the stack file; a program hands its layers to the components:

    lock = read_lock(lock_path(pulumi.get_stack()))
    layers_bytes = lock.image_layers_bytes(images, "amd64")
    helper_images = lock.helper_images()
    ImagePreloader("ml", {"image_layers_bytes": layers_bytes, "helper_images": helper_images, ...})
"""

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import yaml

from preloader.args import HelperImagesArgs
from preloader.helpers import HelperImages
from preloader.layers import MAX_LAYER_BYTES
from preloader.plain import Map, is_map
from preloader.problems import InvalidInput, Problem, check_keys, join, refuse
from preloader.yaml_values import Dumper, InvalidYaml, read_yaml

VERSION = 1
HEADER = (
    "# Written by `preloadctl lock`, for reviews and for plans without a network; do not edit.\n"
)
REPAIR = "restore the file, or delete it and lock anew"
# What an image that is still to be locked is taken to have, so that a program whose disks follow
# from the images can say which images those are.
PROVISIONAL_LAYERS: Mapping[str, int] = {"provisional": 1}

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_locking = ContextVar("locking", default=False)


@dataclass(frozen=True, slots=True)
class LockedPlatform:
    """An image for one platform: its manifest's digest, and compressed bytes by layer's digest."""

    digest: str
    layers_bytes: Mapping[str, int]

    @property
    def size_bytes(self) -> int:
        """What a node downloads that has none of the layers."""
        return sum(self.layers_bytes.values())


@dataclass(frozen=True, slots=True)
class LockedImage:
    """One image: the digest that its reference names, and platforms such as `linux/amd64`."""

    digest: str
    platforms: Mapping[str, LockedPlatform]


@dataclass(frozen=True, slots=True)
class Lock:
    """What is known of images, by the reference as a pool writes it."""

    images: Mapping[str, LockedImage] = field(default_factory=dict[str, LockedImage])
    provisional: bool = False

    def image_layers_bytes(
        self, images: Iterable[str], architecture: str
    ) -> dict[str, dict[str, int]]:
        """Returns the layers of those of the images that are locked for the architecture."""
        if self.provisional:
            return {image: dict(PROVISIONAL_LAYERS) for image in images}
        key = platform_key(architecture)
        return {
            image: dict(locked.platforms[key].layers_bytes)
            for image in images
            if (locked := self.images.get(image)) and key in locked.platforms
        }

    def helper_images(self, written: HelperImagesArgs | None = None) -> HelperImagesArgs:
        """Returns `written`, and with it each helper image that is locked, pinned by its digest.

        The digest is the index's where the image has one, so it is good for every architecture.
        """
        written = written or HelperImagesArgs()
        named = asdict(HelperImages(**written))
        pinned = {key: self._pinned(image) for key, image in named.items()}
        kept = {key: image for key, image in pinned.items() if key in written or "@" in image}
        return cast("HelperImagesArgs", kept)

    def _pinned(self, image: str) -> str:
        locked = self.images.get(image)
        return f"{image}@{locked.digest}" if locked and "@" not in image else image


def platform_key(architecture: str) -> str:
    """The platform of a Linux node of that architecture."""
    return f"linux/{architecture}"


def is_digest(value: object) -> bool:
    """Whether `value` is a digest in one of the algorithms that image references know."""
    return isinstance(value, str) and bool(_DIGEST.fullmatch(value))


def lock_path(stack: str) -> Path:
    """Where the lock file of a stack is: beside its stack file, in the program's folder."""
    return Path(f"Pulumi.{stack}.lock.yaml")


def read_lock(path: Path) -> Lock:
    """Returns what the file says; nothing where there is no such file.

    Raises InvalidInput with every place where the file is not as `lock_text` writes it.
    """
    if _locking.get():
        return Lock(provisional=True)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Lock()
    return parse_lock(content, str(path))


def parse_lock(text: str | bytes, name: str) -> Lock:
    """Returns what `text`, the content of the file `name`, says; raises InvalidInput."""
    content = _parsed(text, name)
    refuse(name, _problems(content))
    return Lock(
        {
            image: LockedImage(
                entry["digest"],
                {
                    key: LockedPlatform(platform["digest"], platform["layers"])
                    for key, platform in entry["platforms"].items()
                },
            )
            for image, entry in content["images"].items()
        }
    )


def lock_text(lock: Lock) -> str:
    """Returns the content of the file: sorted, so that a change shows as that change alone.

    Layers keep the order of the manifest.
    """
    images = {image: _entry(locked) for image, locked in sorted(lock.images.items())}
    content = {"version": VERSION, "images": images}
    return HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000)


@contextmanager
def locking() -> Generator[None]:
    """Lets every image be taken as locked, with next to no bytes, while a program is recorded."""
    token = _locking.set(True)
    try:
        yield
    finally:
        _locking.reset(token)


class _Dumper(Dumper):
    """Writes every key on one line with its value, where PyYAML breaks keys above 127 characters.

    References with a digest are longer than that. YAML itself reads keys up to 1024 characters.
    """

    def check_simple_key(self) -> bool:
        return True

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 the base class's signature
        return True


def _entry(locked: LockedImage) -> Map:
    return {
        "digest": locked.digest,
        "platforms": {
            key: {
                "digest": platform.digest,
                "size_bytes": platform.size_bytes,
                "layers": dict(platform.layers_bytes),
            }
            for key, platform in sorted(locked.platforms.items())
        },
    }


def _parsed(text: str | bytes, name: str) -> Map:
    try:
        content: object = read_yaml(text.decode() if isinstance(text, bytes) else text)
    except InvalidYaml as error:
        raise InvalidInput(
            name, [Problem(f"line {error.line}", None, f"is no YAML ({error.reason}); {REPAIR}")]
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput(
            name, [Problem("line 1", None, f"is no YAML, but something else than UTF-8; {REPAIR}")]
        ) from None
    if not is_map(content):
        raise InvalidInput(name, [Problem("line 1", content, f"is no lock file; {REPAIR}")])
    return content


def _problems(content: Map) -> Iterator[Problem]:
    if content.get("version") != VERSION:
        accepted = f"must be {VERSION}, which this release reads; {REPAIR}"
        yield Problem("version", content.get("version"), accepted)
        return
    yield from check_keys("", content, ("version", "images"))
    yield from _map_problems("images", content.get("images"), _image_problems)


def _image_problems(path: str, entry: Map) -> Iterator[Problem]:
    yield from check_keys(path, entry, ("digest", "platforms"))
    yield from _digest_problems(f"{path}.digest", entry.get("digest"))
    yield from _map_problems(f"{path}.platforms", entry.get("platforms"), _platform_problems)


def _platform_problems(path: str, entry: Map) -> Iterator[Problem]:
    yield from check_keys(path, entry, ("digest", "size_bytes", "layers"))
    yield from _digest_problems(f"{path}.digest", entry.get("digest"))
    layers = entry.get("layers")
    if not is_map(layers):
        yield Problem(f"{path}.layers", layers, "must be a map of bytes by digest")
        return
    sizes_bytes: list[int] = []
    for digest, size_bytes in layers.items():
        at = join(f"{path}.layers", str(digest))
        yield from _digest_problems(at, digest)
        if type(size_bytes) is int and 0 <= size_bytes <= MAX_LAYER_BYTES:
            sizes_bytes.append(size_bytes)
        else:
            yield Problem(at, size_bytes, f"must be a number of bytes from 0 to {MAX_LAYER_BYTES}")
    if len(sizes_bytes) == len(layers) and entry.get("size_bytes") != sum(sizes_bytes):
        accepted = f"must be {sum(sizes_bytes)}, as the layers add up to; {REPAIR}"
        yield Problem(f"{path}.size_bytes", entry.get("size_bytes"), accepted)


def _digest_problems(path: str, digest: object) -> Iterator[Problem]:
    if not is_digest(digest):
        yield Problem(path, digest, "must be a digest such as sha256: and 64 hexadecimal digits")


def _map_problems(
    path: str, value: object, problems: Callable[[str, Map], Iterator[Problem]]
) -> Iterator[Problem]:
    if not is_map(value):
        yield Problem(path, value, "must be a map")
        return
    for key, entry in value.items():
        at = join(path, str(key))
        if is_map(entry):
            yield from problems(at, entry)
        else:
            yield Problem(at, entry, "must be a map")
