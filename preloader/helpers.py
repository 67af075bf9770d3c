"""The preloader's own images, replaced where a cluster reaches private registries alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from preloader.args import HelperImagesArgs
from preloader.images import InvalidReference, parse_reference
from preloader.problems import Problem, check_keys, join


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperImages:
    """What the preloader runs beside the images that it preloads."""

    busybox: str = "busybox:1.37.0-musl"
    pause: str = "registry.k8s.io/pause:3.10.1"
    python: str = "python:3.13.9-alpine3.22"


def check_helper_images(path: str, helpers: HelperImagesArgs) -> Iterator[Problem]:
    """Yields every helper image that does not parse."""
    yield from check_keys(path, helpers, HelperImagesArgs.__annotations__)
    for name, text in helpers.items():
        try:
            parse_reference(str(text))
        except InvalidReference as error:
            yield Problem(join(path, name), text, error.reason)
