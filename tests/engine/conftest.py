"""What the tests on the engine share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.install import is_installed
from tests.engine.project import EngineProject, new_project

NOT_INSTALLED = "the Pulumi engine is not built: python -m tests.engine.install"

NewProject = Callable[..., EngineProject]


@pytest.fixture
def new_engine_project(tmp_path: Path) -> NewProject:
    """Puts the program into a folder of the test's, with the engine beside it."""
    if not is_installed():
        pytest.skip(NOT_INSTALLED)
    return lambda name="project", **options: new_project(tmp_path / name, **options)


@pytest.fixture
def engine_project(new_engine_project: NewProject) -> EngineProject:
    """One such project."""
    return new_engine_project()
