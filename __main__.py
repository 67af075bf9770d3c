"""The stack's program: its settings, the providers, each pool's components, and the exports."""

import pulumi
import pulumi_kubernetes as kubernetes

import settings
from nodepools.eks.cluster import ClusterInputs, OtherStacks
from preloader import ImagePreloader, PreloaderNamespace


def providers(
    cluster: settings.RenderedCluster | settings.KubeconfigCluster | ClusterInputs,
) -> list[pulumi.ProviderResource]:
    """The providers of a stack; the empty kubeconfigs keep $KUBECONFIG out of its state."""
    match cluster:
        case settings.RenderedCluster(directory=directory):
            folder = directory or f"rendered/{pulumi.get_stack()}"
            return [kubernetes.Provider("cluster", kubeconfig="", render_yaml_to_directory=folder)]
        case settings.KubeconfigCluster(kubeconfig=kubeconfig, context=context):
            # Where it is a kubeconfig's content and not its path, it holds credentials.
            secret = pulumi.Output.secret(kubeconfig)
            return [kubernetes.Provider("cluster", kubeconfig=secret, context=context)]
        case ClusterInputs(name=name, region=region):
            # Here, since other stacks should not pay for pulumi_aws.
            from nodepools.eks.providers import eks_providers  # noqa: PLC0415

            return eks_providers(name, region)


stack = settings.load(pulumi.Config())
cluster = stack.cluster
if isinstance(cluster, settings.EksCluster):
    cluster = cluster.inputs(OtherStacks().read)
inherited = pulumi.ResourceOptions(providers=providers(cluster))
namespace = stack.namespace
if stack.create_namespace:
    namespace = PreloaderNamespace("preloader", {"name": namespace}, inherited).name

exports: dict[str, dict[str, pulumi.Output[str] | pulumi.Output[list[str]]]] = {}
for name, pool in stack.pools.items():
    exports[name] = {}
    options = inherited
    if pool.node_group and isinstance(cluster, ClusterInputs):
        from nodepools import KarpenterPool, NodeGroupKind, NodePool

        node_pool = stack.node_pool_args(pool, cluster)
        karpenter = node_pool["node_group"].get("kind") == NodeGroupKind.KARPENTER
        nodes = (KarpenterPool if karpenter else NodePool)(name, node_pool, inherited)
        exports[name] |= nodes.names
        options = pulumi.ResourceOptions.merge(
            inherited, pulumi.ResourceOptions(depends_on=[nodes])
        )
    if node_settings := stack.node_settings_args(pool):
        from nodepools import NodeSettings

        NodeSettings(name, node_settings)
    preloader = ImagePreloader(name, stack.preloader_args(pool, namespace), options)
    exports[name]["daemon_set_names"] = preloader.daemon_set_names

pulumi.export("namespace", namespace)
pulumi.export("pools", exports)
