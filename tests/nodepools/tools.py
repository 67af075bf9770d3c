"""What tests need from outside the repository, as `tests.nodepools.install` lays it out."""

import os
from pathlib import Path

import pytest


def installed(path: Path) -> Path:
    """Returns the path; without the file the test is skipped, and in CI it fails."""
    if not path.exists():
        message = f"{path.name} is missing: run python -m tests.nodepools.install"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
