"""Runs the tests of the folders that differ from `main`: those that start no process of their own.

Run as `make quick`; `make test` runs all of them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePath

ROOT = Path(__file__).parent.parent
# By the start of a path; the first that fits counts. What is not here is everybody's.
SHIPPED_STACKS = "tests/preloadctl/test_shipped_stacks.py"
REFERENCE = "tests/test_reference.py"
TESTS_OF = {
    "preloader/agent/": ("tests/agent",),
    "preloader/": ("tests/preloader", SHIPPED_STACKS, REFERENCE),
    "nodepools/": ("tests/nodepools", SHIPPED_STACKS, REFERENCE),
    "settings/": ("tests/settings", SHIPPED_STACKS),
    "preloadctl/lock/": ("tests/preloadctl/lock",),
    "preloadctl/plan/": ("tests/preloadctl/plan",),
    "preloadctl/": ("tests/preloadctl",),
    "deploy/": ("tests/deploy",),
    "bench/": (),
    "demo/": (),
    "docs/": (),
}


def main() -> int:
    """Returns pytest's exit code, 0 where nothing differs."""
    tests = sorted(folders_for(changed_files()))
    if not tests:
        print("Nothing that has tests differs from main.")
        return 0
    print("tests:", *tests)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not node and not slow", *tests]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def folders_for(files: Iterable[str]) -> set[str]:
    """Returns the folders and files of tests that look at these files of the project."""
    found: set[str] = set()
    for file in files:
        start = next((start for start in TESTS_OF if file.startswith(start)), None)
        if start is not None:
            found.update(TESTS_OF[start])
        elif PurePath(file).name.startswith("test_"):
            found.add(file)
        elif file.startswith("tests/") and PurePath(file).parent.name != "tests":
            found.add(str(PurePath(file).parent))
    return {each for each in found if (ROOT / each).exists()}


def changed_files() -> list[str]:
    """The files that differ from `main` where there is one, committed or not, and new ones."""
    base = ["main"] if _git("rev-parse", "--verify", "--quiet", "main") else []
    return [
        *_git("diff", "--name-only", *base),
        *_git("ls-files", "--others", "--exclude-standard"),
    ]


def _git(*arguments: str) -> list[str]:
    result = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
