"""Which images are in use, from the names that containers and sandboxes have for them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from preloader.agent.cri.messages import Image, Names
from preloader.images import InvalidReference, parse_reference

# containerd writes an image ID with its algorithm, CRI-O without.
_ALGORITHM = "sha256:"
_HEX = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Who uses which image, by image ID; and those of whom it is not known which they use."""

    containers: Mapping[str, str] = field(default_factory=dict[str, str])
    sandboxes: Mapping[str, str] = field(default_factory=dict[str, str])
    unknown: Names = ()


class ImageIndex:
    """Finds images by any of their names."""

    def __init__(self, images: Iterable[Image]) -> None:
        self._ids: dict[str, set[str]] = {}
        for image in images:
            self._ids.setdefault(image.id.removeprefix(_ALGORITHM), set()).add(image.id)
            for name in (*image.tags, *image.digests):
                for key in _keys(name):
                    self._ids.setdefault(key, set()).add(image.id)

    def find(self, names: Names) -> set[str] | None:
        """Returns the IDs of all images that any of `names` may mean; None if none makes sense."""
        keys = [key for name in names for key in _keys(name)]
        return {image_id for key in keys for image_id in self._ids.get(key, ())} if keys else None


def find_usage(
    images: Iterable[Image],
    containers: Iterable[tuple[str, Names]],
    sandboxes: Iterable[tuple[str, Names]],
) -> Usage:
    """Returns the usage of `images` by users given as name and names of their images.

    A user whose names mean no image that is there uses none; one without any name that makes sense
    is unknown.
    """
    index = ImageIndex(images)
    unknown: list[str] = []
    by_container = _users(index, containers, unknown)
    by_sandbox = _users(index, sandboxes, unknown)
    return Usage(by_container, by_sandbox, tuple(unknown))


def _users(
    index: ImageIndex, users: Iterable[tuple[str, Names]], unknown: list[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for user, names in users:
        image_ids = index.find(names)
        if image_ids is None:
            unknown.append(user)
            continue
        for image_id in image_ids:
            # Whatever order the runtime answers in, the same user is named.
            found[image_id] = min(user, found.get(image_id, user))
    return found


def _keys(name: str) -> Names:
    """Returns what an image's name is found by: as kept, and by its digest in any repository."""
    bare = name.removeprefix(_ALGORITHM)
    if _HEX.fullmatch(bare):
        return (bare,)
    try:
        reference = parse_reference(name)
    except InvalidReference:
        return ()
    if reference.digest is None:
        return (reference.stored_as,)
    return (reference.stored_as, reference.digest.removeprefix(_ALGORITHM))
