"""The article's own preloader: one DaemonSet with one init container an image."""

from collections.abc import Sequence
from typing import Any

NAME = "image-preloader"
NAMESPACE = "kube-system"


def article_preloader(images: Sequence[str], pause: str) -> dict[str, Any]:
    """The manifest of the article for these images, with its pause container."""
    labels = {"app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
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
