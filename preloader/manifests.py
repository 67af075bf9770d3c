"""The Kubernetes objects of a pool: from a spec to typed arguments, without any registration."""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.apps.v1 import (
    DaemonSetInitArgs,
    DaemonSetSpecArgs,
    DaemonSetUpdateStrategyArgs,
    RollingUpdateDaemonSetArgs,
)
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    CapabilitiesArgs,
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    LocalObjectReferenceArgs,
    NamespaceInitArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ResourceQuotaInitArgs,
    ResourceQuotaSpecArgs,
    ResourceRequirementsArgs,
    ScopedResourceSelectorRequirementArgs,
    ScopeSelectorArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
    TolerationArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from preloader.args import PreloadMode, Rollout, Tolerate
from preloader.spec import PreloadedImage, PreloaderSpec

APPLICATION = "image-preloader"
PRIORITY_CLASS = "system-node-critical"
NO_OP_VOLUME = "no-op"
# Not a path that an image has: the mount must hide nothing that the image's own user could need.
NO_OP_DIRECTORY = "/.image-preloader"
NO_OP = f"{NO_OP_DIRECTORY}/busybox"
# The longest that a 32-bit sleep takes, 68 years.
FOREVER_SECONDS = "2147483647"
# The user `nobody` of most images. The no-op needs no right in an image, not even to its root
# directory's owner, so no image has to run as the user it was built for.
NOBODY = 65534
# Nodes that run pods somewhere else have no images of their own to keep.
NODES_WITHOUT_IMAGES = {
    "eks.amazonaws.com/compute-type": "fargate",
    "type": "virtual-kubelet",
}
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
                metadata=ObjectMetaArgs(labels=selector), spec=_pod(spec, spec.lanes[lane])
            ),
        ),
    )


def _pod(spec: PreloaderSpec, images: Sequence[PreloadedImage]) -> PodSpecArgs:
    copy = _copy_no_op(spec.helper_images.busybox)
    if spec.mode is PreloadMode.HOLD:
        init_containers = [copy]
        containers = [_image_container(image, "sleep", FOREVER_SECONDS) for image in images]
    else:
        init_containers = [copy, *(_image_container(image, "true") for image in images)]
        containers = [_container("pause", spec.helper_images.pause)]
    return PodSpecArgs(
        affinity=_node_affinity(spec),
        tolerations=_tolerations(spec),
        priority_class_name=PRIORITY_CLASS,
        # No pod address is taken from the node, and the images come before the CNI is up.
        host_network=True,
        automount_service_account_token=False,
        enable_service_links=False,
        termination_grace_period_seconds=0,
        security_context=PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=NOBODY,
            run_as_group=NOBODY,
            seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        ),
        image_pull_secrets=[LocalObjectReferenceArgs(name=name) for name in spec.image_pull_secrets]
        or None,
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
        security_context=SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=volume_mounts,
    )


def _node_affinity(spec: PreloaderSpec) -> AffinityArgs:
    requirements = [
        NodeSelectorRequirementArgs(key="kubernetes.io/os", operator="In", values=["linux"]),
        *(
            NodeSelectorRequirementArgs(key=key, operator="NotIn", values=[value])
            for key, value in NODES_WITHOUT_IMAGES.items()
        ),
        *(
            NodeSelectorRequirementArgs(key=key, operator="In", values=[value])
            for key, value in spec.node_labels
        ),
    ]
    return AffinityArgs(
        node_affinity=NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=NodeSelectorArgs(
                node_selector_terms=[NodeSelectorTermArgs(match_expressions=requirements)]
            )
        )
    )


def _tolerations(spec: PreloaderSpec) -> list[TolerationArgs] | None:
    if spec.tolerate is Tolerate.EVERYTHING:
        return [TolerationArgs(operator="Exists")]
    tolerations = [
        TolerationArgs(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)
        for taint in spec.node_taints
    ]
    return tolerations or None
