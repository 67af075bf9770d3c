"""From the stack's configuration to `Settings`: the only reader of `pulumi.Config`."""

import json
from collections.abc import Iterator, Mapping
from itertools import combinations

import pulumi
from pulumi.runtime import is_config_secret

from nodepools.checks import node_pool_problems, with_reason
from nodepools.families import ami_type_of, architecture_of
from nodepools.node_settings import node_settings_problems
from preloader.args import Tolerate
from preloader.lock import Lock, lock_path, read_lock
from preloader.nodes import TaintEffect, check_dns_label
from preloader.plain import Map, is_map
from preloader.problems import InvalidInput, Problem, join
from preloader.spec import preloader_problems
from settings.models import EksCluster, Pool, Settings, architecture
from settings.shape import read, repaired, shape_problems

KEY = "settings"
DEFAULTS = "defaults"
SECRET = "[secret]"  # noqa: S105 a stand-in
# Every cluster has these, and to create one again fails.
BUILT_IN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
# Where a stack file has what a node pool is given under another name.
STACK_PATHS = {
    "node_role_arn": "cluster.node_role_arn",
    "subnet_ids": "cluster.subnet_ids",
    "security_group_ids": "cluster.security_group_ids",
    "lanes": "preload.lanes",
    "versions_kept": "cleanup.keep_versions",
    "high_water_percent": "cleanup.high_water_percent",
}


class InvalidSettings(InvalidInput, pulumi.RunError):
    """Settings with at least one mistake; Pulumi prints the message without a traceback."""


def load(config: pulumi.Config) -> Settings:
    """Returns the stack's settings.

    Raises InvalidSettings with every mistake in them, and pulumi.RunError where there are none.
    """
    key = f"{config.name}:{KEY}"
    secret = is_config_secret(key)
    text = config.get(KEY)
    if text is None:
        raise pulumi.RunError(f"the stack file sets no {key}, which says what to preload where")
    settings, problems = parse(text, read_lock(lock_path(pulumi.get_stack())))
    if settings is None:
        raise InvalidSettings(key, map(_without_value, problems) if secret else problems)
    return settings


def parse(text: str, lock: Lock | None = None) -> tuple[Settings | None, list[Problem]]:
    """Returns the settings that `text`, a JSON object, says; None where it has any problem."""
    lock = lock or Lock()
    try:
        written = json.loads(text)
    except ValueError:
        written = text
    if not is_map(written):
        return None, [Problem("", written, "must be a map with the keys cluster and pools")]
    merged = _merge_defaults(written)
    fixed = repaired(Settings, merged)
    by_rule = _rule_problems(read(Settings, fixed.raw).locked_by(lock)) if fixed.valid else ()
    problems = [
        *_defaults_problems(written),
        *map(with_reason, shape_problems(Settings, merged)),
        *(problem for problem in by_rule if fixed.is_as_written(problem.path)),
    ]
    attributed = [_attributed(problem, written) for problem in problems]
    # A mistake in `defaults` shows in every pool, and one in a label in both of a pool's parts.
    unique = list({(problem.path, problem.accepted): problem for problem in attributed}.values())
    return (None if unique else read(Settings, merged).locked_by(lock)), unique


def _merge_defaults(written: Map) -> Map:
    """Returns what is written with its `defaults` merged into every pool; maps key by key."""
    merged = {key: value for key, value in written.items() if key != DEFAULTS}
    defaults = written.get(DEFAULTS)
    pools = merged.get("pools")
    if defaults and is_map(pools):
        merged["pools"] = {name: _overlay(defaults, pool) for name, pool in pools.items()}
    return merged


def _defaults_problems(written: Map) -> Iterator[Problem]:
    defaults = written.get(DEFAULTS, {})
    if not is_map(defaults):
        yield Problem(DEFAULTS, defaults, "must be a map with any keys of a pool")


def _overlay(defaults: object, pool: object) -> object:
    if not (is_map(defaults) and is_map(pool)):
        return pool
    both = {key: _overlay(defaults[key], pool[key]) for key in pool if key in defaults}
    return {**defaults, **pool, **both}


def _attributed(problem: Problem, written: Map) -> Problem:
    """Moves a pool's problem to `defaults` where the value comes from there."""
    pools, defaults = written.get("pools"), written.get(DEFAULTS)
    if not (is_map(pools) and is_map(defaults)):
        return problem
    for name, pool in pools.items():
        path = problem.path.removeprefix(f"pools.{name}.")
        if path != problem.path and not _stands_in(pool, path) and _stands_in(defaults, path):
            return Problem(f"{DEFAULTS}.{path}", problem.value, problem.accepted)
    return problem


def _stands_in(raw: object, path: str) -> bool:
    if not path or not is_map(raw):
        return not path or path.startswith("[")
    return any(
        _stands_in(value, path[len(key) :].removeprefix("."))
        for key, value in raw.items()
        if path == key or path.startswith((f"{key}.", f"{key}["))
    )


def _rule_problems(settings: Settings) -> Iterator[Problem]:
    yield from check_dns_label("namespace", settings.namespace)
    if settings.create_namespace and settings.namespace in BUILT_IN_NAMESPACES:
        yield Problem(
            "create_namespace",
            settings.create_namespace,
            f"must be false: every cluster has {settings.namespace!r}",
        )
    if not settings.pools:
        yield Problem("pools", {}, "needs at least one pool")
    for name, pool in settings.pools.items():
        args = settings.preloader_args(pool, settings.namespace)
        for problem in preloader_problems(name, args):
            yield problem.under(f"pools.{name}")
        yield from _node_group_problems(name, pool, settings)
        for problem in _node_settings_problems(pool, settings):
            yield problem.under(f"pools.{name}")
    yield from _claimed_twice(settings.pools)


def _node_group_problems(name: str, pool: Pool, settings: Settings) -> Iterator[Problem]:
    if pool.node_group is None:
        return
    if not isinstance(settings.cluster, EksCluster):
        accepted = f"needs cluster.kind eks; with {settings.cluster.kind} the nodes exist"
        yield Problem(f"pools.{name}.node_group", {}, accepted)
        return
    by_ami = architecture_of(ami_type_of(pool.node_group))
    if architecture(pool) != by_ami:
        accepted = f"must be {by_ami}, which the nodes' AMI type is for; leave it out"
        yield Problem(f"pools.{name}.architecture", pool.architecture, accepted)
    for problem in node_pool_problems(name, settings.node_pool_args(pool, settings.cluster)):
        moved = _in_stack_file(problem, problem.path)
        yield moved if moved.path.startswith("cluster.") else moved.under(f"pools.{name}")


def _node_settings_problems(pool: Pool, settings: Settings) -> Iterator[Problem]:
    args = settings.node_settings_args(pool)
    if args is None:
        return
    if pool.node_group is not None:
        accepted = "must be left out beside node_group, which sets its nodes up itself"
        yield Problem("node_settings", {}, accepted)
        return
    for problem in node_settings_problems(args):
        yield _in_stack_file(problem, join("node_settings", problem.path))


def _in_stack_file(problem: Problem, path: str) -> Problem:
    """The same problem where a stack file has the value."""
    return Problem(STACK_PATHS.get(problem.path, path), problem.value, problem.accepted)


def _claimed_twice(pools: Mapping[str, Pool]) -> Iterator[Problem]:
    for first, second in combinations(pools, 2):
        for name, other in ((second, first), (first, second)):
            if _claims_nodes_of(pools[name], pools[other]):
                yield Problem(
                    f"pools.{name}.node_labels",
                    pools[name].node_labels,
                    f"selects the nodes of pool {other!r} too; give each pool a label or a taint "
                    "that tells its nodes from the others",
                )
                break


def _claims_nodes_of(pool: Pool, other: Pool) -> bool:
    """Whether the preloader of `pool` would run on every node that has what `other` states."""
    selects = pool.node_labels.items() <= other.node_labels.items()
    repelling = [
        taint for taint in other.node_taints if taint["effect"] != TaintEffect.PREFER_NO_SCHEDULE
    ]
    tolerates = pool.tolerate is Tolerate.EVERYTHING or all(
        taint in pool.node_taints for taint in repelling
    )
    return selects and tolerates


def _without_value(problem: Problem) -> Problem:
    # What is accepted can quote the value as well.
    return Problem(
        problem.path, SECRET, "is not accepted; the settings are secret, so no more is shown"
    )
