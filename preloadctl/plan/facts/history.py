"""The pools as the configuration of an earlier commit makes them, and what is different since."""

import logging
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pulumi

from preloadctl.errors import CommandError
from preloadctl.plan.facts.changes import compare
from preloadctl.plan.facts.pools import Pool, pools
from preloadctl.plan.facts.revision import NoRevision, Revision, revision_of
from preloadctl.plan.model import Changes
from preloadctl.project import Project, load_project
from preloadctl.recorder import record_components, working_folder
from preloader.lock import lock_path
from preloader.problems import InvalidInput


def changes_since(revision: str, project: Project, after: Mapping[str, Pool]) -> Changes:
    """Returns what is different since the revision, as far as there is something to compare with.

    Where the files of the configuration are those of the revision, nothing is recorded again.
    """
    program_folder = working_folder(project).resolve()
    files = [file.resolve() for file in project.files]
    base = Path(os.path.commonpath([program_folder, *(file.parent for file in files)]))
    lock_file = program_folder / lock_path(project.stack)
    paths = [file.relative_to(base) for file in (*files, lock_file)]
    try:
        then = revision_of(revision, base, paths)
    except NoRevision as error:
        return _not_compared(revision, str(error))
    missing = [path for path in paths[:-1] if path not in then.files]
    if missing:
        return _not_compared(then.name, f"{then.name} has no {missing[0]}")
    if all(_content(base / path) == then.files.get(path) for path in paths):
        return Changes(since=then.name, pools=(), not_compared=None)
    try:
        before = _pools_at(then, base, paths, project)
    except (InvalidInput, pulumi.RunError, CommandError) as error:
        verb, reason = "refuses", _first(error)
    except Exception as error:  # noqa: BLE001 that an old configuration fails is no failure of the plan
        verb, reason = "fails with", f"{type(error).__name__}: {_first(error)}"
    else:
        return Changes(since=then.name, pools=compare(before, after), not_compared=None)
    return _not_compared(
        then.name, f"today's program {verb} the configuration of {then.name}: {reason}"
    )


def _pools_at(
    then: Revision, base: Path, paths: Sequence[Path], project: Project
) -> dict[str, Pool]:
    """Returns the pools of today's program with the configuration of then."""
    program_folder = working_folder(project).resolve().relative_to(base)
    project_folder = project.files[0].resolve().parent.relative_to(base)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in then.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        _link_rest(base / program_folder, folder / program_folder, [base / path for path in paths])
        old = load_project(folder / project_folder, project.stack)
        program = replace(old, program=project.program)
        with _unheard():
            return pools(record_components(program, folder / program_folder))


@contextmanager
def _unheard() -> Generator[None]:
    """Keeps to itself what the program prints and logs of a configuration that is gone."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(disabled)


def _link_rest(source: Path, target: Path, without: Sequence[Path]) -> None:
    """Gives the program what else it reads from its folder, which is today's as it is itself."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry not in without and not (target / entry.name).exists():
            (target / entry.name).symlink_to(entry)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _not_compared(since: str, reason: str) -> Changes:
    return Changes(since=since, pools=(), not_compared=reason)


def _first(error: Exception) -> str:
    """The first line of an error, or of its problems the first."""
    if not isinstance(error, InvalidInput):
        return str(error).strip().partition("\n")[0]
    first, *others = error.problems
    return f"{first}; and {len(others)} more" if others else str(first)
