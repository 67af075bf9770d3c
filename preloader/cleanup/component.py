"""The cleanup on its own, for nodes whose images something else preloads, or nothing does."""

import pulumi
from pulumi_kubernetes.apps.v1 import DaemonSet

from preloader.args import CleanupArgs, HelperImagesArgs, ImageCleanupArgs, Rollout
from preloader.cleanup.config_maps import cleanup_config_maps
from preloader.cleanup.manifests import CHECKSUM_ANNOTATION, cleanup_container, cleanup_volumes
from preloader.cleanup.spec import check_cleanup, cleanup_spec
from preloader.helpers import HelperImages, check_helper_images
from preloader.nodes import check_dns_label
from preloader.placement import check_placement, placement
from preloader.pods import daemon_set, name_in_cluster, pod, selector
from preloader.problems import check_keys, refuse
from preloader.tokens import IMAGE_CLEANUP

PART = "cleanup"


class ImageCleanup(pulumi.ComponentResource):
    """Removes images that nobody needs from every node of one pool, named as the component is.

    An `ImagePreloader` has this in its first lane already. Raises InvalidInput with every problem
    of its inputs, before anything is registered.
    """

    daemon_set_name: pulumi.Output[str]
    """Name of the DaemonSet in the cluster."""

    def __init__(
        self, name: str, args: ImageCleanupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        cleanup = args.get("cleanup", CleanupArgs())
        helpers = args.get("helper_images", HelperImagesArgs())
        refuse(
            f"ImageCleanup {name!r}",
            [
                *check_dns_label("", name),
                *check_keys("", args, ImageCleanupArgs.__annotations__),
                *check_placement(args),
                *check_cleanup("cleanup", (), cleanup),
                *check_helper_images("helper_images", helpers),
            ],
        )
        spec = cleanup_spec(name, (), cleanup, HelperImages(**helpers).python)
        super().__init__(IMAGE_CLEANUP, name, {**args}, opts)
        config_maps = cleanup_config_maps(self, name, spec, args["namespace"])
        child = DaemonSet(
            f"{name}-{PART}-daemon-set",
            daemon_set(
                selector(name, PART),
                args["namespace"],
                pod(
                    placement(args),
                    init_containers=[],
                    containers=[cleanup_container(spec)],
                    volumes=cleanup_volumes(spec, config_maps),
                    host_network=spec.serves_on_node,
                ),
                rollout=Rollout.DETACHED,
                pod_annotations={CHECKSUM_ANNOTATION: spec.checksum},
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.daemon_set_name = name_in_cluster(child)
        self.register_outputs({"daemonSetName": self.daemon_set_name})
