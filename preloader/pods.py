"""What the preloader's pods have in common: where they run, and how little they may do."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.apps.v1 import (
    DaemonSet,
    DaemonSetInitArgs,
    DaemonSetSpecArgs,
    DaemonSetUpdateStrategyArgs,
    RollingUpdateDaemonSetArgs,
)
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    CapabilitiesArgs,
    ConfigMap,
    ContainerArgs,
    LocalObjectReferenceArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
    TolerationArgs,
    VolumeArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from preloader.args import Rollout, Tolerate
from preloader.placement import LINUX, NODES_WITHOUT_IMAGES, OS_LABELS, Placement

APPLICATION = "image-preloader"
PRIORITY_CLASS = "system-node-critical"
# The user `nobody` of most images. What runs needs no right in an image, so no image has to run as
# the user that it was built for.
NOBODY = 65534


def pod(
    placement: Placement,
    *,
    init_containers: Sequence[ContainerArgs],
    containers: Sequence[ContainerArgs],
    volumes: Sequence[VolumeArgs],
    host_network: bool = True,
) -> PodSpecArgs:
    """A pod for the nodes of a pool that costs them next to nothing and is never evicted.

    In the host's network it takes no pod address from the node, and does not wait for the CNI.
    """
    secrets = [LocalObjectReferenceArgs(name=name) for name in placement.image_pull_secrets]
    return PodSpecArgs(
        affinity=_node_affinity(placement),
        tolerations=_tolerations(placement),
        priority_class_name=PRIORITY_CLASS,
        host_network=host_network or None,
        automount_service_account_token=False,
        enable_service_links=False,
        termination_grace_period_seconds=0,
        security_context=PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=NOBODY,
            run_as_group=NOBODY,
            # Where a node has AppArmor its default profile applies unasked; who asks for it is kept
            # off nodes that have none, as those of Amazon Linux and Bottlerocket:
            # https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/security/apparmor/validate.go
            seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        ),
        image_pull_secrets=secrets or None,
        init_containers=list(init_containers) or None,
        containers=list(containers),
        volumes=list(volumes),
    )


def selector(pool: str, part: str) -> dict[str, str]:
    """The labels of one part of what runs on a pool's nodes, by which its DaemonSet finds its pods.

    Immutable in the API, so they must never follow the images.
    """
    return {
        "app.kubernetes.io/name": APPLICATION,
        "app.kubernetes.io/instance": pool,
        "app.kubernetes.io/component": part,
    }


def daemon_set(
    labels: Mapping[str, str],
    namespace: pulumi.Input[str],
    pod: PodSpecArgs,
    *,
    rollout: Rollout,
    pod_annotations: Mapping[str, str] | None = None,
) -> DaemonSetInitArgs:
    """A DaemonSet whose pods have these labels, and no other pods do."""
    awaits = rollout is Rollout.AWAIT
    return DaemonSetInitArgs(
        metadata=ObjectMetaArgs(
            namespace=namespace,
            labels=labels,
            annotations=None if awaits else {"pulumi.com/skipAwait": "true"},
        ),
        spec=DaemonSetSpecArgs(
            selector=LabelSelectorArgs(match_labels=labels),
            # Nothing is served that a rollout could interrupt; one node at a time takes for ever.
            update_strategy=DaemonSetUpdateStrategyArgs(
                type="RollingUpdate",
                rolling_update=RollingUpdateDaemonSetArgs(max_unavailable="100%"),
            ),
            revision_history_limit=2,
            template=PodTemplateSpecArgs(
                metadata=ObjectMetaArgs(labels=labels, annotations=pod_annotations), spec=pod
            ),
        ),
    )


def name_in_cluster(resource: DaemonSet | ConfigMap) -> pulumi.Output[str]:
    """Returns the name that an object has in the cluster, known when it is there."""
    return resource.metadata.apply(lambda metadata: metadata.name or "")


def no_rights(*, as_root: bool = False) -> SecurityContextArgs:
    """A container's security context that leaves it nothing, not even as user 0."""
    return SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=CapabilitiesArgs(drop=["ALL"]),
        run_as_user=0 if as_root else None,
        run_as_group=0 if as_root else None,
        run_as_non_root=False if as_root else None,
    )


def _node_affinity(placement: Placement) -> AffinityArgs:
    requirements = [
        NodeSelectorRequirementArgs(key=OS_LABELS[0], operator="In", values=[LINUX]),
        *(
            NodeSelectorRequirementArgs(key=key, operator="NotIn", values=[value])
            for key, value in NODES_WITHOUT_IMAGES.items()
        ),
        *(
            NodeSelectorRequirementArgs(key=key, operator="In", values=[value])
            for key, value in placement.node_labels
        ),
    ]
    return AffinityArgs(
        node_affinity=NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=NodeSelectorArgs(
                node_selector_terms=[NodeSelectorTermArgs(match_expressions=requirements)]
            )
        )
    )


def _tolerations(placement: Placement) -> list[TolerationArgs] | None:
    if placement.tolerate is Tolerate.EVERYTHING:
        return [TolerationArgs(operator="Exists")]
    tolerations = [
        TolerationArgs(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)
        for taint in placement.node_taints
    ]
    return tolerations or None
