"""The layers of images: what of an image's compressed size it shares with others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from preloader.problems import Problem, join

Layers = Mapping[str, int]
"""Compressed bytes by digest."""
# 1 TiB, far above what registries take: a layer of Amazon ECR has at most 52 GB
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html).
MAX_LAYER_BYTES = 2**40


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
    listed = frozenset(images)
    for image, size_bytes in sizes_bytes.items():
        at = join("image_sizes_bytes", image)
        yield from _check_listed(at, size_bytes, image, listed)
        if not 1 <= size_bytes <= MAX_LAYER_BYTES:
            yield Problem(at, size_bytes, f"must be a number of bytes from 1 to {MAX_LAYER_BYTES}")


def check_layers(layers_bytes: Mapping[str, Layers], images: Sequence[str]) -> Iterator[Problem]:
    """Yields a problem for each layer of no image of the pool, or of no possible size."""
    listed = frozenset(images)
    for image, layers in layers_bytes.items():
        at = join("image_layers_bytes", image)
        yield from _check_listed(at, layers, image, listed)
        for digest, size_bytes in layers.items():
            if not 0 <= size_bytes <= MAX_LAYER_BYTES:
                accepted = f"must be a number of bytes from 0 to {MAX_LAYER_BYTES}"
                yield Problem(join(at, digest), size_bytes, accepted)


def _check_listed(at: str, value: object, image: str, listed: frozenset[str]) -> Iterator[Problem]:
    if listed and image not in listed:
        yield Problem(at, value, "is of an image that the pool does not list")
