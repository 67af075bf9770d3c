"""What a stack file may say."""

from typing import Annotated, Literal, cast

import pulumi
from pydantic import BaseModel, ConfigDict, Field

from nodepools.args import NodeGroupArgs, NodePoolArgs
from nodepools.platform_args import NodeSettingsArgs
from preloader.agent.policy import Policy
from preloader.args import CleanupArgs, HelperImagesArgs, ImagePreloaderArgs, PreloadArgs, Tolerate
from preloader.nodes import TaintArgs
from preloader.spec import DEFAULT_LANES


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RenderedCluster(_Strict):
    """No cluster: the objects are written to files."""

    kind: Literal["rendered"]
    directory: str = "rendered"


class KubeconfigCluster(_Strict):
    """A cluster that exists, by a context of the kubeconfig."""

    kind: Literal["kubeconfig"]
    context: str
    kubeconfig: str = ""


class EksCluster(_Strict):
    """An EKS cluster that exists, by name or ARN, in which pools can have node groups."""

    kind: Literal["eks"]
    name: str
    region: str
    node_role_arn: str | None = None
    subnet_ids: list[str] = Field(default_factory=list[str])
    security_group_ids: list[str] | None = None


Cluster = RenderedCluster | KubeconfigCluster | EksCluster


class Pool(_Strict):
    """The images of one pool, its nodes as Kubernetes sees them, and what makes or sets them up.

    `node_group` is for nodes that the stack makes, `node_settings` for nodes that exist.
    """

    images: list[str]
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


class Settings(_Strict):
    """One stack: a cluster and the pools in it. `defaults` are merged into every pool."""

    cluster: Annotated[Cluster, Field(discriminator="kind")]
    namespace: str
    create_namespace: bool = True
    pools: dict[str, Pool]

    def preloader_args(self, pool: Pool, namespace: pulumi.Input[str]) -> ImagePreloaderArgs:
        """What the pool's `ImagePreloader` is given."""
        written = pool.model_dump(exclude={"node_group", "node_settings"}, exclude_unset=True)
        startup_taints = (pool.node_group or {}).get("startup_taints", [])
        if startup_taints:
            # The preloader is among what has to run before they are removed.
            written["node_taints"] = [*pool.node_taints, *startup_taints]
        return cast("ImagePreloaderArgs", {**written, "namespace": namespace})

    def node_pool_args(self, pool: Pool, cluster: EksCluster) -> NodePoolArgs:
        """What the pool's `NodePool` is given, for a pool that has a node group."""
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


def _cleanup_marks(cleanup: CleanupArgs) -> dict[str, int | None]:
    """What the disk has to allow for so that the cleanup keeps up with the images."""
    if not cleanup.get("enabled", True):
        return {}
    policy = Policy(pool="pool")
    return {
        "versions_kept": cleanup.get("keep_versions", policy.keep_versions),
        "high_water_percent": cleanup.get("high_water_percent", policy.high_water_percent),
    }
