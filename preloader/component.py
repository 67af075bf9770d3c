"""The components: they register what the manifests describe, and nothing else."""

import pulumi
from pulumi_kubernetes.apps.v1 import DaemonSet
from pulumi_kubernetes.core.v1 import Namespace, ResourceQuota

from preloader.args import ImagePreloaderArgs, PreloaderNamespaceArgs, Rollout
from preloader.cleanup.config_maps import cleanup_config_maps
from preloader.manifests import critical_pods_quota, lane_daemon_set, namespace
from preloader.nodes import check_dns_label
from preloader.pods import name_in_cluster
from preloader.problems import refuse
from preloader.spec import PreloaderSpec, preloader_spec, preloader_warnings, unknown_sizes
from preloader.tokens import IMAGE_PRELOADER, PACKAGE


class PreloaderNamespace(pulumi.ComponentResource):
    """The namespace that the preloaders of a stack share."""

    name: pulumi.Output[str]
    """Name of the namespace, known when it is there."""

    def __init__(
        self, name: str, args: PreloaderNamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        refuse(f"PreloaderNamespace {name!r}", check_dns_label("name", args["name"]))
        super().__init__(f"{PACKAGE}:PreloaderNamespace", name, {**args}, opts)
        child = Namespace(
            f"{name}-namespace",
            namespace(args["name"]),
            # People and pull secrets refer to it by name, so a second one cannot stand beside it.
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name = child.metadata.apply(lambda metadata: metadata.name or args["name"])
        ResourceQuota(
            f"{name}-critical-pods",
            critical_pods_quota(self.name),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"name": self.name})


class ImagePreloader(pulumi.ComponentResource):
    """Keeps a set of images on every node of one pool, which is named as the component is.

    Make it depend on the pool's node group where the same program creates that. Raises InvalidInput
    with every problem of its inputs, before anything is registered.
    """

    daemon_set_names: pulumi.Output[list[str]]
    """Names of the DaemonSets in the cluster, one a lane."""

    def __init__(
        self, name: str, args: ImagePreloaderArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = preloader_spec(name, args)
        super().__init__(IMAGE_PRELOADER, name, {**args}, opts)
        for warning in preloader_warnings(args):
            pulumi.log.warn(str(warning.under(name)), self)
        if unknown := unknown_sizes(spec):
            pulumi.log.info(f"{name}: {unknown}", self)
        config_maps = (
            cleanup_config_maps(self, name, spec.cleanup, args["namespace"])
            if spec.cleanup
            else None
        )
        daemon_sets = [
            DaemonSet(
                f"{name}-lane-{lane}",
                lane_daemon_set(spec, lane, args["namespace"], config_maps),
                self._daemon_set_options(spec),
            )
            for lane in range(len(spec.lanes))
        ]
        self.daemon_set_names = pulumi.Output.all(*map(name_in_cluster, daemon_sets))
        self.register_outputs({"daemonSetNames": self.daemon_set_names})

    def _daemon_set_options(self, spec: PreloaderSpec) -> pulumi.ResourceOptions:
        timeout = f"{spec.rollout_timeout_seconds}s"
        return pulumi.ResourceOptions(
            parent=self,
            custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
            if spec.rollout is Rollout.AWAIT
            else None,
        )
