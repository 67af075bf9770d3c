"""Components alone are recorded as they are with all that is in them, but without that."""

import logging
from collections.abc import Callable
from pathlib import Path

import pulumi.resource
import pytest

from preloadctl.project import load_project
from preloadctl.recorder import OUR_PREFIX, Registration, record, record_components
from preloader.tokens import CLEANUP_PROGRAM
from tests.preloadctl.plan.projects import make_project
from tests.support import ROOT

THEIRS = """
import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap
from preloader import ImagePreloader
class Theirs(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__('theirs:index:Theirs', name)
        ConfigMap(f'{name}-map', data={'a': 'b'}, opts=pulumi.ResourceOptions(parent=self))
web = ImagePreloader('web', {'namespace': 'apps', 'images': ['nginx:latest']})
Theirs('theirs')
ConfigMap('names', data={'known': 'yes', 'unknown': web.daemon_set_names.apply(lambda n: n[0])},
          opts=pulumi.ResourceOptions(depends_on=[web]))
"""


def ours(registrations: list[Registration]) -> list[Registration]:
    return [each for each in registrations if each.type.startswith(OUR_PREFIX)]


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    return lambda program: make_project(tmp_path / "project", program)


@pytest.mark.parametrize("stack", ["dev", "kind", "eks"])
def test_the_components_of_the_committed_stacks_have_the_same_inputs(stack: str) -> None:
    project = load_project(ROOT, stack)
    found = ours(record_components(project))
    expected = [each for each in ours(record(project)) if each.type != CLEANUP_PROGRAM]
    # What a namespace is called is an output of its own child.
    assert [(each.urn, {**each.inputs, "namespace": ""}) for each in found] == [
        (each.urn, {**each.inputs, "namespace": ""}) for each in expected
    ]


@pytest.mark.parametrize("stack", ["dev", "eks"])
def test_nothing_below_a_component_is_recorded(stack: str) -> None:
    registrations = record_components(load_project(ROOT, stack))
    components = {each.urn for each in ours(registrations)}
    assert components
    assert [each.urn for each in registrations if each.parent in components] == []


def test_everything_else_is_recorded_and_what_a_component_makes_is_unknown(
    project: Callable[[str], Path],
) -> None:
    registrations = record_components(load_project(project(THEIRS), "dev"))
    by_name = {each.name: each for each in registrations}
    assert [*sorted(by_name)] == ["names", "theirs", "theirs-map", "web"]
    assert by_name["names"].inputs["data"] == {
        "known": "yes",
        "unknown": "[known after deployment]",
    }


def test_warnings_of_components_are_left_out_and_those_of_the_program_are_not(
    project: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    loaded = load_project(project(f"{THEIRS}\npulumi.log.warn('theirs')\n"), "dev")
    record_components(loaded)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == [
        "theirs"
    ]
    caplog.clear()
    record(loaded)
    assert any("latest" in each.getMessage() for each in caplog.records)


def test_a_program_runs_in_its_own_folder_to_its_end(project: Callable[[str], Path]) -> None:
    folder = project(
        "import asyncio, os, pulumi\n"
        "first = os.getcwd()\n"
        "async def main():\n"
        "    await asyncio.sleep(0)\n"
        "    pulumi.ComponentResource('theirs:index:A', 'a', {'at': first, 'later': os.getcwd()})\n"
        "    return {}\n"
        "pulumi.run(main)\n"
    )
    before = Path.cwd()
    for recorded in (
        record(load_project(folder, "dev")),
        record_components(load_project(folder, "dev")),
    ):
        assert recorded[0].inputs == {"at": str(folder), "later": str(folder)}
    assert Path.cwd() == before


def test_a_program_s_own_modules_are_found_where_main_is_a_file(
    project: Callable[[str], Path],
) -> None:
    folder = project("")
    (folder / "Pulumi.yaml").write_text("name: theirs\nruntime: python\nmain: sub/start.py\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "a_module_of_theirs.py").write_text("NAME = 'found'\n")
    (folder / "sub" / "start.py").write_text(
        "import pulumi, a_module_of_theirs\n"
        "pulumi.ComponentResource('theirs:index:A', a_module_of_theirs.NAME)\n"
    )
    assert [each.name for each in record(load_project(folder, "dev"))] == ["found"]


def test_the_sdk_is_left_as_it_was_by_a_program_that_fails(
    project: Callable[[str], Path],
) -> None:
    register = vars(pulumi.resource)["register_resource"]
    with pytest.raises(KeyError):
        record_components(load_project(project("raise KeyError('gone')\n"), "dev"))
    assert vars(pulumi.resource)["register_resource"] is register
