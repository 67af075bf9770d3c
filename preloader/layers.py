"""The layers of images: what of an image's compressed size it shares with others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from preloader.problems import Problem, join

Layers = Mapping[str, int]
"""Compressed bytes by digest."""


def image_layers(
    images: Iterable[str],
    sizes_bytes: Mapping[str, int],
    layers_bytes: Mapping[str, Layers],
) -> dict[str, Layers | None]:
    """Returns the layers of each image, None for one of which nothing is known.

    An image whose size alone is known is one layer, which no other image has.
    """
    alone: dict[str, Layers] = {image: {image: size} for image, size in sizes_bytes.items()}
    return {image: layers_bytes.get(image) or alone.get(image) for image in images}


def union_bytes(several: Iterable[Layers]) -> int:
    """Returns the compressed bytes of all of them, each layer counted once."""
    return sum({digest: size for layers in several for digest, size in layers.items()}.values())


def check_sizes(sizes_bytes: Mapping[str, int], images: Sequence[str]) -> Iterator[Problem]:
    """Yields a problem for each size of no image of the pool, or of no bytes."""
    for image, size_bytes in sizes_bytes.items():
        at = join("image_sizes_bytes", image)
        yield from _check_listed(at, size_bytes, image, images)
        if size_bytes < 1:
            yield Problem(at, size_bytes, "must be a number of bytes above 0")


def check_layers(layers_bytes: Mapping[str, Layers], images: Sequence[str]) -> Iterator[Problem]:
    """Yields a problem for each layer of no image of the pool, or of a negative size."""
    for image, layers in layers_bytes.items():
        at = join("image_layers_bytes", image)
        yield from _check_listed(at, layers, image, images)
        for digest, size_bytes in layers.items():
            if size_bytes < 0:
                yield Problem(join(at, digest), size_bytes, "must be a number of bytes, 0 or more")


def _check_listed(at: str, value: object, image: str, images: Sequence[str]) -> Iterator[Problem]:
    if images and image not in images:
        yield Problem(at, value, "is of an image that the pool does not list")
