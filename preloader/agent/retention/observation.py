"""What is on the node: images, who uses them, since when they are there, when they were built.

Nothing here changes the node. What cannot be found out is in the observation as unknown. Lists take
one call each. When an image was built takes a call an image: it is asked only of repositories with
more images than are kept, of which one could go, and once in the life of an agent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from preloader.agent.cri.faults import BadAnswer, Refused
from preloader.agent.cri.messages import Container, Image, Names, Sandbox
from preloader.agent.cri.runtime import Runtime
from preloader.agent.retention.usage import Usage, find_usage


class NoTime(StrEnum):
    """Why it is not known when an image was built."""

    UNSAID = "the image does not say"
    """As reproducible builds do; so it stays, whenever it is asked."""
    UNANSWERED = "the runtime does not answer"
    """It may the next time."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at the node found."""

    images: tuple[Image, ...]
    usage: Usage
    time: float
    """When it was, in seconds since 1970."""
    ages: Mapping[str, float] = field(default_factory=dict[str, float])
    """By image ID, for how many seconds at least the image has been on the node."""
    created: Mapping[str, float | NoTime] = field(default_factory=dict[str, float | NoTime])
    """By image ID when it was built, in seconds since 1970, where it was asked."""


class Observer:
    """Looks at one runtime; remembers what never changes in an image's or a container's life."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._created: dict[str, float | NoTime] = {}
        self._mounted: dict[str, Names] = {}
        self._run_by_sandbox: dict[str, Names] = {}

    def images(self) -> tuple[Image, ...]:
        """Returns each image once, in the order of their IDs. Raises RuntimeFault."""
        images: dict[str, Image] = {}
        for image in self._runtime.images():
            images[image.id] = _merge(images.get(image.id, image), image)
        self._created = {key: self._created[key] for key in self._created.keys() & images.keys()}
        return tuple(images[image_id] for image_id in sorted(images))

    def observe(
        self, images: tuple[Image, ...], ages: Mapping[str, float], time: float
    ) -> Observation:
        """Returns what takes one call: who runs which image. Raises RuntimeFault."""
        runs = [(container.name, container.images) for container in self._runtime.containers()]
        return Observation(images, find_usage(images, runs, ()), time, ages)

    def usage(self, images: tuple[Image, ...]) -> Usage:
        """Returns who uses any of `images` now, by all that can be asked. Raises RuntimeFault.

        The images that a container mounts, and the one that a sandbox runs, take a call for each
        that was not met before.
        """
        containers, sandboxes = self._runtime.containers(), self._runtime.sandboxes()
        mounts = _ask(containers, self._mounted, self._runtime.mounted_images)
        pauses = _ask(sandboxes, self._run_by_sandbox, self._runtime.sandbox_images)
        runs = [(container.name, container.images) for container in containers]
        return find_usage(images, (*runs, *mounts), pauses)

    def creation_times(self, image_ids: Iterable[str]) -> dict[str, float | NoTime]:
        """Returns when each image was built, or why that is not known. Raises Unavailable."""
        times: dict[str, float | NoTime] = {}
        for image_id in image_ids:
            if image_id not in self._created:
                try:
                    created = self._runtime.creation_time(image_id)
                except (Refused, BadAnswer):
                    times[image_id] = NoTime.UNANSWERED
                    continue
                self._created[image_id] = NoTime.UNSAID if created is None else created
            times[image_id] = self._created[image_id]
        return times


def _merge(one: Image, other: Image) -> Image:
    # A runtime with several handlers lists an image once for each.
    return Image(
        one.id,
        tuple(sorted({*one.tags, *other.tags})),
        tuple(sorted({*one.digests, *other.digests})),
        max(one.size, other.size),
        one.pinned or other.pinned,
    )


def _ask(
    users: Sequence[Container | Sandbox],
    known: dict[str, Names],
    ask: Callable[[str], Names],
) -> list[tuple[str, Names]]:
    """Returns each user that uses images, and the images' names: none where it does not answer."""
    ids = {user.id for user in users}
    for gone in known.keys() - ids:
        del known[gone]
    answers: list[tuple[str, Names]] = []
    for user in users:
        if user.id not in known:
            try:
                known[user.id] = ask(user.id)
            except (Refused, BadAnswer):
                # A user without a name for its image is one of whom nothing is known.
                answers.append((user.name, ()))
                continue
        if known[user.id]:
            answers.append((user.name, known[user.id]))
    return answers
