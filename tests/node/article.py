"""The preloader and the images of the article that this project follows, these made here.

What is in them does not matter to preloading: each holds a shell and data that does not compress.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.node import images
from tests.node.registry import Registry

PRELOADER, PRELOADER_NAMESPACE = "image-preloader", "kube-system"
SIZES_BYTES = {
    "g1g1/py-kube": 129_338_587,
    "python:3.12-slim": 43_474_862,
    "golang:1.23": 293_403_951,
    "rust:1.83": 590_583_972,
}
"""What the kubelet shows there as the size of each."""
ML_IMAGES = (
    "pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime",
    "tensorflow/tensorflow:2.15.0-gpu",
    "jupyter/scipy-notebook:latest",
)
WEB_IMAGES = ("nginx:1.25-alpine", "node:20-alpine", "redis:7-alpine")
# Small even where they come from their own registry, and each has `sleep`.
SMALL_IMAGES = ("busybox:1.36", "alpine:3.20", "alpine:3.21")


def push_article_images(registry: Registry, *, scale: float) -> None:
    """Stores all of these images, those of known size at this part of it, the others at 1 MiB."""
    sizes = {name: int(size * scale) for name, size in SIZES_BYTES.items()}
    sizes |= dict.fromkeys((*ML_IMAGES, *WEB_IMAGES, *SMALL_IMAGES), images.MIB)
    for name, size in sizes.items():
        registry.push(images.with_shell(size, seed=name), name)


def article_preloader(
    images: Sequence[str], pause: str, node_labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The article's manifest for these images: one DaemonSet with one init container an image."""
    labels = {"app": PRELOADER}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": PRELOADER, "namespace": PRELOADER_NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeSelector": dict(node_labels or {}),
                    "tolerations": [{"operator": "Exists"}],
                    "initContainers": [
                        {
                            "name": f"preload-{number}",
                            "image": image,
                            "imagePullPolicy": "IfNotPresent",
                            "command": ["/bin/sh", "-c", f"echo preloaded {image}"],
                        }
                        for number, image in enumerate(images)
                    ],
                    "containers": [
                        {"name": "pause", "image": pause, "imagePullPolicy": "IfNotPresent"}
                    ],
                },
            },
        },
    }
