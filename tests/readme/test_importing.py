"""The README's program that imports the components, as it is written there."""

from pathlib import Path

import pytest
import yaml

from tests.engine.conftest import NOT_INSTALLED
from tests.engine.install import is_installed
from tests.engine.project import EngineProject, changes, new_project
from tests.engine.rendering import objects_below
from tests.readme.checkout import Checkout
from tests.support import ROOT

PROGRAM = (ROOT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
KINDS = ["ConfigMap", "ConfigMap", "DaemonSet", "Namespace", "ResourceQuota"]


def test_it_is_rendered(checkout: Checkout) -> None:
    (checkout.folder / "__main__.py").write_text(PROGRAM)
    checkout.run("preloadctl render --stack dev")
    files = (checkout.folder / "rendered/dev").rglob("*.yaml")
    assert sorted(yaml.safe_load(file.read_text())["kind"] for file in files) == KINDS


@pytest.fixture
def importing(tmp_path: Path) -> EngineProject:
    """A project of that program, whose default provider writes files."""
    if not is_installed():
        pytest.skip(NOT_INSTALLED)
    project = new_project(tmp_path / "project")
    (project.folder / "__main__.py").write_text(PROGRAM)
    config = {"config": {"kubernetes:renderYamlToDirectory": "written"}}
    (project.folder / "Pulumi.test.yaml").write_text(yaml.safe_dump(config))
    return project


def test_it_is_deployed_by_the_engine(importing: EngineProject) -> None:
    importing.run("up")
    assert sorted(kind for kind, _ in objects_below(importing.folder / "written")) == KINDS
    assert changes(importing.run("preview")) == {}
