"""Instance types, as far as their names tell what they have.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

import re
from collections.abc import Iterator

from nodepools.args import NodeGroupArgs
from nodepools.consequences import NO_GROUP
from nodepools.eks.ami_families import ami_type_of, architecture_of
from nodepools.kubelet.args import ImagePullArgs
from preloader.nodes import Architecture
from preloader.problems import Problem

MAX_INSTANCE_TYPES = 20
_NAME = re.compile(
    r"(?P<series>[a-z]+(?:-[a-z0-9]+)?)(?P<generation>\d*)(?P<options>[a-z0-9-]*)\.(?P<size>[a-z0-9-]+)"
)
# None is half as long; on a longer text the pattern takes the square of its length.
_NAME_MAX_LENGTH = 64
# Below FastImagePull's 4 vCPU in every family.
_SMALL_SIZES = ("nano", "micro", "small", "medium", "large")
# In these series the option `d` marks local disks; in others they may be there without it.
_MARKED_SERIES = ("c", "m", "r", "t")
_MARKED_SINCE_GENERATION = 5
# Of the processors' options `g` is AWS's own, which is arm64; the series g, p and inf have others.
_GRAVITON_SERIES = ("c", "m", "r", "t", "i", "im", "is", "x", "hpc")


def check_instance_types(path: str, group: NodeGroupArgs) -> Iterator[Problem]:
    """Yields instance types that lack what the pool is to use."""
    instance_types, at = group["instance_types"], f"{path}.instance_types"
    if not instance_types:
        yield Problem(at, instance_types, f"needs at least one instance type{NO_GROUP}")
    if len(instance_types) > MAX_INSTANCE_TYPES:
        yield Problem(
            at, len(instance_types), f"EKS takes at most {MAX_INSTANCE_TYPES} instance types"
        )
    for index, instance_type in enumerate(instance_types):
        match = _NAME.fullmatch(instance_type[: _NAME_MAX_LENGTH + 1])
        if match is None or len(instance_type) > _NAME_MAX_LENGTH:
            yield Problem(f"{at}[{index}]", instance_type, f"must be such as m7i.large{NO_GROUP}")
        else:
            yield from _check_one(f"{at}[{index}]", instance_type, match, group)
    if group.get("instance_store_gib", 1) < 1:
        yield Problem(
            f"{path}.instance_store_gib",
            group.get("instance_store_gib"),
            "must be 1 or more: the disk budget counts on that size",
        )


def _check_one(
    path: str, instance_type: str, match: re.Match[str], group: NodeGroupArgs
) -> Iterator[Problem]:
    if "instance_store_gib" in group and _has_no_local_disk(match):
        yield Problem(
            path,
            instance_type,
            "has no local disks, which instance_store_gib needs; images would be on the volume",
        )
    pulls = group.get("image_pulls", ImagePullArgs())
    if pulls.get("fast") and match["size"] in _SMALL_SIZES:
        yield Problem(
            path,
            instance_type,
            "is too small for image_pulls.fast: below 4 vCPU and 7 GiB the node ignores it and "
            "says nothing",
        )
    ami_type = ami_type_of(group)
    needed = architecture_of(ami_type)
    if match["series"] in _GRAVITON_SERIES and _architecture(match) != needed:
        yield Problem(
            path,
            instance_type,
            f"is {_architecture(match)}, and AMI type {ami_type} is {needed}; EKS refuses that",
        )


def _architecture(match: re.Match[str]) -> Architecture:
    return Architecture.ARM64 if match["options"].startswith("g") else Architecture.AMD64


def _has_no_local_disk(match: re.Match[str]) -> bool:
    return (
        match["series"] in _MARKED_SERIES
        and int(match["generation"] or 0) >= _MARKED_SINCE_GENERATION
        and "d" not in match["options"]
    ) or match["series"] == "t"
