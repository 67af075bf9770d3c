"""`preloadctl lock`: from the stack's program to the lock file, or to proposals for its lists."""

import argparse
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from preloadctl.errors import CommandError
from preloadctl.helpers import helper_images
from preloadctl.lock.compare import compare, next_lock
from preloadctl.lock.fetching.fetch_all import Fetched, fetch_all
from preloadctl.lock.images import Pool, WantedImage, registered_pools, wanted_images
from preloadctl.lock.proposing.proposal import invalid_images, proposal_lines, proposals
from preloadctl.lock.proposing.sources import read_cluster, read_folder
from preloadctl.lock.proposing.workloads import find_workloads
from preloadctl.lock.summary import change_lines, failure_lines, missing_lines
from preloadctl.lock.write import replace_file
from preloadctl.project import Project, load_project
from preloadctl.recorder import Registration, record_components, working_folder
from preloader.images import InvalidReference, parse_reference
from preloader.lock import Lock, lock_path, lock_text, locking, read_lock
from preloader.printable import printable


def lock(options: argparse.Namespace) -> None:
    """Writes the stack's lock file, or checks it; raises CommandError unless all is well."""
    # It warns of headers that were cut off, which is reported here as what it is.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    project = load_project(Path.cwd(), options.stack)
    registrations = _registrations(project)
    wanted = wanted_images(_pools(registrations, project), helper_images(registrations))
    path = working_folder(project) / lock_path(project.stack)
    old = read_lock(path)
    asked = _chosen(wanted, options.update)
    fetched = _fetch(asked, options)
    new = next_lock(old, Lock(fetched.images), [image.written for image in wanted])
    text = lock_text(new)
    missing = [
        image.written
        for image in wanted
        if image.written not in new.images and image.written not in fetched.failures
    ]
    said = [f"{path.name}:", *change_lines(compare(old, new), new), *missing_lines(missing)]
    # Where nothing is known there is nothing to write.
    current = path.read_text(encoding="utf-8") == text if path.exists() else not new.images
    if not current and not options.check:
        replace_file(path, text)
    _say(*said)
    problems = list(failure_lines(fetched.failures, len(asked), old))
    if options.check and (missing or not current):
        command = f"`preloadctl lock --stack {project.stack}`"
        problems.append(f"{path.name} is out of date; run {command} and commit the file")
    if problems:
        raise CommandError(*problems)


def propose(options: argparse.Namespace) -> None:
    """Prints what the images of each pool could be, by the workloads that there are."""
    if options.check or options.update:
        raise CommandError(
            "--from-cluster and --from-manifests ask no registry and write nothing; "
            "leave out --check and --update"
        )
    project = load_project(Path.cwd(), options.stack)
    pools = _pools(_registrations(project), project)
    if options.from_cluster is not None:
        source, place = read_cluster(options.from_cluster), f"the cluster of {options.from_cluster}"
    else:
        source, place = read_folder(options.from_manifests), str(options.from_manifests)
    workloads = list(find_workloads(source.objects))
    _say(
        f"# Proposed by {len(workloads)} workloads of {place}; nothing was written.",
        "pools:",
        *(
            line
            for each in proposals(pools, workloads, source.nodes)
            for line in proposal_lines(each)
        ),
    )
    skipped = [*source.skipped, *invalid_images(workloads)]
    if skipped:
        _say("preloadctl: skipped:", *(f"  {each}" for each in skipped), stderr=True)


def _registrations(project: Project) -> list[Registration]:
    with locking():
        return record_components(project)


def _pools(registrations: Sequence[Registration], project: Project) -> list[Pool]:
    pools = registered_pools(registrations)
    if not pools:
        raise CommandError(
            f"the program of stack {project.stack} registers no ImagePreloader, "
            "so there are no images to lock"
        )
    return pools


def _chosen(wanted: Sequence[WantedImage], names: Sequence[str] | None) -> list[WantedImage]:
    """Returns the images of these names, whichever way they are written; all without names."""
    if names is None:
        return list(wanted)
    by_reference = {str(image.reference): image for image in wanted}
    unknown = [name for name in names if _normal(name) not in by_reference]
    if unknown:
        raise CommandError(
            f"--update: no pool of the stack lists {', '.join(unknown)}; its images are:",
            *(f"  {image.written}" for image in wanted),
        )
    chosen = {_normal(name) for name in names}
    return [image for image in wanted if str(image.reference) in chosen]


def _normal(name: str) -> str | None:
    try:
        return str(parse_reference(name))
    except InvalidReference:
        return None


def _fetch(images: Sequence[WantedImage], options: argparse.Namespace) -> Fetched:
    with _progress(len(images)) as done:
        return fetch_all(
            images,
            concurrency=options.concurrency,
            timeout_seconds=options.timeout_seconds,
            done=done,
        )


@contextmanager
def _progress(total: int) -> Generator[Callable[[], None]]:
    """Shows a person how far it is; a pipe gets nothing of it."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _say(*lines: str, stderr: bool = False) -> None:
    console = Console(stderr=stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)
    for line in lines:
        console.print(printable(line))
