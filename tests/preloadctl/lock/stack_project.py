"""A project of someone else's, whose images a registry of the test's own serves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preloader.lock import read_lock
from tests.preloadctl.lock.made_images import AMD64, ARM64, Part, index, layer, manifest
from tests.preloadctl.lock.registry_server import RegistryServer

SMALL, LARGE = layer("small", 1024 * 1024), layer("large", 3 * 1024 * 1024)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Stack:
    """A project of someone else's, whose program registers pools with these images."""

    folder: Path
    run: Callable[..., Result]

    def write(self, *pools: dict[str, Any]) -> None:
        """Of their helper images the pools have an image of their own, unless they say others."""
        text = "".join(
            f"ImagePreloader('pool-{number}', {_without_helpers(pool)!r})\n"
            for number, pool in enumerate(pools)
        )
        program = f"from preloader import ImagePreloader\n{text}"
        (self.folder / "__main__.py").write_text(program)

    @property
    def path(self) -> Path:
        return self.folder / "Pulumi.dev.lock.yaml"

    def locked(self) -> set[str]:
        return set(read_lock(self.path).images)


def _without_helpers(pool: dict[str, Any]) -> dict[str, Any]:
    helpers = {"busybox": pool["images"][0]}
    more = {"cleanup": {"enabled": False}, "helper_images": helpers}
    return {"namespace": "apps", **more, **pool}


def push(registry: RegistryServer, repository: str, tag: str, *layers: Part) -> str:
    """Serves an image for both architectures, and returns how a pool writes it."""
    made = [manifest(layers, place) for place in (AMD64, ARM64)]
    registry.push(repository, tag, index((made[0], AMD64), (made[1], ARM64)), *made)
    return f"{registry.host}/{repository}:{tag}"
