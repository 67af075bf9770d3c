"""Pools of a plan made by hand: between them all that a format may have to show."""

from collections.abc import Sequence

from nodepools.changes import Effect
from preloadctl.plan.model import (
    Bandwidth,
    DiskPart,
    DiskPlan,
    Nodes,
    NodeSetting,
    PlannedImage,
    PoolPlan,
    PullTimes,
    SettingsFile,
)

MB, GIB = 10**6, 1024**3
BANDWIDTH = Bandwidth(image_bytes_per_second=25 * MB, node_bytes_per_second=None)
MARKUP = "<script>alert('&amp;')</script>"
DIGEST = f"sha256:{'0f3c9a51' * 8}"
LONG = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform/inference/llama@{DIGEST}"


def lane(*images: tuple[str, int, int]) -> tuple[PlannedImage, ...]:
    """Images by reference, size and new layers in MB, one after the other."""
    pulled: list[PlannedImage] = []
    for reference, size_mb, new_mb in images:
        start = pulled[-1].end_seconds or 0.0 if pulled else 0.0
        pulled.append(
            PlannedImage(
                reference=reference,
                size_bytes=size_mb * MB,
                new_bytes=new_mb * MB,
                start_seconds=start,
                end_seconds=start + new_mb * MB / BANDWIDTH.image_bytes_per_second,
            )
        )
    return tuple(pulled)


def times(lanes: Sequence[Sequence[PlannedImage]], one_lane_mb: int) -> PullTimes:
    """The times of lanes that do not hold each other up."""
    sizes = [image.size_bytes or 0 for lane in lanes for image in lane]
    return PullTimes(
        lanes_seconds=max(lane[-1].end_seconds or 0.0 for lane in lanes),
        one_lane_seconds=one_lane_mb * MB / BANDWIDTH.image_bytes_per_second,
        bound_seconds=max(sizes) / BANDWIDTH.image_bytes_per_second,
    )


def unknown(reference: str, size_bytes: int | None = None) -> PlannedImage:
    """An image of which not everything is known, so that nothing follows from its size."""
    return PlannedImage(
        reference=reference,
        size_bytes=size_bytes,
        new_bytes=None,
        start_seconds=None,
        end_seconds=None,
    )


def pool(name: str, **others: object) -> PoolPlan:
    """A pool of which nothing is known but what is said."""
    values: dict[str, object] = {
        "architecture": "amd64",
        "mode": "hold",
        "nodes": None,
        "most_lanes": 4,
        "lanes": (),
        "times": None,
        "total_bytes": None,
        "shared_bytes": None,
        "disk": None,
        "settings": (),
        "settings_files": (),
        "notes": (),
    }
    return PoolPlan(name=name, **(values | others))  # pyright: ignore[reportArgumentType]


ML_LANES = (
    lane(
        ("pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime", 3900, 3900),
        ("registry.example.com/ml/training-job:2025.11.3", 4120, 220),
        ("nvcr.io/nvidia/k8s-device-plugin:v0.17.1", 95, 95),
    ),
    lane(
        ("tensorflow/tensorflow:2.15.0-gpu", 3500, 3500),
        ("registry.example.com/ml/tensorboard:2.15.1", 3512, 0),
        ("quay.io/prometheus/node-exporter:v1.8.2", 12, 12),
        ("jupyter/scipy-notebook:latest", 1400, 750),
    ),
    lane((LONG, 4300, 4300)),
)
ML = pool(
    "ml",
    nodes=Nodes(least=1, most=6),
    lanes=ML_LANES,
    times=times(ML_LANES, 12700),
    total_bytes=12777 * MB,
    shared_bytes=8062 * MB,
    disk=DiskPlan(
        path="node_group.root_volume.size_gib",
        size_gib=334,
        chosen=True,
        smallest_gib=334,
        parts=(
            DiskPart(name="images", size_bytes=72 * GIB),
            DiskPart(name="the workloads' images", size_bytes=30 * GIB),
            DiskPart(name="a rollout", size_bytes=51 * GIB),
            DiskPart(name="layers being pulled", size_bytes=11 * GIB),
            DiskPart(name="buffer", size_bytes=16 * GIB),
            DiskPart(name="logs and writable layers", size_bytes=100 * GIB),
            DiskPart(name="the system", size_bytes=4 * GIB),
        ),
        high_water_percent=84,
        gc_percent=85,
        eviction_percent=90,
    ),
    settings=(
        NodeSetting(
            path="node_group.ami_type", value="AL2023_x86_64_NVIDIA", effect=Effect.REPLACES_GROUP
        ),
        NodeSetting(path="node_group.image_gc", value="85 to 75 %", effect=Effect.ROLLS_NODES),
        NodeSetting(
            path="node_group.disk", value="writable_gib 100", effect=Effect.ROLLS_NODES_IF_RESIZED
        ),
        NodeSetting(path="node_group.scaling", value="1 to 6", effect=Effect.IN_PLACE),
        NodeSetting(path="node_group.limits", value="none", effect=Effect.NOT_TAKEN),
    ),
    settings_files=(
        SettingsFile(
            name="user-data.yaml",
            text="""\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config:
      imageGCHighThresholdPercent: 85
      maxParallelImagePulls: 6
      registryPullQPS: 10  # a line that is longer than a phone is wide, whatever way it is held
""",
        ),
    ),
    notes=(
        "jupyter/scipy-notebook:latest has the pull policy Always.",
        f"An author wrote {MARKUP}.",
    ),
)
WEB_LANES = (
    lane(("nginx:1.25-alpine", 17, 17), ("redis:7-alpine", 17, 14)),
    lane(("node:20-alpine", 42, 42)),
)
WEB = pool(
    "web",
    architecture="arm64",
    nodes=Nodes(least=3, most=3),
    lanes=WEB_LANES,
    times=times(WEB_LANES, 70),
    total_bytes=73 * MB,
    shared_bytes=3 * MB,
    disk=DiskPlan(
        path="node_group.data_volume.size_gib",
        size_gib=40,
        chosen=False,
        smallest_gib=19,
        parts=(
            DiskPart(name="images", size_bytes=GIB // 2),
            DiskPart(name="a rollout", size_bytes=GIB // 4),
            DiskPart(name="logs and writable layers", size_bytes=10 * GIB),
        ),
        high_water_percent=35,
        gc_percent=100,
        eviction_percent=85,
    ),
)
# Karpenter decides how many nodes there are, and the sizes of two images are not known.
BURST = pool(
    "burst",
    mode="init",
    lanes=(
        (unknown("ghcr.io/example/worker:main"), unknown("redis:7-alpine", 17 * MB)),
        (unknown("ghcr.io/example/render:5.2"),),
    ),
    disk=DiskPlan(
        path="node_group.root_volume.size_gib",
        size_gib=60,
        chosen=False,
        smallest_gib=None,
        parts=(),
        high_water_percent=None,
        gc_percent=85,
        eviction_percent=85,
    ),
)
ONE = pool(
    "one",
    lanes=(lane(("golang:1.23", 290, 290)),),
    times=times((lane(("golang:1.23", 290, 290)),), 290),
    total_bytes=290 * MB,
    shared_bytes=0,
)
EMPTY = pool("empty", mode=None)
