"""What a stack file may say."""

from typing import Annotated, Literal, cast

import pulumi
from pydantic import BaseModel, ConfigDict, Field

from nodepools.args import NodeGroupArgs, NodePoolArgs
from preloader.args import HelperImagesArgs, ImagePreloaderArgs, PreloadArgs, Tolerate
from preloader.nodes import TaintArgs


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
    """An EKS cluster that exists, in which pools can have node groups."""

    kind: Literal["eks"]
    name: str
    region: str
    node_role_arn: str | None = None
    subnet_ids: list[str] = Field(default_factory=list[str])


Cluster = RenderedCluster | KubeconfigCluster | EksCluster


class Pool(_Strict):
    """The images of one pool, its nodes as Kubernetes sees them, and the node group they are in."""

    images: list[str]
    image_sizes_bytes: dict[str, int] = Field(default_factory=dict[str, int])
    node_labels: dict[str, str] = Field(default_factory=dict[str, str])
    node_taints: list[TaintArgs] = Field(default_factory=list[TaintArgs])
    tolerate: Tolerate = Tolerate.POOL_TAINTS
    preload: PreloadArgs = PreloadArgs()
    image_pull_secrets: list[str] = Field(default_factory=list[str])
    helper_images: HelperImagesArgs = HelperImagesArgs()
    node_group: NodeGroupArgs | None = None


class Settings(_Strict):
    """One stack: a cluster and the pools in it. `defaults` are merged into every pool."""

    cluster: Annotated[Cluster, Field(discriminator="kind")]
    namespace: str
    create_namespace: bool = True
    pools: dict[str, Pool]

    def preloader_args(self, pool: Pool, namespace: pulumi.Input[str]) -> ImagePreloaderArgs:
        """What the pool's `ImagePreloader` is given."""
        written = pool.model_dump(exclude={"node_group"}, exclude_unset=True)
        return cast("ImagePreloaderArgs", {**written, "namespace": namespace})

    def node_pool_args(self, pool: Pool, cluster: EksCluster) -> NodePoolArgs:
        """What the pool's `NodePool` is given, for a pool that has a node group."""
        kept = {"node_labels", "node_taints", "node_group"}
        written = pool.model_dump(include=kept, exclude_unset=True)
        return cast(
            "NodePoolArgs",
            {
                **written,
                "cluster_name": cluster.name,
                "node_role_arn": cluster.node_role_arn,
                "subnet_ids": cluster.subnet_ids,
            },
        )
