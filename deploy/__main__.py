"""Deploys, previews or removes a stack of the project in the current folder; see `make up`."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pulumi
from pulumi import automation

from deploy.cli import NoPulumi, pulumi_command
from deploy.missing import explain_missing
from deploy.output import say
from deploy.reach import check_cluster
from deploy.stack import DeployedStack
from preloadctl.__main__ import main as preloadctl
from preloadctl.errors import CommandError
from preloadctl.project import load_project
from preloadctl.recorder import record
from preloader.plain import Map, map_or_empty

FAILED, INTERRUPTED = 1, 130
SETTINGS = "image-preloader:settings"
CANCELLED = "nothing was changed"
NO_TERMINAL = f"{CANCELLED}: there is no terminal to ask on; YES=1 approves what is shown above"


def main() -> int:
    """Runs one command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    parser.add_argument("stack", help="the stack, such as `dev`")
    options = parser.parse_args()
    try:
        return COMMANDS[options.command](Path.cwd(), options.stack)
    except automation.ConcurrentUpdateError:
        # What Pulumi said of it, with who holds the stack, is above.
        say(f"If that update was killed: make cancel STACK={options.stack}")
    except automation.CommandError:
        # What Pulumi said of it is above.
        return FAILED
    except (CommandError, pulumi.RunError) as error:
        say(f"deploy: {error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    return FAILED


def up(folder: Path, name: str) -> int:
    """Deploys a stack, or renders it where there is no Pulumi."""
    settings = _settings(folder, name)
    check_cluster(settings, folder)
    try:
        stack = DeployedStack(folder, name, pulumi_command(folder))
    except NoPulumi as reason:
        say(f"Without Pulumi, stack {name} is rendered, not deployed: {reason}")
        code = preloadctl(["render", "--stack", name])
        if code == 0:
            sys.stdout.flush()
            say(f"Next: kubectl apply --filename rendered/{name}")
        return code
    if not _is_approved(settings, stack.preview):
        return 0
    try:
        stack.up()
    except automation.CommandError:
        for line in explain_missing(settings):
            say(line)
        raise
    say(_next(settings, name))
    return 0


def preview(folder: Path, name: str) -> int:
    """Shows what `up` would do."""
    _reached(folder, name, _settings(folder, name)).preview()
    return 0


def refresh(folder: Path, name: str) -> int:
    """Shows what was changed behind the stack's back, and takes note of it for `up`."""
    settings = _settings(folder, name)
    if _writes_files_alone(settings):
        say(f"Stack {name} is written to files, which nothing but `up` is compared with.")
        return 0
    stack = _reached(folder, name, settings)
    if _is_approved(settings, stack.preview_refresh):
        stack.refresh()
    return 0


def down(folder: Path, name: str) -> int:
    """Deletes everything of a stack."""
    settings = _settings(folder, name)
    stack = _reached(folder, name, settings)
    if _is_approved(settings, stack.preview_down):
        stack.down()
    return 0


def adopt(folder: Path, name: str) -> int:
    """Takes over what `kubectl apply` made of the stack's rendered files."""
    settings = _settings(folder, name)
    if _writes_files_alone(settings):
        raise CommandError(f"stack {name} is written to files: there is no cluster to take over")
    stack = _reached(folder, name, settings)
    stack.adopt(record(load_project(folder, name)))
    say(f"Next: make up STACK={name}")
    return 0


def cancel(folder: Path, name: str) -> int:
    """Gives a stack free that an update holds which was killed."""
    _settings(folder, name)
    _deployed(folder, name).cancel()
    return 0


COMMANDS: dict[str, Callable[[Path, str], int]] = {
    command.__name__: command for command in (up, preview, refresh, down, adopt, cancel)
}


def _reached(folder: Path, name: str, settings: Map) -> DeployedStack:
    check_cluster(settings, folder)
    return _deployed(folder, name)


def _deployed(folder: Path, name: str) -> DeployedStack:
    try:
        return DeployedStack(folder, name, pulumi_command(folder))
    except NoPulumi as reason:
        raise CommandError(f"this needs Pulumi: {reason}") from None


def _settings(folder: Path, stack: str) -> Map:
    """The settings as written, which the program checks; raises CommandError without the stack."""
    text = load_project(folder, stack).config.get(SETTINGS, "{}")
    try:
        return map_or_empty(json.loads(text))
    except ValueError:
        return {}


def _cluster(settings: Map) -> Map:
    return map_or_empty(settings.get("cluster"))


def _writes_files_alone(settings: Map) -> bool:
    return _cluster(settings).get("kind") == "rendered"


def _is_approved(settings: Map, show_changes: Callable[[], None]) -> bool:
    """Whether what would change may be: files always, a cluster when a person says so."""
    if _writes_files_alone(settings):
        return True
    show_changes()
    if os.environ.get("YES") == "1":
        return True
    if not sys.stdin.isatty():
        say(NO_TERMINAL)
        return False
    approved = input("Do this? [y/N] ").strip().lower() in ("y", "yes")
    if not approved:
        say(CANCELLED)
    return approved


def _next(settings: Map, stack: str) -> str:
    if _writes_files_alone(settings):
        folder = _cluster(settings).get("directory") or f"rendered/{stack}"
        namespace = settings.get("namespace", "")
        first = f"{folder}/1-manifest/v1-namespace-default-{namespace}.yaml"
        return f"Next: kubectl apply --filename {first} --recursive --filename {folder}"
    return f"Next: kubectl get pods --namespace {settings.get('namespace', '')} --watch"


if __name__ == "__main__":
    sys.exit(main())
