"""From the stack's configuration to `Settings`: the only reader of `pulumi.Config`."""

import json
import re
from collections.abc import Iterator

import pulumi
from pulumi.runtime import is_config_secret

from nodepools.checks import node_pool_problems, with_reason
from nodepools.eks.ami_families import ami_type_of, architecture_of
from nodepools.platforms.node_settings import node_settings_problems
from preloader.lock import Lock, lock_path, read_lock
from preloader.nodes import check_dns_label
from preloader.plain import Map, is_map
from preloader.problems import InvalidInput, Problem, join
from preloader.spec import preloader_problems
from settings.models import EksCluster, Pool, Settings, architecture
from settings.overlaps import overlap_problems
from settings.shape import read, repaired, shape_problems

KEY = "settings"
DEFAULTS = "defaults"
# So that a path of many dots is not taken apart in each way.
_MOST_NAME_PARTS = 8
SECRET = "[secret]"  # noqa: S105 a stand-in
# Every cluster has these, and to create one again fails.
BUILT_IN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
# As Go prints it, which is what the engine hands on.
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} \S+")
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
    attributed = [_with_hint(_attributed(problem, written)) for problem in problems]
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
    for name in _pool_names(problem.path):
        path = problem.path.removeprefix(f"pools.{name}.")
        if name in pools and not _stands_in(pools[name], path) and _stands_in(defaults, path):
            return Problem(f"{DEFAULTS}.{path}", problem.value, problem.accepted)
    return problem


def _pool_names(path: str) -> Iterator[str]:
    """Yields what may be the pool's name in a path; a name that is refused may have dots."""
    prefix, _, rest = path.partition(".")
    if prefix == "pools":
        parts = rest.split(".")
        for end in range(1, min(len(parts), _MOST_NAME_PARTS)):
            yield ".".join(parts[:end])


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
    yield from overlap_problems(settings.pools)


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
    key, bracket, index = problem.path.partition("[")
    moved = f"{STACK_PATHS[key]}{bracket}{index}" if key in STACK_PATHS else path
    return Problem(moved, problem.value, problem.accepted)


def _with_hint(problem: Problem) -> Problem:
    """Says of a date why it is not what its author wrote: yaml.v3 makes a time of it."""
    if isinstance(problem.value, str) and _TIME.fullmatch(problem.value):
        accepted = f"{problem.accepted}; YAML takes a date without quotation marks for a time"
        return Problem(problem.path, problem.value, accepted)
    return problem


def _without_value(problem: Problem) -> Problem:
    # What is accepted can quote the value as well.
    return Problem(
        problem.path, SECRET, "is not accepted; the settings are secret, so no more is shown"
    )
