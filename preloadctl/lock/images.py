"""The images of a stack, by what its program registers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from preloadctl.helpers import HelperImage
from preloadctl.recorder import Registration
from preloader.images import Reference, parse_reference
from preloader.placement import architecture
from preloader.plain import Map
from preloader.tokens import IMAGE_PRELOADER

if TYPE_CHECKING:
    from preloader.placement import ProcessorArgs


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool as its component is given it; `inputs` are those of `ImagePreloaderArgs`."""

    name: str
    inputs: Map

    @property
    def images(self) -> list[str]:
        """The images as written."""
        return self.inputs["images"]

    @property
    def node_labels(self) -> Mapping[str, str]:
        """Labels that all of the pool's nodes carry."""
        return self.inputs.get("node_labels", {})

    @property
    def node_taints(self) -> list[Any]:
        """Taints of the pool's nodes, as Kubernetes writes them."""
        return self.inputs.get("node_taints", [])

    @property
    def architecture(self) -> str:
        """What the pool's nodes are, in Kubernetes' and Go's names."""
        return architecture(cast("ProcessorArgs", self.inputs))


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image to lock for the architectures of all pools that list it."""

    written: str
    reference: Reference
    architectures: tuple[str, ...]


def registered_pools(registrations: Iterable[Registration]) -> list[Pool]:
    """Returns the pools for which a program registers preloaders, by name."""
    pools = [
        Pool(registration.name, registration.inputs)
        for registration in registrations
        if registration.type == IMAGE_PRELOADER
    ]
    return sorted(pools, key=lambda pool: pool.name)


def wanted_images(pools: Iterable[Pool], helpers: Iterable[HelperImage]) -> list[WantedImage]:
    """Returns the images of pools and of their pods, each once as it is written, sorted."""
    architectures: dict[str, set[str]] = defaultdict(set)
    for pool in pools:
        for image in pool.images:
            architectures[image].add(pool.architecture)
    for helper in helpers:
        architectures[helper.name].add(helper.architecture)
    return [
        WantedImage(image, parse_reference(image), tuple(sorted(architectures[image])))
        for image in sorted(architectures)
    ]
