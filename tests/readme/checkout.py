"""A copy of this project, as a newcomer has it after a clone and the first `make`."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.builds import BIN
from tests.preloadctl.plan.projects import git
from tests.support import ROOT

SECONDS = 600
# What a clone has not, or has of its own.
NOT_COMMITTED = (
    *(".git", ".venv", ".work", ".pulumi", "rendered", "*.egg-info", "__pycache__"),
    *(".pytest_cache", ".ruff_cache", ".hypothesis"),
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folder in which commands are typed, with nothing of the user's own."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(self, command: str, *, code: int = 0) -> str:
        """Runs a command as it is written; returns what it prints."""
        result = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert result.returncode == code, f"{command}: {result.returncode}\n{result.stdout}"
        return result.stdout

    def changed_files(self) -> str:
        """What git has to say of the folder."""
        return git(self.folder, "status", "--short")

    def _environment(self) -> dict[str, str]:
        home = self.folder.parent / "home"
        path = (self.folder / ".venv/bin", BIN, "/usr/bin", "/bin")
        return {
            "PATH": os.pathsep.join(map(str, path)),
            "HOME": str(home),
            "PULUMI_HOME": str(home / ".pulumi"),
            "DOCKER_CONFIG": str(home),
            **self.environment,
        }


def check_out(folder: Path) -> Checkout:
    """Puts the project there, with what is installed and a commit that is `origin/main`'s too."""
    project = folder / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(*NOT_COMMITTED))
    (folder / "home").mkdir()
    # A link is no folder to git, and so not what .gitignore means.
    (project / ".venv").mkdir()
    for each in (ROOT / ".venv").iterdir():
        (project / ".venv" / each.name).symlink_to(each)
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "everything")
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
    return Checkout(project)
