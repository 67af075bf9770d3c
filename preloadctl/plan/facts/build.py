"""From a project to the plan of one of its stacks."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import pulumi

from preloadctl.helpers import HelperImage, helper_images
from preloadctl.plan.facts.history import changes_since
from preloadctl.plan.facts.pools import Pool, plan_pool, pools
from preloadctl.plan.model import Bandwidth, Changes, LockState, Plan, Refusal
from preloadctl.project import Project
from preloadctl.recorder import record_components, working_folder
from preloader.lock import Lock, lock_path, platform_key, read_lock
from preloader.problems import InvalidInput


def plan(project: Project, bandwidth: Bandwidth, since: str) -> Plan:
    """Returns the plan of the project's stack, with what is different since the revision `since`.

    What refuses the stack is part of it. Raises whatever else the program raises.
    """
    # A format goes to the standard output, where nothing of the program belongs.
    with redirect_stdout(sys.stderr):
        try:
            registrations = record_components(project)
            recorded = pools(registrations)
            lock = read_lock(_lock_file(project))
        except (InvalidInput, pulumi.RunError) as error:
            return _refused(project, bandwidth, since, _refusals(error))
        return Plan(
            stack=project.stack,
            bandwidth=bandwidth,
            pools=tuple(plan_pool(pool, bandwidth) for pool in recorded.values()),
            lock=_lock_state(project, lock, recorded, helper_images(registrations)),
            changes=changes_since(since, project, recorded),
            refusals=(),
        )


def _lock_file(project: Project) -> Path:
    return working_folder(project) / lock_path(project.stack)


def _lock_state(
    project: Project, lock: Lock, recorded: Mapping[str, Pool], helpers: Sequence[HelperImage]
) -> LockState:
    wanted = [
        *((image, pool.architecture) for pool in recorded.values() for image in pool.layers),
        *((helper.name, helper.architecture) for helper in helpers),
    ]
    not_locked = {
        image if image not in lock.images else f"{image} for {key}": None
        for image, processors in wanted
        for key in [platform_key(processors)]
        if image not in lock.images or key not in lock.images[image].platforms
    }
    listed = {image for image, _ in wanted}
    unpinned = {helper.used for helper in helpers if helper.is_root and not helper.is_pinned}
    return LockState(
        path=str(lock_path(project.stack)),
        exists=_lock_file(project).exists(),
        not_locked=tuple(not_locked),
        not_listed=tuple(sorted(lock.images.keys() - listed)),
        unpinned_root=tuple(sorted(unpinned)),
    )


def _refused(
    project: Project, bandwidth: Bandwidth, since: str, refusals: tuple[Refusal, ...]
) -> Plan:
    return Plan(
        stack=project.stack,
        bandwidth=bandwidth,
        pools=(),
        lock=_lock_state(project, Lock(), {}, ()),
        changes=Changes(since=since, pools=(), not_compared="the stack would be refused"),
        refusals=refusals,
    )


def _refusals(error: InvalidInput | pulumi.RunError) -> tuple[Refusal, ...]:
    if not isinstance(error, InvalidInput):
        return (Refusal(subject="", path="", value="", accepted=str(error)),)
    return tuple(
        Refusal(
            subject=error.subject,
            path=problem.path,
            value=json.dumps(problem.value, default=str),
            accepted=problem.accepted,
        )
        for problem in error.problems
    )
