"""What is different in the pools of a stack, from their inputs as they were and as they are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from nodepools.args import NodePoolArgs
from nodepools.changes import Effect
from nodepools.disk.fit import ImageDisk, image_disk
from preloadctl.plan.facts.inputs import effect, flattened, kind_of, without
from preloadctl.plan.facts.pools import Pool, chosen_gib, nodes
from preloadctl.plan.model import ChangedSetting, PoolChanges, Retagged
from preloader.images import Reference, parse_reference, tag_order
from preloader.layers import Layers

# What is compared image by image.
IMAGE_INPUTS = ("images", "image_sizes_bytes", "image_layers_bytes")
# What a node pool is given of the preloader's inputs, to size its disk by.
BUDGET_INPUTS = ("lanes", "versions_kept", "high_water_percent")
REPLACES_NODES = (Effect.REPLACES_GROUP, Effect.ROLLS_NODES, Effect.ROLLS_NODES_NOT_ALLOWED)

_Lines = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    written: str
    reference: Reference
    layers: Layers | None
    locked: Layers | None
    """The same where they are known layer by layer."""


def compare(before: Mapping[str, Pool], after: Mapping[str, Pool]) -> tuple[PoolChanges, ...]:
    """Returns the changes of each pool that has any, by name."""
    names = sorted({*before, *after})
    changes = (_pool_changes(name, before.get(name), after.get(name)) for name in names)
    return tuple(change for change in changes if _is_any(change))


def _is_any(change: PoolChanges) -> bool:
    images = change.added or change.dropped or change.retagged or change.relocked
    return bool(change.is_new or change.is_gone or images or change.settings)


def _pool_changes(name: str, before: Pool | None, after: Pool | None) -> PoolChanges:
    old, new = _images(before), _images(after)
    retagged = [*_retagged(old.keys() - new.keys(), new.keys() - old.keys(), old, new)]
    left, came = {pair[0] for pair in retagged}, {pair[1] for pair in retagged}
    added = [key for key in new if key not in old and key not in came]
    relocked = [key for key in new if key in old and _is_relocked(old[key], new[key])]
    settings = _settings(before, after) if before and after else ()
    rolls = any(setting.effect in REPLACES_NODES for setting in settings)
    pulled = [*new] if rolls else [*added, *relocked, *came]
    current = after or before
    return PoolChanges(
        pool=name,
        is_new=before is None,
        is_gone=after is None,
        added=tuple(new[key].written for key in added),
        dropped=tuple(old[key].written for key in old if key not in new and key not in left),
        retagged=tuple(
            Retagged(before=old[key].written, after=new[other].written) for key, other in retagged
        ),
        relocked=tuple(new[key].written for key in relocked),
        bytes_to_pull=_missing_bytes(
            [new[key].layers for key in pulled], [] if rolls else old.values()
        ),
        nodes=nodes(current.node_pool if current else None),
        settings=settings,
    )


def _images(pool: Pool | None) -> dict[str, _Image]:
    """Returns the images of a pool by the name that containerd keeps them under."""
    if pool is None:
        return {}
    args = pool.preloader or pool.node_pool or {}
    locked = args.get("image_layers_bytes", {})
    images = (
        _Image(
            written=written,
            reference=parse_reference(written),
            layers=layers,
            locked=locked.get(written),
        )
        for written, layers in pool.layers.items()
    )
    return {image.reference.stored_as: image for image in images}


def _retagged(
    gone: Iterable[str], come: Iterable[str], old: Mapping[str, _Image], new: Mapping[str, _Image]
) -> Iterator[tuple[str, str]]:
    """Yields what went and what came of each repository, in the order of their versions."""
    before, after = _by_repository(gone, old), _by_repository(come, new)
    for repository in sorted(before.keys() & after.keys()):
        yield from zip(before[repository], after[repository], strict=False)


def _by_repository(keys: Iterable[str], images: Mapping[str, _Image]) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = defaultdict(list)
    for key in sorted(keys, key=lambda key: (tag_order(images[key].reference.tag or ""), key)):
        by_name[images[key].reference.name].append(key)
    return by_name


def _is_relocked(old: _Image, new: _Image) -> bool:
    return bool(old.locked and new.locked) and old.locked != new.locked


def _missing_bytes(pulled: Iterable[Layers | None], had: Iterable[_Image]) -> int | None:
    """Returns the bytes of layers that no image had; None where a layer to pull is not known."""
    present = {digest for image in had for digest in image.layers or ()}
    missing: dict[str, int] = {}
    for layers in pulled:
        if layers is None:
            return None
        missing |= {digest: size for digest, size in layers.items() if digest not in present}
    return sum(missing.values())


def _settings(before: Pool, after: Pool) -> tuple[ChangedSetting, ...]:
    changed = (
        *_preloader_settings(before, after),
        *_node_pool_settings(before.node_pool, after.node_pool),
        *_changed(
            dict(flattened("node_settings", before.node_settings or {})),
            dict(flattened("node_settings", after.node_settings or {})),
            lambda _: None,
        ),
    )
    # A pool's labels and taints are given to both of its components.
    return tuple({setting.path: setting for setting in changed}.values())


def _preloader_settings(before: Pool, after: Pool) -> Iterator[ChangedSetting]:
    if before.preloader and after.preloader:
        yield from _changed(
            dict(flattened("", without(before.preloader, *IMAGE_INPUTS))),
            dict(flattened("", without(after.preloader, *IMAGE_INPUTS))),
            lambda _: Effect.IN_PLACE,
        )


def _node_pool_settings(
    before: NodePoolArgs | None, after: NodePoolArgs | None
) -> Iterator[ChangedSetting]:
    if before is None or after is None:
        # Nodes that something else made are not those that this stack makes.
        yield from _changed(_kind(before), _kind(after), lambda _: Effect.REPLACES_GROUP)
        return
    kind = kind_of(after)
    old_disk, new_disk = image_disk(before), image_disk(after)
    resized = chosen_gib(old_disk) != chosen_gib(new_disk)
    in_budget = Effect.ROLLS_NODES if resized else Effect.IN_PLACE

    def said(path: str) -> Effect:
        by_table = effect(path, kind)
        return in_budget if by_table is Effect.ROLLS_NODES_IF_RESIZED else by_table

    yield from _changed(
        {**_node_pool_lines(before), **(_chosen(old_disk) if resized else {})},
        {**_node_pool_lines(after), **(_chosen(new_disk) if resized else {})},
        said,
    )


def _kind(args: NodePoolArgs | None) -> _Lines:
    return {"node_group": kind_of(args).value} if args else {}


def _node_pool_lines(args: NodePoolArgs) -> _Lines:
    return dict(flattened("", without(args, *IMAGE_INPUTS, *BUDGET_INPUTS)))


def _chosen(disk: ImageDisk) -> _Lines:
    """The size of the disk where it is left to the budget, which is not among the inputs."""
    return {disk.path: f"{chosen_gib(disk)}, to fit the images"} if disk.size_gib is None else {}


def _changed(
    before: _Lines, after: _Lines, effect_of: Callable[[str], Effect | None]
) -> Iterator[ChangedSetting]:
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield ChangedSetting(
                path=path,
                before=before.get(path),
                after=after.get(path),
                effect=effect_of(path),
            )
