"""EBS volumes of type gp3: their size, speed, encryption and where they start from.

Limits: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html and, for the
two ratios, https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nodepools.args import VolumeArgs
from nodepools.consequences import NO_VOLUME
from nodepools.fields import from_args
from preloader.problems import Problem, check_keys, check_range

MAX_SIZE_GIB = 65_536
MIN_IOPS, MAX_IOPS = 3_000, 80_000
MIN_THROUGHPUT_MIBPS, MAX_THROUGHPUT_MIBPS = 125, 2_000
MAX_IOPS_PER_GIB = 500
MAX_THROUGHPUT_MIBPS_PER_IOPS = 0.25
MIN_INITIALIZATION_RATE_MIBPS, MAX_INITIALIZATION_RATE_MIBPS = 100, 300
_SNAPSHOT_ID = re.compile(r"snap-[0-9a-f]{8,17}")
_KMS_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A gp3 volume, encrypted unless a snapshot decides that."""

    size_gib: int
    iops: int = MIN_IOPS
    throughput_mibps: int = MIN_THROUGHPUT_MIBPS
    kms_key_arn: str | None = None
    snapshot_id: str | None = None
    initialization_rate_mibps: int | None = None


def parse_volume(args: VolumeArgs, default_size_gib: int) -> Volume:
    """Returns the checked volume."""
    return from_args(Volume, {"size_gib": default_size_gib, **args})


def check_volume(path: str, args: VolumeArgs, min_size_gib: int) -> Iterator[Problem]:
    """Yields what EC2 would refuse when it launches an instance, which is hours later."""
    yield from check_keys(path, args, VolumeArgs.__annotations__)
    if "size_gib" in args:
        yield from check_range(
            f"{path}.size_gib", args["size_gib"], min_size_gib, MAX_SIZE_GIB, NO_VOLUME
        )
    yield from _check_speed(path, parse_volume(args, MAX_SIZE_GIB), min_size_gib)
    yield from _check_encryption(path, args)
    yield from _check_snapshot(path, args)


def check_root_snapshot(path: str, args: VolumeArgs) -> Iterator[Problem]:
    """Yields a problem where the volume that a node boots from has a snapshot of its own."""
    if "snapshot_id" in args:
        yield Problem(
            f"{path}.snapshot_id",
            args["snapshot_id"],
            "must be left out: EC2 starts the root device from the AMI's own snapshot and launches "
            "no instance otherwise",
        )


def _check_speed(path: str, volume: Volume, min_size_gib: int) -> Iterator[Problem]:
    size_gib, iops, throughput = volume.size_gib, volume.iops, volume.throughput_mibps
    yield from check_range(f"{path}.iops", iops, MIN_IOPS, MAX_IOPS, NO_VOLUME)
    yield from check_range(
        f"{path}.throughput_mibps",
        throughput,
        MIN_THROUGHPUT_MIBPS,
        MAX_THROUGHPUT_MIBPS,
        NO_VOLUME,
    )
    if iops > size_gib * MAX_IOPS_PER_GIB and size_gib >= min_size_gib:
        yield Problem(
            f"{path}.iops",
            iops,
            f"gp3 gives at most {MAX_IOPS_PER_GIB} a GiB: "
            f"{size_gib * MAX_IOPS_PER_GIB} at size_gib {size_gib}",
        )
    if throughput > iops * MAX_THROUGHPUT_MIBPS_PER_IOPS and iops >= MIN_IOPS:
        yield Problem(
            f"{path}.throughput_mibps",
            throughput,
            f"gp3 gives at most {MAX_THROUGHPUT_MIBPS_PER_IOPS} an I/O operation: "
            f"{throughput / MAX_THROUGHPUT_MIBPS_PER_IOPS:.0f} iops are needed, not {iops}",
        )


def _check_encryption(path: str, args: VolumeArgs) -> Iterator[Problem]:
    key = args.get("kms_key_arn")
    if key is None:
        return
    if not _KMS_KEY_ARN.fullmatch(key):
        yield Problem(
            f"{path}.kms_key_arn",
            key,
            f"must be the ARN of a KMS key, not its ID or alias{NO_VOLUME}",
        )
    if "snapshot_id" in args:
        yield Problem(
            f"{path}.kms_key_arn",
            key,
            "must be left out: a volume from a snapshot has the snapshot's encryption, and EC2 "
            "refuses a launch template that says both",
        )


def _check_snapshot(path: str, args: VolumeArgs) -> Iterator[Problem]:
    snapshot = args.get("snapshot_id")
    if snapshot is not None and not _SNAPSHOT_ID.fullmatch(snapshot):
        yield Problem(
            f"{path}.snapshot_id", snapshot, f"must be such as snap-0a1b2c3d4e5f60718{NO_VOLUME}"
        )
    rate = args.get("initialization_rate_mibps")
    if rate is None:
        return
    at = f"{path}.initialization_rate_mibps"
    yield from check_range(
        at, rate, MIN_INITIALIZATION_RATE_MIBPS, MAX_INITIALIZATION_RATE_MIBPS, NO_VOLUME
    )
    if snapshot is None:
        yield Problem(at, rate, "needs snapshot_id: a new volume has nothing to initialise")
