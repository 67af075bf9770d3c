"""The cleanup container: the agent and its policy in ConfigMaps, and what of the node it sees.

Of the node it needs the runtime's socket, and a directory of its own to remember things in. Whoever
holds the socket commands the runtime as root; what is dropped here (capabilities, privilege
escalation, a service account, every host namespace but the network's) limits what else a flaw in
the agent could reach.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    ConfigMapInitArgs,
    ConfigMapProjectionArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    ExecActionArgs,
    HostPathVolumeSourceArgs,
    ObjectFieldSelectorArgs,
    ProbeArgs,
    ProjectedVolumeSourceArgs,
    ResourceRequirementsArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeProjectionArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from preloader.bundle import build_agent
from preloader.cleanup.spec import (
    CONFIG_DIRECTORY,
    READY_DIRECTORY,
    STATE_DIRECTORY,
    CleanupSpec,
)
from preloader.pods import no_rights

AGENT, POLICY = "agent.pyz", "policy.json"
# Isolated and without site packages, which would take memory for nothing.
RUN_AGENT = ("python3", "-I", "-S", f"{CONFIG_DIRECTORY}/{AGENT}")
# A restart mends no policy that cannot be read.
NEVER_RESTART = 2**31 - 1
CHECKSUM_ANNOTATION = "image-preloader/cleanup-sha256"
CONFIG_VOLUME, RUNTIME_VOLUME, STATE_VOLUME, READY_VOLUME = "cleanup", "runtime", "state", "ready"


@dataclass(frozen=True, slots=True)
class ConfigMapNames:
    """Names of the ConfigMaps in the cluster that a cleanup container reads."""

    program: pulumi.Input[str]
    policy: pulumi.Input[str]


def program_config_map(namespace: pulumi.Input[str]) -> ConfigMapInitArgs:
    """The agent, which is the same for every pool."""
    return ConfigMapInitArgs(
        metadata=ObjectMetaArgs(namespace=namespace),
        binary_data={AGENT: base64.b64encode(build_agent()).decode()},
    )


def policy_config_map(spec: CleanupSpec, namespace: pulumi.Input[str]) -> ConfigMapInitArgs:
    """What the agent may remove from the nodes of one pool."""
    return ConfigMapInitArgs(
        metadata=ObjectMetaArgs(namespace=namespace), data={POLICY: spec.policy_json}
    )


def cleanup_container(spec: CleanupSpec, *, is_sidecar: bool = False) -> ContainerArgs:
    """The container; as a sidecar it starts before the init containers that come after it."""
    port = spec.policy.metrics_port
    return ContainerArgs(
        name="cleanup",
        image=spec.python,
        image_pull_policy="IfNotPresent",
        restart_policy="Always" if is_sidecar else None,
        command=[*RUN_AGENT, "run", "--socket", spec.runtime_socket],
        env=[
            EnvVarArgs(
                name=name,
                value_from=EnvVarSourceArgs(field_ref=ObjectFieldSelectorArgs(field_path=field)),
            )
            for name, field in _node_fields(spec)
        ],
        ports=[ContainerPortArgs(name="metrics", container_port=port)] if port else None,
        # None after the start: each would take more of a core than the agent does. An agent that
        # hangs, or that the runtime leaves without an answer, ends itself and is started anew.
        startup_probe=ProbeArgs(
            exec_=ExecActionArgs(command=[*RUN_AGENT, "ready"]),
            initial_delay_seconds=1,
            period_seconds=2,
            timeout_seconds=10,
            failure_threshold=NEVER_RESTART,
        ),
        resources=ResourceRequirementsArgs(
            requests={"cpu": "5m", "memory": "24Mi"}, limits={"memory": "64Mi"}
        ),
        # The socket belongs to root.
        security_context=no_rights(as_root=True),
        volume_mounts=[
            VolumeMountArgs(name=CONFIG_VOLUME, mount_path=CONFIG_DIRECTORY, read_only=True),
            VolumeMountArgs(
                name=RUNTIME_VOLUME,
                mount_path=spec.socket_directory,
                read_only=True,
                # What the runtime mounts below it, such as the file systems of containers, as well.
                recursive_read_only="IfPossible",
            ),
            VolumeMountArgs(name=STATE_VOLUME, mount_path=STATE_DIRECTORY),
            VolumeMountArgs(name=READY_VOLUME, mount_path=READY_DIRECTORY),
        ],
    )


def _node_fields(spec: CleanupSpec) -> Iterator[tuple[str, str]]:
    yield "NODE_NAME", "spec.nodeName"
    if spec.serves_on_node:
        yield "NODE_ADDRESS", "status.hostIP"


def cleanup_volumes(spec: CleanupSpec, config_maps: ConfigMapNames) -> list[VolumeArgs]:
    """The volumes of the container."""
    sources = [
        VolumeProjectionArgs(config_map=ConfigMapProjectionArgs(name=name))
        for name in (config_maps.program, config_maps.policy)
    ]
    return [
        VolumeArgs(name=CONFIG_VOLUME, projected=ProjectedVolumeSourceArgs(sources=sources)),
        VolumeArgs(
            name=RUNTIME_VOLUME,
            host_path=HostPathVolumeSourceArgs(path=spec.socket_directory, type="Directory"),
        ),
        VolumeArgs(
            name=STATE_VOLUME,
            host_path=HostPathVolumeSourceArgs(path=STATE_DIRECTORY, type="DirectoryOrCreate"),
        ),
        VolumeArgs(
            name=READY_VOLUME,
            empty_dir=EmptyDirVolumeSourceArgs(medium="Memory", size_limit="1Mi"),
        ),
    ]
