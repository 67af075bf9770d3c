"""The Kubernetes objects of a pool: from a spec to typed arguments, without any registration."""

import pulumi
from pulumi_kubernetes.apps.v1 import DaemonSetInitArgs
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    NamespaceInitArgs,
    ResourceQuotaInitArgs,
    ResourceQuotaSpecArgs,
    ResourceRequirementsArgs,
    ScopedResourceSelectorRequirementArgs,
    ScopeSelectorArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from preloader.args import PreloadMode
from preloader.cleanup.manifests import (
    CHECKSUM_ANNOTATION,
    ConfigMapNames,
    cleanup_container,
    cleanup_volumes,
)
from preloader.pods import APPLICATION, PRIORITY_CLASS, daemon_set, no_rights, pod, selector
from preloader.spec import PreloadedImage, PreloaderSpec

# The lane with the least to pull, so that the cleanup's own image delays no large one.
CLEANUP_LANE = 0
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


def lane_daemon_set(
    spec: PreloaderSpec,
    lane: int,
    namespace: pulumi.Input[str],
    config_maps: ConfigMapNames | None,
) -> DaemonSetInitArgs:
    """The DaemonSet of one of the pool's lanes; the first one has the cleanup container.

    `config_maps` are there where the pool has a cleanup.
    """
    cleanup = spec.cleanup if lane == CLEANUP_LANE else None
    init_containers, containers = _lane_containers(spec, lane)
    volumes = [VolumeArgs(name=NO_OP_VOLUME, empty_dir=EmptyDirVolumeSourceArgs(size_limit="8Mi"))]
    if cleanup and config_maps:
        # The first to start of its kind, so that no image that fails to come keeps it from running.
        is_sidecar = spec.mode is PreloadMode.INIT
        first = init_containers if is_sidecar else containers
        first.insert(0, cleanup_container(cleanup, is_sidecar=is_sidecar))
        volumes += cleanup_volumes(cleanup, config_maps)
    return daemon_set(
        selector(spec.pool, f"lane-{lane}"),
        namespace,
        pod(
            spec.placement,
            init_containers=init_containers,
            containers=containers,
            volumes=volumes,
        ),
        rollout=spec.rollout,
        pod_annotations={CHECKSUM_ANNOTATION: cleanup.checksum} if cleanup else None,
    )


def _lane_containers(
    spec: PreloaderSpec, lane: int
) -> tuple[list[ContainerArgs], list[ContainerArgs]]:
    copy = _copy_no_op(spec.helper_images.busybox)
    images = spec.lanes[lane]
    if spec.mode is PreloadMode.HOLD:
        return [copy], [_image_container(image, "sleep", FOREVER_SECONDS) for image in images]
    pulled = [_image_container(image, "true") for image in images]
    return [copy, *pulled], [_container("pause", spec.helper_images.pause)]


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
