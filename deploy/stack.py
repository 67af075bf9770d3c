"""A stack of the project, run by Pulumi's CLI with the program inside this process.

So the CLI alone is needed: no other plug-in runs the Python program.
"""

import os
import runpy
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi import automation

from deploy.adoption import adopt, engine_urn, keep_names, take_over_half_made
from deploy.cli import STATE
from deploy.output import color, say, show
from preloadctl.errors import CommandError
from preloadctl.recorder import Registration
from preloader.plain import map_or_empty
from preloader.yaml_values import read_yaml, write_yaml

BACKEND, PASSPHRASE = "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"
# What Pulumi adds to a stack file to find its key again.
ENCRYPTION_KEYS = ("secretsprovider", "encryptionsalt", "encryptedkey")


class DeployedStack:
    """One stack, whose stack file is only read: what Pulumi adds to it goes to a copy."""

    def __init__(self, folder: Path, name: str, command: automation.PulumiCommand) -> None:
        copy = copy_stack_file(folder, name)
        self._config_file = str(copy)
        environment = backend_environment(folder, command)
        # A new stack's key is written beside the project's file, which here is a copy.
        beside = automation.LocalWorkspace(
            work_dir=str(copy.parent), env_vars=environment, pulumi_command=command
        )
        with _with_reason():
            automation.Stack.create_or_select(name, beside)
        workspace = automation.LocalWorkspace(
            work_dir=str(folder),
            env_vars=environment,
            pulumi_command=command,
            program=lambda: run_program(folder),
        )
        with _with_reason():
            self._stack = automation.Stack.select(name, workspace)

    def preview(self) -> None:
        """Shows what `up` would do."""
        self._show(self._stack.preview)

    def up(self) -> None:
        """Makes the stack what its program says."""
        self._change(self._stack.up)

    def preview_refresh(self) -> None:
        """Shows what is not as the stack's state has it."""
        self._show(self._stack.preview_refresh)

    def refresh(self) -> None:
        """Takes into the stack's state what is there, so that `up` puts it right."""
        self._change(self._stack.refresh)

    def preview_down(self) -> None:
        """Shows what `down` would do."""
        self._show(self._stack.preview_destroy)

    def down(self) -> None:
        """Deletes everything of the stack."""
        self._change(self._stack.destroy)

    def adopt(self, registrations: Sequence[Registration]) -> None:
        """Takes objects of the cluster into the stack's state that have the names of these."""
        providers = {engine_urn(each.provider) for each in registrations if each.provider}
        self._change(self._stack.up, target=sorted(providers))
        self._edit_state(lambda state: adopt(state, registrations))
        # Takes in what the cluster has of them, and leaves out what it has not.
        self.refresh()
        self._edit_state(keep_names)

    def cancel(self) -> None:
        """Gives the stack free that an update holds which was killed.

        What that update was making is deleted: a later one makes it anew under another name, and
        would leave the first.
        """
        with _with_reason():
            self._stack.cancel()
        if taken := self._edit_state(take_over_half_made):
            self._change(self._stack.destroy, target=taken)

    def _edit_state(self, edit: Callable[[dict[str, Any]], list[str]]) -> list[str]:
        """Writes the state back if `edit` has changed any of it; returns the URNs of that."""
        with _with_reason():
            exported = self._stack.export_stack()
            state = dict(exported.deployment or {})
            edited = edit(state)
            if edited:
                self._stack.import_stack(automation.Deployment(exported.version, state))
        return edited

    def _change(self, operation: Callable[..., object], **options: Any) -> None:  # noqa: ANN401 the operation's own
        self._show(operation, show_secrets=False, **options)

    def _show(self, operation: Callable[..., object], **options: Any) -> None:  # noqa: ANN401 the operation's own
        operation(
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            **options,
        )


@contextmanager
def _with_reason() -> Generator[None]:
    """Makes a short error of a command of which nothing was shown."""
    try:
        yield
    except automation.CommandError as error:
        said = str(error).partition("stderr:")[2].strip().removeprefix("error: ")
        raise CommandError(said or str(error)) from None


def run_program(folder: Path) -> None:
    """Runs the project's program as Pulumi's Python host does."""
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")


def copy_stack_file(folder: Path, stack: str) -> Path:
    """Copies the project's file and the stack's, with the key that an earlier copy was given."""
    copies = folder / STATE / "deploy"
    copies.mkdir(parents=True, exist_ok=True)
    (copies / "Pulumi.yaml").write_bytes((folder / "Pulumi.yaml").read_bytes())
    name = f"Pulumi.{stack}.yaml"
    content, earlier = _read(folder / name), _read(copies / name)
    kept = {key: earlier[key] for key in ENCRYPTION_KEYS if key in earlier}
    copied = content if any(key in content for key in ENCRYPTION_KEYS) else {**content, **kept}
    (copies / name).write_text(write_yaml(copied), encoding="utf-8")
    return copies / name


def backend_environment(folder: Path, command: automation.PulumiCommand) -> dict[str, str]:
    """What Pulumi is run with; the state is below the project unless the user has a backend."""
    environment = {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The objects are the stack's alone, so what someone has edited in them gives way.
        "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
    }
    if BACKEND in os.environ or is_logged_in(command):
        return environment
    environment[BACKEND] = f"file://{folder}"
    if not {PASSPHRASE, f"{PASSPHRASE}_FILE"} & os.environ.keys():
        environment[PASSPHRASE] = ""
    return environment


def is_logged_in(command: automation.PulumiCommand) -> bool:
    """Whether the user has logged in to a backend."""
    result = subprocess.run(  # noqa: S603 the CLI that was found or installed
        [command.command, "whoami", "--non-interactive"],
        capture_output=True,
        check=False,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    return result.returncode == 0


def _read(path: Path) -> dict[str, Any]:
    return map_or_empty(read_yaml(path.read_text(encoding="utf-8-sig"))) if path.exists() else {}
