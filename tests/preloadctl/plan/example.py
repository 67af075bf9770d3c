"""A plan made by hand that has everything a format may have to show, and one that is refused."""

from nodepools.changes import Effect
from preloadctl.plan.model import (
    Bandwidth,
    ChangedSetting,
    Changes,
    LockState,
    Nodes,
    Plan,
    PoolChanges,
    Refusal,
    Retagged,
)
from tests.preloadctl.plan.example_pools import (
    BANDWIDTH,
    BURST,
    EMPTY,
    LONG,
    MARKUP,
    MB,
    ML,
    ONE,
    WEB,
)

CHANGES = Changes(
    since="commit 314fb1b",
    pools=(
        PoolChanges(
            pool="ml",
            is_new=False,
            is_gone=False,
            added=(LONG,),
            dropped=("jupyter/tensorflow-notebook:2023-10-20",),
            retagged=(
                Retagged(
                    before="pytorch/pytorch:2.0.1-cuda11.7-cudnn8-runtime",
                    after="pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime",
                ),
            ),
            relocked=("jupyter/scipy-notebook:latest",),
            bytes_to_pull=8200 * MB,
            nodes=Nodes(least=1, most=6),
            settings=(
                ChangedSetting(
                    path="node_group.image_gc.high_percent",
                    before="80",
                    after="85",
                    effect=Effect.ROLLS_NODES,
                ),
                ChangedSetting(
                    path="node_group.ami_type",
                    before=None,
                    after="AL2023_x86_64_NVIDIA",
                    effect=Effect.REPLACES_GROUP,
                ),
                ChangedSetting(path="cleanup.keep_versions", before="2", after="3", effect=None),
                ChangedSetting(
                    path="node_group.tags",
                    before="team: platform",
                    after=None,
                    effect=Effect.IN_PLACE,
                ),
            ),
        ),
        PoolChanges(
            pool="burst",
            is_new=True,
            is_gone=False,
            added=("ghcr.io/example/worker:main", "redis:7-alpine", "ghcr.io/example/render:5.2"),
            dropped=(),
            retagged=(),
            relocked=(),
            bytes_to_pull=None,
            nodes=None,
            settings=(),
        ),
        PoolChanges(
            pool="batch",
            is_new=False,
            is_gone=True,
            added=(),
            dropped=("python:3.12-slim",),
            retagged=(),
            relocked=(),
            bytes_to_pull=0,
            nodes=None,
            settings=(),
        ),
    ),
    not_compared=None,
)
LOCK = LockState(
    path="Pulumi.prod.images.json",
    exists=True,
    not_locked=("ghcr.io/example/worker:main", "ghcr.io/example/render:5.2"),
    not_listed=("python:3.12-slim",),
)
PLAN = Plan(
    stack="prod",
    bandwidth=BANDWIDTH,
    pools=(ML, WEB, BURST, ONE, EMPTY),
    lock=LOCK,
    changes=CHANGES,
    refusals=(),
)
REFUSED = Plan(
    stack="bad",
    bandwidth=Bandwidth(image_bytes_per_second=25 * MB, node_bytes_per_second=100 * MB),
    pools=(),
    lock=LockState(path="Pulumi.bad.images.json", exists=False, not_locked=(), not_listed=()),
    changes=Changes(since="", pools=(), not_compared="the stack is refused"),
    refusals=(
        Refusal(
            subject="NodePool 'ml'",
            path="node_group.image_gc.low_percent",
            value="85",
            accepted="must be below high_percent (80), or the kubelet does not start and the "
            "node never joins",
        ),
        Refusal(
            subject="ImagePreloader 'ml'",
            path="images[2]",
            value=MARKUP,
            accepted="must be an image reference",
        ),
        Refusal(
            subject="NodePool 'ml'",
            path="node_group.root_volume.size_gib",
            value="120",
            accepted="must be at least 334: 284 GiB = 72 images + 30 the workloads' images + 51 a "
            "rollout + 11 layers being pulled + 16 buffer + 100 logs and writable layers + 4 the "
            "system, in the 84 % of the disk that may be used",
        ),
        Refusal(subject="", path="", value="", accepted="the region of this stack is not ours"),
    ),
)
