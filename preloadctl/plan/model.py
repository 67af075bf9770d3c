"""What a plan says of a stack: plain values, which every format of it shows.

Sizes are compressed bytes unless they say otherwise. What is not known is None, never a guess.
"""

from dataclasses import dataclass

from nodepools.changes import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """What a node is taken to pull with: one image at a time, and all lanes of it together."""

    image_bytes_per_second: int
    node_bytes_per_second: int | None
    """None where the lanes are not held up by each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImage:
    """One image in its lane, and when a new node pulls it."""

    reference: str
    size_bytes: int | None
    new_bytes: int | None
    """Of its layers those that no image before it in the lane has."""
    start_seconds: float | None
    end_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTimes:
    """Seconds until a new node has every image: as planned, and what it is to be compared with."""

    lanes_seconds: float
    one_lane_seconds: float
    bound_seconds: float
    """No number of lanes is faster: the largest image alone, or all bytes over the node's whole
    bandwidth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPart:
    """A part of what the images' disk has to hold, in bytes on the disk."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPlan:
    """The disk that holds a pool's images, and the marks on it as shares of its size."""

    path: str
    """The input that sets its size."""
    size_gib: int
    chosen: bool
    """Whether the size follows from the budget, being written nowhere."""
    smallest_gib: int | None
    parts: tuple[DiskPart, ...]
    """Empty where the budget is not known."""
    high_water_percent: int | None
    gc_percent: int
    """Where the kubelet's image garbage collection begins; 100 is never."""
    eviction_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSetting:
    """One input of a node pool, its value as text, and what a change of it does to the nodes."""

    path: str
    value: str
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A file to give to the platform that makes a pool's nodes."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """How many nodes a pool has: from `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """One pool: its images in lanes, its disk, its nodes' settings, and what to know of it."""

    name: str
    architecture: str
    mode: str | None
    """`hold` or `init`; None where nothing is preloaded, and then there are no lanes."""
    nodes: Nodes | None
    most_lanes: int
    lanes: tuple[tuple[PlannedImage, ...], ...]
    times: PullTimes | None
    total_bytes: int | None
    """To pull on a new node, each shared layer once."""
    shared_bytes: int | None
    """What that is less than the sum of the images."""
    disk: DiskPlan | None
    settings: tuple[NodeSetting, ...]
    settings_files: tuple[SettingsFile, ...]
    notes: tuple[str, ...]
    """What is accepted but probably not what its author expects, or what is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retagged:
    """An image of a pool in another version."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSetting:
    """An input of a pool that is not what it was; None where it is or was not written."""

    path: str
    before: str | None
    after: str | None
    effect: Effect | None
    """What that does to the nodes; None where something else makes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolChanges:
    """What is different in one pool. A pool that is new has all its images added."""

    pool: str
    is_new: bool
    is_gone: bool
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    retagged: tuple[Retagged, ...]
    relocked: tuple[str, ...]
    """Images under the same name whose content is another, as the lock files say."""
    bytes_to_pull: int | None
    """On each node: layers that the pool had not before, and all where its nodes are replaced.
    None where a size is not known."""
    nodes: Nodes | None
    settings: tuple[ChangedSetting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The stack against how it was; without pools nothing is different.

    The configuration and the lock file are of that time, the program is today's.
    """

    since: str
    """Such as `commit 314fb1b`; the revision as it was asked for where that is not found."""
    pools: tuple[PoolChanges, ...]
    not_compared: str | None
    """Why there is nothing to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockState:
    """The lock file against the stack; against one that is refused nothing is known of it."""

    path: str
    exists: bool
    not_locked: tuple[str, ...]
    """Images of the stack that it has not, or not for the architecture of a pool."""
    not_listed: tuple[str, ...]
    """Images that no pool lists any more."""
    unpinned_root: tuple[str, ...] = ()
    """Images that run as root on the nodes by a tag alone, which somebody may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the stack would be refused: at which input, with which value, and what is accepted.

    Of what a program says in its own words all but `accepted` is empty.
    """

    subject: str
    """What has the input, such as `ImagePreloader 'ml'`."""
    path: str
    value: str
    accepted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stack as it would be deployed; with refusals nothing would be, and there are no pools."""

    stack: str
    bandwidth: Bandwidth
    pools: tuple[PoolPlan, ...]
    lock: LockState
    changes: Changes
    refusals: tuple[Refusal, ...]
