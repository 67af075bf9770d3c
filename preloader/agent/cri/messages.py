"""What the container runtime interface says, as far as the cleanup asks, and how it is encoded.

Field numbers are those of runtime.v1:
https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from preloader.agent.cri import wire

# https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/types/labels.go
_POD_LABELS = ("pod.namespace", "pod.name", "container.name")

# More do not fit the container's memory.
MAX_IMAGES = 10_000

T = TypeVar("T")
Names = tuple[str, ...]
Info = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Image:
    """One image as the runtime lists it; `size` is in bytes, as the runtime counts."""

    id: str
    tags: Names = ()
    digests: Names = ()
    size: int = 0
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """One container in any state; `images` is every name that it has for its image."""

    id: str
    images: Names
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One pod's sandbox in any state."""

    id: str
    name: str = ""


def image_request(image_id: str, *, verbose: bool = False) -> bytes:
    """Encodes what ImageStatus and RemoveImage ask for: one image, by its ID."""
    spec = wire.encode_message(1, wire.encode_text(1, image_id))
    return spec + wire.encode_flag(2, value=True) if verbose else spec


def status_request(identifier: str, *, verbose: bool = False) -> bytes:
    """Encodes what ContainerStatus and PodSandboxStatus ask for."""
    request = wire.encode_text(1, identifier)
    return request + wire.encode_flag(2, value=True) if verbose else request


def _itself(value: T) -> T:
    return value


def _image_names(image: str, user_specified: str, reference: str) -> Names:
    return tuple(name for name in (image, reference, user_specified) if name)


def _container(
    container_id: str, spec: Names | None, image_ref: str, labels: Info, image_id: str
) -> Container:
    names = dict.fromkeys((image_id, image_ref, *(spec or ())))
    return Container(
        container_id, tuple(name for name in names if name), _name_in_pod(labels) or container_id
    )


def _sandbox(sandbox_id: str, labels: Info) -> Sandbox:
    return Sandbox(sandbox_id, _name_in_pod(labels) or sandbox_id)


def _name_in_pod(labels: Iterable[tuple[str, str]]) -> str:
    values = dict(labels)
    parts = (values.get(f"io.kubernetes.{label}", "") for label in _POD_LABELS)
    return "/".join(part for part in parts if part)


def _images(images: tuple[Image, ...]) -> tuple[Image, ...]:
    return images


def _image_status(image: Image | None, info: Info) -> tuple[Image | None, Info]:
    return image, info


def _mount(image: Names | None) -> Names:
    return image or ()


def _mounts(mounts: tuple[Names, ...]) -> Names:
    return tuple(name for mount in mounts for name in mount)


_IMAGE_SPEC = wire.Schema(
    _image_names,
    {1: wire.text("image"), 18: wire.text("user_specified"), 20: wire.text("reference")},
)
_IMAGE = wire.Schema(
    Image,
    {
        1: wire.text("id"),
        2: wire.texts("tags"),
        3: wire.texts("digests"),
        4: wire.number("size"),
        8: wire.flag("pinned"),
    },
)
_CONTAINER = wire.Schema(
    _container,
    {
        1: wire.text("container_id"),
        4: wire.message("spec", _IMAGE_SPEC),
        5: wire.text("image_ref"),
        8: wire.text_map("labels"),
        10: wire.text("image_id"),
    },
)
_SANDBOX = wire.Schema(_sandbox, {1: wire.text("sandbox_id"), 5: wire.text_map("labels")})
_MOUNT = wire.Schema(_mount, {9: wire.message("image", _IMAGE_SPEC)})
_CONTAINER_STATUS = wire.Schema(_mounts, {14: wire.messages("mounts", _MOUNT)})
_MOUNT_POINT: wire.Schema[str] = wire.Schema(_itself, {1: wire.text("value")})
_FILESYSTEM: wire.Schema[str | None] = wire.Schema(
    _itself, {2: wire.message("value", _MOUNT_POINT)}
)

NOTHING: wire.Schema[None] = wire.Schema(lambda: None, {})
IMAGES = wire.Schema(_images, {1: wire.messages("images", _IMAGE, most=MAX_IMAGES)})
CONTAINERS: wire.Schema[tuple[Container, ...]] = wire.Schema(
    _itself, {1: wire.messages("value", _CONTAINER)}
)
SANDBOXES: wire.Schema[tuple[Sandbox, ...]] = wire.Schema(
    _itself, {1: wire.messages("value", _SANDBOX)}
)
IMAGE_STATUS = wire.Schema(
    _image_status, {1: wire.message("image", _IMAGE), 2: wire.text_map("info")}
)
MOUNTED_IMAGES: wire.Schema[Names | None] = wire.Schema(
    _itself, {1: wire.message("value", _CONTAINER_STATUS)}
)
SANDBOX_INFO: wire.Schema[Info] = wire.Schema(_itself, {2: wire.text_map("value")})
IMAGE_FILESYSTEMS: wire.Schema[tuple[str | None, ...]] = wire.Schema(
    _itself, {1: wire.messages("value", _FILESYSTEM)}
)
