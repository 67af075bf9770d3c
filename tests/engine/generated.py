"""Stacks that set every input of the stack file at least once between them, from a seed."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

STACKS = 20
SEED = 20_260_101
CHANCE = 0.3
IMAGES = (
    "nginx:1.25-alpine",
    "node:20-alpine",
    "redis:7-alpine",
    "ghcr.io/acme/api:2.1.0",
    "registry.example.com:5000/team/worker@sha256:" + "a1" * 32,
    "python:3.12-slim",
)
# What a pool may say, by its path, with values that are right beside any others.
POOL: Mapping[str, Sequence[Any]] = {
    "architecture": ("amd64", "arm64"),
    "node_taints": (
        [{"key": "gpu", "effect": "NoSchedule"}],
        [{"key": "batch", "value": "yes", "effect": "NoExecute"}],
    ),
    "tolerate": ("pool_taints", "everything"),
    "preload.mode": ("hold", "init"),
    "preload.lanes": (1, 2, 5),
    "preload.rollout": ("detached", "await"),
    "preload.rollout_timeout_seconds": (60, 7200),
    "cleanup.enabled": (True, False),
    "cleanup.keep_versions": (1, 3),
    "cleanup.minimum_age_seconds": (0, 86400),
    "cleanup.protect": (["ghcr.io/acme/*"], ["*:stable", "localhost/*"]),
    "cleanup.schedule": ("*/15 * * * *", "30 2 * * 1-5"),
    "cleanup.time_zone": ("Europe/Berlin", "Asia/Kolkata"),
    "cleanup.jitter_seconds": (0, 60),
    "cleanup.high_water_percent": (75, 78),
    "cleanup.low_water_percent": (50, 60),
    "cleanup.high_water_evicts": (True,),
    "cleanup.eviction_percent": (85, 90),
    "cleanup.dry_run": (True,),
    "cleanup.report": ("json", "text"),
    "cleanup.metrics_port": (9464, 19100),
    "cleanup.metrics_address": ("node", "loopback"),
    "cleanup.image_filesystem": ("/var/lib/containerd",),
    "cleanup.runtime_socket": ("/run/k3s/containerd/containerd.sock",),
    "image_pull_secrets": (["registry"], ["registry", "other"]),
    "helper_images.busybox": ("mirror.example.com/busybox:1.37.0-musl",),
    "helper_images.pause": ("mirror.example.com/pause:3.10.1",),
    "helper_images.python": ("mirror.example.com/python:3.13.9-alpine3.22",),
}
NODE_SETTINGS: Mapping[str, Sequence[Any]] = {
    "node_settings.image_gc.high_percent": (82,),
    "node_settings.image_gc.low_percent": (70,),
    "node_settings.image_gc.minimum_age_seconds": (300,),
    "node_settings.eviction.hard": ({"imagefs.available": "10%", "nodefs.available": "10%"},),
    "node_settings.image_pulls.max_parallel": (5, 8),
    "node_settings.container_logs.max_size_mib": (20,),
    "node_settings.container_logs.max_files": (3,),
}
KARPENTER: Mapping[str, Sequence[Any]] = {
    "node_group.capacity_type": ("SPOT", "ON_DEMAND"),
    "node_group.limits": ({"cpu": "200"}, {"cpu": "64", "memory": "256Gi"}),
    "node_group.expire_after": ("Never", "2160h"),
    "node_group.image_gc.high_percent": (85,),
    "node_group.image_gc.low_percent": (70,),
    "node_group.image_pulls.max_parallel": (5, 8),
    "node_group.startup_taints": ([{"key": "example.com/preparing", "effect": "NoSchedule"}],),
    "node_group.tags": ({"team": "platform"},),
    "node_group.metadata_hop_limit": (2,),
}


def settings(number: int) -> dict[str, Any]:
    """Returns the settings of one of the generated stacks, always the same for a number."""
    chance = random.Random(SEED + number)  # noqa: S311 this guards nothing
    with_karpenter = number % 2 == 0
    pools = {
        f"pool-{index}": _pool(chance, number, index, karpenter=with_karpenter and index == 0)
        for index in range(chance.randint(1, 3))
    }
    return {
        "cluster": EKS if with_karpenter else {"kind": "kubeconfig", "context": "any"},
        "namespace": f"preloader-{number}",
        "create_namespace": number % 5 != 1,
        "defaults": {"preload": {"lanes": chance.randint(1, 4)}},
        "pools": pools,
    }


EKS = {
    "kind": "eks",
    "name": "platform",
    "region": "eu-west-1",
    "node_role_arn": "arn:aws:iam::123456789012:role/platform-nodes",
    "security_group_ids": ["sg-0a1b2c3d4e5f60718"],
    "subnet_ids": ["subnet-0a1b2c3d4e5f60718", "subnet-0f1e2d3c4b5a69788"],
}


def _pool(chance: random.Random, number: int, index: int, *, karpenter: bool) -> dict[str, Any]:
    images = chance.sample(IMAGES, chance.randint(1, len(IMAGES)))
    pool: dict[str, Any] = {"images": images, "node_labels": {"pool": f"pool-{index}"}}
    if chance.random() < CHANCE or karpenter:
        pool["image_sizes_bytes"] = {image: chance.randint(10**7, 10**9) for image in images}
    # Each is set in one stack for certain, and in others by chance.
    options = {**POOL, **(KARPENTER if karpenter else NODE_SETTINGS)}
    for place, (path, values) in enumerate(options.items()):
        certain = index == 0 and (place - number) % STACKS < 2
        if certain or chance.random() < CHANCE:
            _set(pool, path, chance.choice(values))
    if karpenter:
        _set(pool, "node_group.kind", "karpenter")
        _set(pool, "node_group.instance_types", ["c7i.xlarge"])
        _set(pool, "node_group.root_volume.size_gib", 80)
        pool.pop("architecture", None)
    elif "node_settings" in pool:
        _set(pool, "node_settings.platform", "self_managed")
    return pool


def _set(pool: dict[str, Any], path: str, value: object) -> None:
    *groups, key = path.split(".")
    for group in groups:
        pool = pool.setdefault(group, {})
    pool[key] = value
