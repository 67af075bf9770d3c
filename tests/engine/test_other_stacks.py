"""A program of one's own whose components take what another stack exports."""

from pathlib import Path

import pytest

from tests.engine.conftest import NewProject
from tests.engine.project import EngineProject, changes
from tests.engine.rendering import objects_below

PLATFORM = """
import pulumi
from pulumi_kubernetes.core.v1 import Namespace
namespace = Namespace("apps", metadata={"name": pulumi.Config("platform").require("namespace")})
pulumi.export("namespace", namespace.metadata.name)
"""
APPLICATIONS = """
import pulumi
from preloader import ImageCleanup, ImagePreloader
platform = pulumi.StackReference("organization/platform/test")
for name in ("web", "ml"):
    namespace = platform.require_output("namespace")
    ImagePreloader(name, {"namespace": namespace, "images": ["nginx:1.25", "redis:7"]})
ImageCleanup("other", {"namespace": platform.require_output("namespace")})
"""


@pytest.fixture
def projects(new_engine_project: NewProject, tmp_path: Path) -> dict[str, EngineProject]:
    """Two projects with one backend, each with a stack whose objects are written to files."""
    backend = tmp_path / "backend"
    backend.mkdir()
    environment = {"PULUMI_BACKEND_URL": f"file://{backend}", "PULUMI_CONFIG_PASSPHRASE": "test"}
    made: dict[str, EngineProject] = {}
    for name, program in (("platform", PLATFORM), ("applications", APPLICATIONS)):
        project = made[name] = new_engine_project(name, environment=environment)
        (project.folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
        (project.folder / "__main__.py").write_text(program)
    return made


def write_stack(project: EngineProject, namespace: str = "unused") -> None:
    (project.folder / "Pulumi.test.yaml").write_text(
        f"config:\n  kubernetes:renderYamlToDirectory: written\n  platform:namespace: {namespace}\n"
    )


def test_a_namespace_of_another_stack_is_followed(projects: dict[str, EngineProject]) -> None:
    platform, applications = projects["platform"], projects["applications"]
    write_stack(applications)
    for namespace in ("apps", "services"):
        write_stack(platform, namespace)
        platform.run("up")
        assert changes(applications.run("preview")) != {}
        applications.run("up")
        objects = objects_below(applications.folder / "written")
        assert {content["metadata"]["namespace"] for content in objects.values()} == {namespace}
        programs = [content for content in objects.values() if "binaryData" in content]
        assert len(programs) == 1
        assert changes(applications.run("preview")) == {}


def test_a_stack_that_is_not_there_is_named(projects: dict[str, EngineProject]) -> None:
    write_stack(projects["applications"])
    code, said = projects["applications"].attempt("preview")
    assert code == 1
    assert "organization/platform/test" in said
    assert "Traceback" not in said
