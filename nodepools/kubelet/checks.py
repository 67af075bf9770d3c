"""Checks of a kubelet's settings, against each other and against the images of its pool."""

from collections.abc import Iterator

from nodepools.consequences import NO_NODE
from nodepools.fields import from_args
from nodepools.kubelet.args import ContainerLogArgs, ImageGcArgs, ImagePullArgs
from nodepools.kubelet.settings import (
    DEFAULT_MINIMUM_AGE_SECONDS,
    DEFAULT_REGISTRY_BURST,
    DEFAULT_REGISTRY_QPS,
    IMAGE_GC_OFF_PERCENT,
    ImageGc,
    ImagePulls,
)
from preloader.problems import Problem, check_keys, check_range


def check_image_gc(path: str, args: ImageGcArgs, eviction_percent: int) -> Iterator[Problem]:
    """Yields thresholds that contradict each other or lie above the eviction line."""
    yield from check_keys(path, args, ImageGcArgs.__annotations__)
    image_gc = from_args(ImageGc, args)
    high, low = image_gc.high_percent, image_gc.low_percent
    yield from check_range(f"{path}.high_percent", high, 0, 100, NO_NODE)
    yield from check_range(f"{path}.low_percent", low, 0, 100, NO_NODE)
    if low >= high:
        yield Problem(f"{path}.low_percent", low, f"must be below high_percent ({high}){NO_NODE}")
    if eviction_percent <= high < IMAGE_GC_OFF_PERCENT:
        yield Problem(
            f"{path}.high_percent",
            high,
            f"must be below {eviction_percent}, where the kubelet evicts and deletes every "
            f"unused image at once, or {IMAGE_GC_OFF_PERCENT} for no collection at all",
        )
    yield from _check_ages(path, image_gc)


def check_high_water(
    path: str, high_water_percent: int | None, image_gc: ImageGcArgs, eviction_percent: int
) -> Iterator[Problem]:
    """Yields a problem unless the cleanup deletes old images before the kubelet deletes any."""
    if high_water_percent is None:
        return
    yield from check_range(path, high_water_percent, 1, 100, ", or the cleanup does not start")
    if high_water_percent >= eviction_percent:
        yield Problem(
            path,
            high_water_percent,
            f"must be below {eviction_percent}, where the kubelet evicts: it would delete every "
            "unused image before the cleanup removes old ones",
        )
    high = from_args(ImageGc, image_gc).high_percent
    if high < IMAGE_GC_OFF_PERCENT and high_water_percent >= high:
        yield Problem(
            path,
            high_water_percent,
            f"must be below image_gc.high_percent ({high}), or the kubelet deletes images, the "
            "least recently used first, before the cleanup does",
        )


def check_image_pulls(path: str, args: ImagePullArgs, lanes: int) -> Iterator[Problem]:
    """Yields limits that the kubelet refuses, or that hold up `lanes` simultaneous pulls."""
    yield from check_keys(path, args, ImagePullArgs.__annotations__)
    pulls = from_args(ImagePulls, args)
    if pulls.serialize and lanes > 1:
        yield Problem(
            f"{path}.serialize",
            pulls.serialize,
            f"must be false: {lanes} lanes would pull one after another",
        )
    yield from _check_max_parallel(f"{path}.max_parallel", pulls, lanes)
    yield from _check_registry_rate(path, pulls, lanes)


def check_container_logs(path: str, args: ContainerLogArgs) -> Iterator[Problem]:
    """Yields log limits that the kubelet refuses."""
    yield from check_keys(path, args, ContainerLogArgs.__annotations__)
    if args.get("max_files", 2) < 2:  # noqa: PLR2004 the one written and the one before
        yield Problem(f"{path}.max_files", args.get("max_files"), f"must be 2 or more{NO_NODE}")
    if args.get("max_size_mib", 1) < 1:
        yield Problem(
            f"{path}.max_size_mib",
            args.get("max_size_mib"),
            "must be 1 or more, or each line that a container logs rotates its file",
        )


def _check_ages(path: str, image_gc: ImageGc) -> Iterator[Problem]:
    minimum = image_gc.minimum_age_seconds
    maximum = image_gc.maximum_age_seconds
    if minimum is not None and minimum < 0:
        yield Problem(f"{path}.minimum_age_seconds", minimum, f"must be 0 or more{NO_NODE}")
    if maximum is None:
        return
    least = DEFAULT_MINIMUM_AGE_SECONDS if minimum is None else minimum
    if maximum < 0 or 0 < maximum <= least:
        yield Problem(
            f"{path}.maximum_age_seconds",
            maximum,
            f"must be 0 for never, or above minimum_age_seconds ({least}){NO_NODE}",
        )


def _check_max_parallel(path: str, pulls: ImagePulls, lanes: int) -> Iterator[Problem]:
    most = pulls.max_parallel
    if most is None:
        return
    if most < 1:
        yield Problem(path, most, f"must be 1 or more{NO_NODE}")
    elif pulls.serialize and most > 1:
        yield Problem(path, most, f"must be 1 while serialize is true{NO_NODE}")
    elif most < lanes and not pulls.serialize:
        yield Problem(
            path, most, f"must be at least {lanes}, the pool's lanes, or they wait for each other"
        )


def _check_registry_rate(path: str, pulls: ImagePulls, lanes: int) -> Iterator[Problem]:
    qps, burst = pulls.registry_qps, pulls.registry_burst
    if qps is not None and qps < 0:
        yield Problem(f"{path}.registry_qps", qps, f"must be 0 for no limit, or more{NO_NODE}")
    if burst is not None and burst < 0:
        yield Problem(f"{path}.registry_burst", burst, f"must be 0 or more{NO_NODE}")
        return
    limited = (DEFAULT_REGISTRY_QPS if qps is None else qps) > 0
    at_once = DEFAULT_REGISTRY_BURST if burst is None else burst
    if limited and at_once < lanes:
        yield Problem(
            f"{path}.registry_burst",
            at_once,
            f"must be at least {lanes}, the pool's lanes, which all begin at once, or some pulls "
            "fail with 'pull QPS exceeded' and are tried again ever more slowly",
        )
