"""What a stack file may say."""

from typing import Annotated, cast

import pulumi
from pydantic import Field, PrivateAttr

from nodepools.args import NodeGroupArgs, NodePoolArgs
from nodepools.eks.ami_families import ami_type_of, architecture_of
from nodepools.eks.cluster import ClusterInputs
from nodepools.platforms.args import NodeSettingsArgs
from preloader.agent.policy import Policy
from preloader.args import CleanupArgs, HelperImagesArgs, ImagePreloaderArgs, PreloadArgs, Tolerate
from preloader.lock import Lock
from preloader.nodes import Architecture, TaintArgs
from preloader.placement import ProcessorArgs
from preloader.placement import architecture as placement_architecture
from preloader.plain import Map
from preloader.spec import DEFAULT_LANES
from settings.clusters import Cluster, EksCluster, Strict


class Pool(Strict):
    """The images of one pool, its nodes as Kubernetes sees them, and what makes or sets them up.

    `node_group` is for nodes that the stack makes, `node_settings` for nodes that exist.
    """

    images: list[str]
    architecture: Architecture | None = None
    image_sizes_bytes: dict[str, int] = Field(default_factory=dict[str, int])
    node_labels: dict[str, str] = Field(default_factory=dict[str, str])
    node_taints: list[TaintArgs] = Field(default_factory=list[TaintArgs])
    tolerate: Tolerate = Tolerate.POOL_TAINTS
    preload: PreloadArgs = PreloadArgs()
    cleanup: CleanupArgs = CleanupArgs()
    image_pull_secrets: list[str] = Field(default_factory=list[str])
    helper_images: HelperImagesArgs = HelperImagesArgs()
    node_group: NodeGroupArgs | None = None
    node_settings: NodeSettingsArgs | None = None


class Settings(Strict):
    """One stack: a cluster and the pools in it. `defaults` are merged into every pool."""

    cluster: Annotated[Cluster, Field(discriminator="kind")]
    namespace: str
    create_namespace: bool = True
    pools: dict[str, Pool]
    _lock: Lock = PrivateAttr(default_factory=Lock)

    def locked_by(self, lock: Lock) -> "Settings":
        """Returns these settings with what is known of their images."""
        self._lock = lock
        return self

    def preloader_args(self, pool: Pool, namespace: pulumi.Input[str]) -> ImagePreloaderArgs:
        """What the pool's `ImagePreloader` is given."""
        written = pool.model_dump(
            exclude={"node_group", "node_settings", "architecture"}, exclude_unset=True
        )
        startup_taints = (pool.node_group or {}).get("startup_taints", [])
        if startup_taints:
            # The preloader is among what has to run before they are removed.
            written["node_taints"] = [*pool.node_taints, *startup_taints]
        return cast(
            "ImagePreloaderArgs",
            {
                **written,
                **self._locked(pool),
                **self._pinned(pool),
                "architecture": architecture(pool),
                "namespace": namespace,
            },
        )

    def node_pool_args(self, pool: Pool, cluster: EksCluster | ClusterInputs) -> NodePoolArgs:
        """What the pool's `NodePool` is given, for a pool that has a node group.

        With the cluster as the stack file has it, what names an output stands for its value.
        """
        if isinstance(cluster, EksCluster):
            cluster = cluster.inputs(lambda output: output)
        kept = {"node_labels", "node_taints", "node_group", "images", "image_sizes_bytes"}
        written = pool.model_dump(include=kept, exclude_unset=True)
        given = {
            "node_role_arn": cluster.node_role_arn,
            "security_group_ids": cluster.security_group_ids,
            **_cleanup_marks(pool.cleanup),
        }
        return cast(
            "NodePoolArgs",
            {
                **written,
                **self._locked(pool),
                "cluster_name": cluster.name,
                "subnet_ids": cluster.subnet_ids,
                "lanes": pool.preload.get("lanes", DEFAULT_LANES),
                **{key: value for key, value in given.items() if value is not None},
            },
        )

    def node_settings_args(self, pool: Pool) -> NodeSettingsArgs | None:
        """What the pool's `NodeSettings` is given; None for a pool without any."""
        if pool.node_settings is None:
            return None
        marks = _cleanup_marks(pool.cleanup)
        marks.pop("versions_kept", None)
        given = {"lanes": pool.preload.get("lanes", DEFAULT_LANES), **marks}
        known = {key: value for key, value in given.items() if value is not None}
        return cast("NodeSettingsArgs", {**pool.node_settings, **known})

    def _pinned(self, pool: Pool) -> Map:
        helpers = self._lock.helper_images(pool.helper_images)
        return {"helper_images": helpers} if helpers else {}

    def _locked(self, pool: Pool) -> Map:
        layers_bytes = self._lock.image_layers_bytes(pool.images, architecture(pool))
        return {"image_layers_bytes": layers_bytes} if layers_bytes else {}


def architecture(pool: Pool) -> str:
    """The processors of the pool's nodes: as written, else the AMI's, else by the nodes' label."""
    if pool.architecture is None and pool.node_group is not None:
        return architecture_of(ami_type_of(pool.node_group))
    args: ProcessorArgs = {"node_labels": pool.node_labels}
    if pool.architecture is not None:
        args["architecture"] = pool.architecture
    return placement_architecture(args)


def _cleanup_marks(cleanup: CleanupArgs) -> dict[str, int | None]:
    """What the disk has to allow for so that the cleanup keeps up with the images."""
    if not cleanup.get("enabled", True):
        return {}
    policy = Policy(pool="pool")
    return {
        "versions_kept": cleanup.get("keep_versions", policy.keep_versions),
        "high_water_percent": cleanup.get("high_water_percent", policy.high_water_percent),
    }
