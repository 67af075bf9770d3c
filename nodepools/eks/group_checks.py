"""What a managed node group and a Karpenter pool each take, and what they refuse."""

import re
from collections.abc import Iterator, Sequence

from nodepools.args import (
    NodeGroupArgs,
    NodeGroupKind,
    NodePoolArgs,
    NodeRoleArgs,
    ScalingArgs,
    UpdateArgs,
    UpdateStrategy,
)
from nodepools.consequences import NO_GROUP, NO_NODE_CLASS
from nodepools.eks.ami_families import BOTTLEROCKET, Family, ami_type_of
from nodepools.kubelet.args import ImageGcArgs, ImagePullArgs
from preloader.plain import is_list
from preloader.problems import Problem, check_choice, check_keys, check_range, join

MAX_UNAVAILABLE = 100
MAX_UPDATE_TIMEOUT_MINUTES = 24 * 60
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy/.+")
# AWS's IDs have 17 hexadecimal digits since 2018, and 8 before.
_IDS = {
    "subnet_ids": r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})",
    "security_group_ids": r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})",
}
_ID_EXAMPLES = {
    "subnet_ids": "subnet-0a1b2c3d4e5f60718",
    "security_group_ids": "sg-0a1b2c3d4e5f60718",
}
_VERSION = re.compile(r"1\.\d{2}")
# The pattern of Karpenter's CRD.
_EXPIRY = re.compile(r"(?:\d+[smh])+|Never")
_QUANTITY = re.compile(r"\d+(?:\.\d+)?(?:m|[kMGT]i?|)")

NOT_FOR_KARPENTER = {
    "scaling": "Karpenter makes as many nodes as pods need; limits bounds them",
    "update": "Karpenter replaces nodes as their disruption budget allows",
    "version": "Karpenter's nodes have the cluster's version",
    "node_role": "Karpenter's nodes need a role that the cluster admits; give node_role_arn",
}
NOT_FOR_MANAGED = {
    "limits": "a managed group has scaling; only Karpenter has limits",
    "expire_after": "EKS lets nodes live; only Karpenter replaces them by their age",
}


def check_kind(args: NodePoolArgs, family: Family) -> Iterator[Problem]:
    """Yields keys of the other kind, and what this kind cannot do without."""
    group = args["node_group"]
    karpenter = group.get("kind") == NodeGroupKind.KARPENTER
    for key, why in (NOT_FOR_KARPENTER if karpenter else NOT_FOR_MANAGED).items():
        if key in group:
            yield Problem(f"node_group.{key}", group.get(key), f"must be left out: {why}")
    if karpenter:
        yield from _check_karpenter(args, family)
    elif "scaling" not in group:
        yield Problem("node_group.scaling", None, "is required: EKS makes no group without a size")


def check_scaling(path: str, group: NodeGroupArgs) -> Iterator[Problem]:
    """Yields sizes that EKS refuses."""
    if "scaling" not in group:
        return
    scaling = group["scaling"]
    yield from check_keys(path, scaling, ScalingArgs.__annotations__)
    smallest, largest = scaling["min_size"], scaling["max_size"]
    if smallest < 0:
        yield Problem(f"{path}.min_size", smallest, f"must be 0 or more{NO_GROUP}")
    if largest < max(1, smallest):
        yield Problem(
            f"{path}.max_size",
            largest,
            f"must be at least 1 and at least min_size ({smallest}){NO_GROUP}",
        )
    desired = scaling.get("desired_size", smallest)
    if not smallest <= desired <= max(smallest, largest):
        yield Problem(
            f"{path}.desired_size",
            desired,
            f"must be from min_size ({smallest}) to max_size ({largest}){NO_GROUP}",
        )


def check_update(path: str, group: NodeGroupArgs) -> Iterator[Problem]:
    """Yields update settings that EKS refuses."""
    update = group.get("update", UpdateArgs())
    yield from check_keys(path, update, UpdateArgs.__annotations__)
    for key in ("max_unavailable", "max_unavailable_percent"):
        yield from check_range(f"{path}.{key}", update.get(key, 1), 1, MAX_UNAVAILABLE, NO_GROUP)
    if "max_unavailable" in update and "max_unavailable_percent" in update:
        yield Problem(
            f"{path}.max_unavailable_percent",
            update["max_unavailable_percent"],
            "must be left out where max_unavailable is given; EKS refuses both",
        )
    yield from check_choice(
        f"{path}.strategy",
        update.get("strategy", UpdateStrategy.DEFAULT),
        UpdateStrategy,
        NO_GROUP,
    )
    yield from check_range(
        f"{path}.timeout_minutes",
        update.get("timeout_minutes", 60),
        1,
        MAX_UPDATE_TIMEOUT_MINUTES,
        ": a deployment waits so long for an update of all nodes",
    )


def check_versions(path: str, group: NodeGroupArgs, family: Family) -> Iterator[Problem]:
    """Yields versions that are not written as EKS writes them, or that are not of one another."""
    version, release = group.get("version"), group.get("release_version")
    if version is not None and not _VERSION.fullmatch(version):
        yield Problem(
            f"{path}.version", version, f"must be such as 1.33, without a patch version{NO_GROUP}"
        )
    if release is None:
        return
    if not family.release_version.fullmatch(release):
        example = "1.47.0-26d2b3f0" if family is BOTTLEROCKET else "1.33.1-20250704"
        yield Problem(
            f"{path}.release_version",
            release,
            f"must be a release of the AMI, such as {example}{NO_GROUP}",
        )
    elif version and family is not BOTTLEROCKET and not release.startswith(f"{version}."):
        yield Problem(
            f"{path}.release_version",
            release,
            f"must be a release of Kubernetes {version}, as version says, or EKS refuses the group",
        )


def check_node_role(path: str, args: NodePoolArgs) -> Iterator[Problem]:
    """Yields a role that is both given and to be made, and ARNs that are none."""
    role = args["node_group"].get("node_role", NodeRoleArgs())
    yield from check_keys(path, role, NodeRoleArgs.__annotations__)
    given = args.get("node_role_arn")
    if role and given is not None:
        yield Problem(path, dict(role), "must be left out: with node_role_arn no role is made")
    if isinstance(given, str) and not _ROLE_ARN.fullmatch(given):
        yield Problem(
            "node_role_arn", given, f"must be the ARN of an IAM role, not its name{NO_GROUP}"
        )
    boundary = role.get("permissions_boundary_arn")
    if boundary is not None and not _POLICY_ARN.fullmatch(boundary):
        yield Problem(
            f"{path}.permissions_boundary_arn",
            boundary,
            "must be the ARN of an IAM policy, or IAM refuses the role",
        )
    subnets = args["subnet_ids"]
    if isinstance(subnets, Sequence) and not subnets:
        yield Problem("subnet_ids", list(subnets), f"needs at least one subnet{NO_GROUP}")


def check_network(args: NodePoolArgs) -> Iterator[Problem]:
    """Yields what cannot be the ID of a subnet or of a security group, as far as it is known."""
    for key, pattern in _IDS.items():
        values: object = args.get(key)
        for index, value in enumerate(values if is_list(values) else ()):
            if isinstance(value, str) and not re.fullmatch(pattern, value):
                accepted = f"must be an ID such as {_ID_EXAMPLES[key]}{NO_GROUP}"
                yield Problem(f"{key}[{index}]", value, accepted)


def _check_karpenter(args: NodePoolArgs, family: Family) -> Iterator[Problem]:
    group = args["node_group"]
    for key, why in (
        ("node_role_arn", "Karpenter gives it to the nodes, and the cluster has to admit it"),
        ("security_group_ids", "Karpenter has no default for the nodes' security groups"),
    ):
        if args.get(key) is None:
            yield Problem(key, None, f"is required for Karpenter: {why}")
    expire_after = group.get("expire_after", "Never")
    if not _EXPIRY.fullmatch(expire_after):
        yield Problem(
            "node_group.expire_after",
            expire_after,
            f"must be such as 720h, or Never{NO_NODE_CLASS}",
        )
    for name, amount in group.get("limits", {}).items():
        if not _QUANTITY.fullmatch(amount):
            yield Problem(
                join("node_group.limits", name),
                amount,
                f"must be such as 100 or 400Gi, quoted{NO_NODE_CLASS}",
            )
    if "_FIPS" in ami_type_of(group):
        yield Problem(
            "node_group.ami_type",
            group.get("ami_type"),
            "has no alias in Karpenter; leave out FIPS",
        )
    if family is BOTTLEROCKET:
        yield from _check_karpenter_bottlerocket(group)


def _check_karpenter_bottlerocket(group: NodeGroupArgs) -> Iterator[Problem]:
    # Karpenter writes settings.kubernetes anew from the keys that it knows:
    # https://github.com/aws/karpenter-provider-aws (pkg/providers/amifamily/bootstrap).
    image_gc, pulls = (
        group.get("image_gc", ImageGcArgs()),
        group.get("image_pulls", ImagePullArgs()),
    )
    dropped = [
        *(
            (f"image_gc.{key}", image_gc.get(key))
            for key in ("minimum_age_seconds", "maximum_age_seconds")
        ),
        ("image_pulls.max_parallel", pulls.get("max_parallel")),
    ]
    for key, value in dropped:
        if value is not None:
            yield Problem(
                f"node_group.{key}",
                value,
                "must be left out: Karpenter drops this setting from the user data of Bottlerocket",
            )
    if pulls.get("fast") and "instance_store_gib" in group:
        yield Problem(
            "node_group.image_pulls.fast",
            pulls.get("fast"),
            "must be left out: where Karpenter puts Bottlerocket's images on local disks, the SOCI "
            "snapshotter's stay on the volume",
        )
