"""The Kubernetes objects of a pool: from a spec to typed arguments, without any registration."""

import pulumi
from pulumi_kubernetes.apps.v1 import (
    DaemonSetInitArgs,
    DaemonSetSpecArgs,
    DaemonSetUpdateStrategyArgs,
    RollingUpdateDaemonSetArgs,
)
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    NamespaceInitArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ResourceQuotaInitArgs,
    ResourceQuotaSpecArgs,
    ResourceRequirementsArgs,
    ScopedResourceSelectorRequirementArgs,
    ScopeSelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from preloader.args import PreloadMode, Rollout
from preloader.pods import PRIORITY_CLASS, no_rights, pod
from preloader.spec import PreloadedImage, PreloaderSpec

APPLICATION = "image-preloader"
NO_OP_VOLUME = "no-op"
# Not a path that an image has: the mount must hide nothing that the image's own user could need.
NO_OP_DIRECTORY = "/.image-preloader"
NO_OP = f"{NO_OP_DIRECTORY}/busybox"
# The longest that a 32-bit sleep takes, 68 years.
FOREVER_SECONDS = "2147483647"
# Above any cluster's pod count: the quota is there to allow the priority class, not to limit it.
UNLIMITED_PODS = "1000000"


def namespace(name: str) -> NamespaceInitArgs:
    """The namespace of the preloader's pods.

    Pod Security's two lower levels refuse host networking
    (https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline).
    """
    return NamespaceInitArgs(
        metadata=ObjectMetaArgs(
            name=name,
            labels={
                "app.kubernetes.io/name": APPLICATION,
                "pod-security.kubernetes.io/enforce": "privileged",
            },
        )
    )


def critical_pods_quota(namespace: pulumi.Input[str]) -> ResourceQuotaInitArgs:
    """Allows node-critical pods where a cluster keeps that priority to kube-system, as GKE does.

    https://kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default
    """
    return ResourceQuotaInitArgs(
        metadata=ObjectMetaArgs(
            namespace=namespace, labels={"app.kubernetes.io/name": APPLICATION}
        ),
        spec=ResourceQuotaSpecArgs(
            hard={"pods": UNLIMITED_PODS},
            scope_selector=ScopeSelectorArgs(
                match_expressions=[
                    ScopedResourceSelectorRequirementArgs(
                        scope_name="PriorityClass", operator="In", values=[PRIORITY_CLASS]
                    )
                ]
            ),
        ),
    )


def daemon_set(spec: PreloaderSpec, lane: int, namespace: pulumi.Input[str]) -> DaemonSetInitArgs:
    """The DaemonSet of one of the pool's lanes."""
    # Immutable in the API, so it must never follow the images.
    selector = {
        "app.kubernetes.io/name": APPLICATION,
        "app.kubernetes.io/instance": spec.pool,
        "app.kubernetes.io/component": f"lane-{lane}",
    }
    awaits = spec.rollout is Rollout.AWAIT
    return DaemonSetInitArgs(
        metadata=ObjectMetaArgs(
            namespace=namespace,
            labels=selector,
            annotations=None if awaits else {"pulumi.com/skipAwait": "true"},
        ),
        spec=DaemonSetSpecArgs(
            selector=LabelSelectorArgs(match_labels=selector),
            # Nothing is served that a rollout could interrupt; one node at a time takes for ever.
            update_strategy=DaemonSetUpdateStrategyArgs(
                type="RollingUpdate",
                rolling_update=RollingUpdateDaemonSetArgs(max_unavailable="100%"),
            ),
            revision_history_limit=2,
            template=PodTemplateSpecArgs(
                metadata=ObjectMetaArgs(labels=selector), spec=_lane_pod(spec, lane)
            ),
        ),
    )


def _lane_pod(spec: PreloaderSpec, lane: int) -> PodSpecArgs:
    copy = _copy_no_op(spec.helper_images.busybox)
    images = spec.lanes[lane]
    if spec.mode is PreloadMode.HOLD:
        init_containers = [copy]
        containers = [_image_container(image, "sleep", FOREVER_SECONDS) for image in images]
    else:
        init_containers = [copy, *(_image_container(image, "true") for image in images)]
        containers = [_container("pause", spec.helper_images.pause)]
    return pod(
        spec.placement,
        init_containers=init_containers,
        containers=containers,
        volumes=[
            VolumeArgs(name=NO_OP_VOLUME, empty_dir=EmptyDirVolumeSourceArgs(size_limit="8Mi"))
        ],
    )


def _copy_no_op(busybox: str) -> ContainerArgs:
    """Puts the one binary on the pod's own volume that every image's container runs.

    A static one, so it runs in images without a shell, a libc or any file at all.
    """
    return _container(
        "copy-no-op",
        busybox,
        command=["cp", "/bin/busybox", NO_OP],
        volume_mounts=[VolumeMountArgs(name=NO_OP_VOLUME, mount_path=NO_OP_DIRECTORY)],
    )


def _image_container(image: PreloadedImage, *no_op: str) -> ContainerArgs:
    return _container(
        image.container_name,
        image.written,
        command=[NO_OP, *no_op],
        volume_mounts=[
            VolumeMountArgs(name=NO_OP_VOLUME, mount_path=NO_OP_DIRECTORY, read_only=True)
        ],
    )


def _container(
    name: str,
    image: str,
    command: list[str] | None = None,
    volume_mounts: list[VolumeMountArgs] | None = None,
) -> ContainerArgs:
    return ContainerArgs(
        name=name,
        image=image,
        # With the default a tag `latest` would be asked for at every start of the pod.
        image_pull_policy="IfNotPresent",
        command=command,
        # An image's own working directory may be closed to the user, as `/root` is.
        working_dir="/",
        # GPU runtimes would else hand every container all the GPUs, and need a driver to do so.
        env=[EnvVarArgs(name="NVIDIA_VISIBLE_DEVICES", value="void")],
        # The limit leaves room for the runtime's own start of a container, not for the no-op.
        resources=ResourceRequirementsArgs(
            requests={"cpu": "1m", "memory": "1Mi"}, limits={"memory": "16Mi"}
        ),
        security_context=no_rights(),
        volume_mounts=volume_mounts,
    )
