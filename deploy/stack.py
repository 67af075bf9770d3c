"""A stack of the project, run by Pulumi's CLI with the program inside this process.

So the CLI alone is needed: no other plug-in runs the Python program.
"""

import os
import runpy
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from deploy.adoption import adopted_resources, engine_urn, keep_names, take_over_half_made
from deploy.cli import STATE
from deploy.output import color, say, show
from preloadctl.errors import CommandError
from preloadctl.recorder import Registration

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
        self._stack.preview(
            config_file=self._config_file, color=color(), on_output=show, on_error=say
        )

    def up(self) -> None:
        """Makes the stack what its program says."""
        self._stack.up(
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            show_secrets=False,
        )

    def preview_refresh(self) -> None:
        """Shows what is not as the stack's state has it."""
        self._stack.preview_refresh(
            config_file=self._config_file, color=color(), on_output=show, on_error=say
        )

    def refresh(self) -> None:
        """Takes into the stack's state what is there, so that `up` puts it right."""
        self._stack.refresh(
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            show_secrets=False,
        )

    def preview_down(self) -> None:
        """Shows what `down` would do."""
        self._stack.preview_destroy(
            config_file=self._config_file, color=color(), on_output=show, on_error=say
        )

    def down(self) -> None:
        """Deletes everything of the stack."""
        self._stack.destroy(
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            show_secrets=False,
        )

    def adopt(self, registrations: Sequence[Registration]) -> None:
        """Takes objects of the cluster into the stack's state that have the names of these."""
        providers = {engine_urn(each.provider) for each in registrations if each.provider}
        self._stack.up(
            target=sorted(providers),
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            show_secrets=False,
        )
        with self._edited_resources() as resources:
            resources.extend(adopted_resources(registrations, resources))
        # Takes in what the cluster has of them, and leaves out what it has not.
        self.refresh()
        with self._edited_resources() as resources:
            keep_names(resources)

    @contextmanager
    def _edited_resources(self) -> Generator[list[dict[str, Any]]]:
        """Yields the resources of the stack's state, and writes back what was made of them."""
        with _with_reason():
            exported = self._stack.export_stack()
            state = dict(exported.deployment or {})
            yield state["resources"]
            self._stack.import_stack(automation.Deployment(exported.version, state))

    def cancel(self) -> None:
        """Gives the stack free that an update holds which was killed.

        What that update was making is deleted: a later one makes it anew under another name, and
        would leave the first.
        """
        with _with_reason():
            self._stack.cancel()
            exported = self._stack.export_stack()
            state = dict(exported.deployment or {})
            taken = take_over_half_made(state)
            if not taken:
                return
            self._stack.import_stack(automation.Deployment(exported.version, state))
        self._stack.destroy(
            target=taken,
            config_file=self._config_file,
            color=color(),
            on_output=show,
            on_error=say,
            show_secrets=False,
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
    (copies / name).write_text(yaml.safe_dump(copied, sort_keys=False), encoding="utf-8")
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
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}
