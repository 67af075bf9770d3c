"""The container runtime: the calls of its interface that the cleanup makes."""

import json
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from preloader.agent.cri import messages, wire
from preloader.agent.cri.channel import NOT_FOUND, Channel
from preloader.agent.cri.faults import BadAnswer, Refused

# Lists are answered from memory. Removing deletes files, and containerd collects the garbage of
# its whole store before it answers.
READ_SECONDS = 20.0
REMOVE_SECONDS = 120.0

# Reproducible builds write a fixed date (year 1, 1970, 1980): no image is older than Docker.
FIRST_CREDIBLE_CREATION = datetime(2013, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class Runtime:
    """The container runtime behind the socket at `path`; every call may raise RuntimeFault."""

    def __init__(self, path: str) -> None:
        self._channel = Channel(path)

    def close(self) -> None:
        """Ends the connection; the next call makes a new one."""
        self._channel.close()

    def images(self) -> tuple[messages.Image, ...]:
        return self._call("ImageService/ListImages", b"", messages.IMAGES)

    def containers(self) -> tuple[messages.Container, ...]:
        return self._call("RuntimeService/ListContainers", b"", messages.CONTAINERS)

    def sandboxes(self) -> tuple[messages.Sandbox, ...]:
        return self._call("RuntimeService/ListPodSandbox", b"", messages.SANDBOXES)

    def image(self, image_id: str) -> messages.Image | None:
        """Returns the image as it is now, or None when it is gone."""
        request = messages.image_request(image_id)
        image, _ = self._call("ImageService/ImageStatus", request, messages.IMAGE_STATUS)
        return image

    def creation_time(self, image_id: str) -> float | None:
        """Returns when the image was built, in seconds since 1970; None when it does not say."""
        request = messages.image_request(image_id, verbose=True)
        image, info = self._call("ImageService/ImageStatus", request, messages.IMAGE_STATUS)
        # A runtime without such an answer has none the next time either: Docker's had none.
        if image is None or "info" not in dict(info):
            return None
        return _creation_time(_details(info).get("imageSpec"))

    def mounted_images(self, container_id: str) -> messages.Names:
        """Returns the names of the images that the container mounts as volumes."""
        request = messages.status_request(container_id)
        method = "RuntimeService/ContainerStatus"
        return self._call_unless_gone(method, request, messages.MOUNTED_IMAGES) or ()

    def sandbox_images(self, sandbox_id: str) -> messages.Names:
        """Returns the name of the image that the sandbox itself runs, if it runs any."""
        request = messages.status_request(sandbox_id, verbose=True)
        method = "RuntimeService/PodSandboxStatus"
        info = self._call_unless_gone(method, request, messages.SANDBOX_INFO)
        if info is None:
            return ()
        name = _details(info).get("image", "")
        if not isinstance(name, str):
            raise BadAnswer(f"{method}: the image is {name!r}")
        return (name,) if name else ()

    def remove_image(self, image_id: str) -> None:
        """Removes every reference of the image; one that is gone already is no fault."""
        request = messages.image_request(image_id)
        self._call("ImageService/RemoveImage", request, messages.NOTHING, REMOVE_SECONDS)

    def image_directories(self) -> tuple[str, ...]:
        """Returns the directories of the host that hold the images."""
        paths = self._call("ImageService/ImageFsInfo", b"", messages.IMAGE_FILESYSTEMS)
        return tuple(path for path in paths if path)

    def _call(
        self, method: str, request: bytes, schema: wire.Schema[T], seconds: float = READ_SECONDS
    ) -> T:
        decoder = wire.Decoder(schema)

        def take(piece: bytes) -> None:
            try:
                decoder.take(piece)
            except wire.Malformed as error:
                raise BadAnswer(f"{method}: {error}") from None

        self._channel.read(f"runtime.v1.{method}", request, seconds, take)
        try:
            return decoder.message()
        except wire.Malformed as error:
            raise BadAnswer(f"{method}: {error}") from None

    def _call_unless_gone(self, method: str, request: bytes, schema: wire.Schema[T]) -> T | None:
        try:
            return self._call(method, request, schema)
        except Refused as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise


def _details(info: messages.Info) -> dict[str, Any]:
    """Returns what a verbose answer says beyond the interface. Raises BadAnswer."""
    try:
        details: object = json.loads(dict(info)["info"])
    except (KeyError, ValueError, RecursionError) as error:
        raise BadAnswer(f"the verbose answer has no readable 'info': {error!r}") from None
    if not isinstance(details, dict):
        raise BadAnswer(f"the verbose answer's 'info' is a {type(details).__name__}")
    return cast("dict[str, Any]", details)


def _creation_time(spec: object) -> float | None:
    created = cast("dict[str, object]", spec).get("created") if isinstance(spec, dict) else None
    try:
        time = datetime.fromisoformat(created) if isinstance(created, str) else None
    except ValueError:
        return None
    if time is None or time.tzinfo is None or time < FIRST_CREDIBLE_CREATION:
        return None
    return time.timestamp()
