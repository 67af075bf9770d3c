"""What to preload and where: the inputs of `ImagePreloader`, checked and with every default set."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preloader.args import (
    CleanupArgs,
    HelperImagesArgs,
    ImagePreloaderArgs,
    PreloadArgs,
    PreloadMode,
    Rollout,
)
from preloader.cleanup.spec import CleanupSpec, check_cleanup, cleanup_spec
from preloader.helpers import HelperImages, check_helper_images
from preloader.images import InvalidReference, Reference, parse_reference
from preloader.lanes import MAX_IMAGES_A_LANE, Lanes, spread
from preloader.layers import Layers, check_layers, check_sizes, image_layers
from preloader.nodes import (
    DNS_LABEL_MAX_LENGTH,
    check_dns_label,
)
from preloader.placement import Placement, check_architecture, check_placement, placement
from preloader.problems import Problem, check_choice, check_keys, check_range, refuse

DEFAULT_LANES = 4
MAX_LANES = 16
DEFAULT_ROLLOUT_TIMEOUT_SECONDS = 1800
MAX_ROLLOUT_TIMEOUT_SECONDS = 24 * 3600
# A pod's name is its DaemonSet's and six characters more; Pulumi adds eight to the DaemonSet's.
POOL_NAME_MAX_LENGTH = DNS_LABEL_MAX_LENGTH - len(f"-lane-{MAX_LANES}") - len("-a1b2c3d-x1y2z")
_HASH_LENGTH = 6


@dataclass(frozen=True, slots=True)
class PreloadedImage:
    """One image of a pool, under the very name that the workloads use."""

    written: str
    reference: Reference
    layers: Layers | None

    @property
    def container_name(self) -> str:
        """A DNS label that follows the reference alone, so that reordering changes no name."""
        name = self.reference.repository.rpartition("/")[2]
        readable = f"{name}-{self.reference.tag or 'digest'}"
        digest = hashlib.sha256(str(self.reference).encode()).hexdigest()[:_HASH_LENGTH]
        label = re.sub(r"[^a-z0-9]+", "-", readable.lower()).strip("-")
        return f"{label[: DNS_LABEL_MAX_LENGTH - _HASH_LENGTH - 1].strip('-')}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreloaderSpec:
    """The images of one pool in lanes, the pool's nodes, and how its pods run there."""

    pool: str
    lanes: Lanes[PreloadedImage]
    placement: Placement
    mode: PreloadMode
    rollout: Rollout
    rollout_timeout_seconds: int
    helper_images: HelperImages
    cleanup: CleanupSpec | None


def preloader_spec(pool: str, args: ImagePreloaderArgs) -> PreloaderSpec:
    """Returns the spec of the pool; raises InvalidInput with every problem of its inputs."""
    refuse(f"ImagePreloader {pool!r}", preloader_problems(pool, args))
    preload = args.get("preload", PreloadArgs())
    cleanup = args.get("cleanup", CleanupArgs())
    helpers = HelperImages(**args.get("helper_images", HelperImagesArgs()))
    images = _images(args)
    return PreloaderSpec(
        pool=pool,
        lanes=spread(images, preload.get("lanes", DEFAULT_LANES), lambda image: image.layers),
        placement=placement(args),
        mode=PreloadMode(preload.get("mode", PreloadMode.HOLD)),
        rollout=Rollout(preload.get("rollout", Rollout.DETACHED)),
        rollout_timeout_seconds=preload.get(
            "rollout_timeout_seconds", DEFAULT_ROLLOUT_TIMEOUT_SECONDS
        ),
        helper_images=helpers,
        cleanup=cleanup_spec(pool, args["images"], cleanup, helpers.python)
        if cleanup.get("enabled", True)
        else None,
    )


def preloader_problems(pool: str, args: ImagePreloaderArgs) -> list[Problem]:
    """Returns every problem of a pool's inputs; the pool's own name has the empty path."""
    images = args.get("images", [])
    return [
        *check_dns_label("", pool, POOL_NAME_MAX_LENGTH),
        *check_keys("", args, ImagePreloaderArgs.__annotations__),
        *_check_images("images", images),
        *check_sizes(args.get("image_sizes_bytes", {}), images),
        *check_layers(args.get("image_layers_bytes", {}), images),
        *check_placement(args),
        *check_architecture(args),
        *_check_preload("preload", args.get("preload", PreloadArgs())),
        *_check_room("images", images, args.get("preload", PreloadArgs())),
        *check_cleanup("cleanup", images, args.get("cleanup", CleanupArgs())),
        *check_helper_images("helper_images", args.get("helper_images", HelperImagesArgs())),
    ]


def preloader_warnings(args: ImagePreloaderArgs) -> list[Problem]:
    """Returns what is accepted but will probably not do what its author expects."""
    return [
        Problem(f"images[{index}]", text, advice)
        for index, text in enumerate(args["images"])
        for advice in _advice(parse_reference(text))
    ]


def unknown_sizes(spec: PreloaderSpec) -> str:
    """Says of which images the size is not known, and what follows; empty where all are."""
    unknown = [image.written for lane in spec.lanes for image in lane if image.layers is None]
    if not unknown:
        return ""
    return (
        f"the size is not known of {', '.join(sorted(unknown))}, so the images are dealt out in "
        "turn over the lanes; `preloadctl lock` asks the registries"
    )


def _images(args: ImagePreloaderArgs) -> tuple[PreloadedImage, ...]:
    layers = image_layers(
        args["images"], args.get("image_sizes_bytes", {}), args.get("image_layers_bytes", {})
    )
    return tuple(
        PreloadedImage(text, parse_reference(text), layers[text]) for text in args["images"]
    )


def _check_images(path: str, images: Sequence[str]) -> Iterator[Problem]:
    if not images:
        yield Problem(path, images, "a pool needs at least one image")
    first_index: dict[str, int] = {}
    for index, text in enumerate(images):
        at = f"{path}[{index}]"
        try:
            stored_as = parse_reference(text).stored_as
        except InvalidReference as error:
            yield Problem(at, text, error.reason)
            continue
        if stored_as in first_index:
            yield Problem(
                at,
                text,
                f"is the same image as {path}[{first_index[stored_as]}], {stored_as}; list it once",
            )
        first_index.setdefault(stored_as, index)


def _check_room(path: str, images: Sequence[str], preload: PreloadArgs) -> Iterator[Problem]:
    lanes = preload.get("lanes", DEFAULT_LANES)
    room = lanes * MAX_IMAGES_A_LANE
    if 1 <= lanes <= MAX_LANES and len(images) > room:
        yield Problem(
            path,
            f"{len(images)} images",
            f"must be at most {room}: {MAX_IMAGES_A_LANE} in each of the pool's {lanes} lanes, of "
            f"which preload.lanes may have {MAX_LANES}",
        )


def _check_preload(path: str, preload: PreloadArgs) -> Iterator[Problem]:
    yield from check_keys(path, preload, PreloadArgs.__annotations__)
    yield from check_choice(f"{path}.mode", preload.get("mode", PreloadMode.HOLD), PreloadMode)
    yield from check_range(f"{path}.lanes", preload.get("lanes", DEFAULT_LANES), 1, MAX_LANES)
    yield from check_choice(f"{path}.rollout", preload.get("rollout", Rollout.DETACHED), Rollout)
    yield from check_range(
        f"{path}.rollout_timeout_seconds",
        preload.get("rollout_timeout_seconds", DEFAULT_ROLLOUT_TIMEOUT_SECONDS),
        1,
        MAX_ROLLOUT_TIMEOUT_SECONDS,
    )


def _advice(reference: Reference) -> Iterator[str]:
    if reference.tag and reference.digest:
        yield (
            f"containerd keeps this as {reference.stored_as} alone, so a pod that uses "
            f"{reference.name}:{reference.tag} pulls it all the same; write here exactly what the "
            "workloads write"
        )
    elif reference.tag == "latest":
        yield (
            "a pod that uses the tag 'latest' asks the registry at every start and nodes may hold "
            "different images; write a version tag, or set imagePullPolicy: IfNotPresent in the "
            "workloads"
        )
