"""The images that the preloader runs beside those that it preloads, by what a program registers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from preloadctl.recorder import Registration
from preloader.args import PreloadMode
from preloader.helpers import HelperImages
from preloader.placement import architecture
from preloader.plain import Map
from preloader.tokens import IMAGE_CLEANUP, IMAGE_PRELOADER

if TYPE_CHECKING:
    from preloader.placement import ProcessorArgs


@dataclass(frozen=True, slots=True)
class HelperImage:
    """An image as a pool's pods use it, with its digest where that is known."""

    used: str
    architecture: str
    is_root: bool
    """Whether it runs as root, beside the runtime's socket."""

    @property
    def name(self) -> str:
        """The image without what pins it: what a lock file has it under."""
        return self.used.partition("@")[0]

    @property
    def is_pinned(self) -> bool:
        """Whether its content is the same whoever moves its tag."""
        return "@" in self.used


def helper_images(registrations: Iterable[Registration]) -> list[HelperImage]:
    """Returns the helper images of every component of the program that runs any."""
    return [
        HelperImage(getattr(images, key), processors, key == "python")
        for registration in registrations
        if registration.type in (IMAGE_PRELOADER, IMAGE_CLEANUP)
        for images in [HelperImages(**registration.inputs.get("helper_images", {}))]
        for processors in [architecture(cast("ProcessorArgs", registration.inputs))]
        for key in _used(registration.type, registration.inputs)
    ]


def _used(component: str, inputs: Map) -> Iterator[str]:
    if component == IMAGE_CLEANUP or inputs.get("cleanup", {}).get("enabled", True):
        yield "python"
    if component == IMAGE_PRELOADER:
        yield "busybox"
        if inputs.get("preload", {}).get("mode") == PreloadMode.INIT:
            yield "pause"
