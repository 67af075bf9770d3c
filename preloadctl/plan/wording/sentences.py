"""What is said of a plan in words, in the page and in the picture alike."""

from preloadctl.plan.model import Bandwidth, DiskPlan, Nodes, PlannedImage, PoolPlan, PullTimes
from preloadctl.plan.units import bandwidth_text, duration_text, size_text

NOT_KNOWN = "not known"
# What the kubelet is told where it is to do nothing, however full the disk.
NEVER_PERCENT = 100
# A smaller difference is not worth a word.
LEAST_RATIO = 1.05


def pulls_with(bandwidth: Bandwidth) -> str:
    """The bandwidth that times follow from: `25 MB/s an image and 100 MB/s a node`."""
    image = f"{bandwidth_text(bandwidth.image_bytes_per_second)} an image"
    if bandwidth.node_bytes_per_second is None:
        return image
    return f"{image} and {bandwidth_text(bandwidth.node_bytes_per_second)} a node"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number of things: `1 image`, `3 images`."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def capitalized(text: str) -> str:
    """A text as a sentence begins; its other letters stay."""
    return f"{text[:1].upper()}{text[1:]}"


def nodes_text(nodes: Nodes | None) -> str:
    """How many nodes there are: `3`, `1 to 6`."""
    if nodes is None:
        return NOT_KNOWN
    return str(nodes.least) if nodes.least == nodes.most else f"{nodes.least} to {nodes.most}"


def images_text(pool: PoolPlan) -> str:
    """How a pool's images are pulled: `8 images in 3 lanes`."""
    if not pool.lanes:
        return "no images"
    images = counted(sum(map(len, pool.lanes)), "image")
    return f"{images} in {counted(len(pool.lanes), 'lane')}"


def bytes_text(size_bytes: int | None) -> str:
    """A compressed size, or that it is not known."""
    return NOT_KNOWN if size_bytes is None else size_text(size_bytes)


def seconds_text(seconds: float | None) -> str:
    """A duration, or that it is not known."""
    return NOT_KNOWN if seconds is None else duration_text(seconds)


def times_compared(times: PullTimes, lanes: int) -> str:
    """When a new node has every image, against one lane and against the best possible."""
    planned = duration_text(times.lanes_seconds)
    if lanes == 1:
        return f"A new node has every image after {planned}, pulling one after the other."
    ratio = times.one_lane_seconds / times.lanes_seconds if times.lanes_seconds else 1
    times_as_long = f"{ratio:.1f}".removesuffix(".0")
    more = f", {times_as_long} times as long" if ratio >= LEAST_RATIO else ""
    is_best = times.lanes_seconds < LEAST_RATIO * times.bound_seconds
    bound = (
        "More lanes would not be faster."
        if is_best
        else f"However many the lanes, it takes at least {duration_text(times.bound_seconds)}."
    )
    return (
        f"A new node has every image after {planned}. One lane would take "
        f"{duration_text(times.one_lane_seconds)}{more}. {bound}"
    )


def disk_text(disk: DiskPlan) -> str:
    """The size of a pool's disk, and how it compares with what it has to hold."""
    if disk.chosen:
        return f"{disk.size_gib} GiB, chosen to fit"
    if disk.smallest_gib is None:
        return f"{disk.size_gib} GiB; what it has to hold is not known"
    return f"{disk.size_gib} GiB; at least {disk.smallest_gib} GiB are needed"


def marks_text(disk: DiskPlan) -> str:
    """What happens at the marks on a disk, in the order in which it fills."""
    happens = [
        (disk.gc_percent, "the kubelet deletes images, the least recently used first"),
        (disk.eviction_percent, "the kubelet deletes every unused image, and then evicts pods"),
    ]
    if disk.high_water_percent is not None:
        happens.insert(0, (disk.high_water_percent, "the cleanup removes images"))
    said = (f"at {percent} % {what}" for percent, what in happens if percent < NEVER_PERCENT)
    never = "" if disk.gc_percent < NEVER_PERCENT else " Image GC is off."
    return f"{capitalized('; '.join(said))}.{never}"


def unknown_sizes(pools: tuple[PoolPlan, ...]) -> tuple[PlannedImage, ...]:
    """The images whose size is not known, each once."""
    by_reference = {
        image.reference: image
        for pool in pools
        for lane in pool.lanes
        for image in lane
        if image.size_bytes is None
    }
    return tuple(by_reference.values())
