"""What the engine makes of a stack is what `preloadctl render` writes of it, object by object."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from preloadctl.project import load_project
from preloadctl.recorder import record
from preloadctl.render import render, write
from settings.load import parse
from tests.engine import generated
from tests.engine.aws import install_plugin
from tests.engine.conftest import NewProject
from tests.engine.project import STACK, EngineProject, changes
from tests.engine.rendering import OUTPUT, Objects, objects_below, write_files_instead
from tests.support import ROOT

SHIPPED = ("dev", "kind", "eks")


def test_the_generated_stacks_set_every_input_of_the_preloader_and_of_karpenter() -> None:
    stacks = [generated.settings(number) for number in range(generated.STACKS)]
    used = {path for stack in stacks for pool in stack["pools"].values() for path in _paths(pool)}
    wanted = {**generated.POOL, **generated.NODE_SETTINGS, **generated.KARPENTER}
    assert wanted.keys() <= used
    assert [parse(json.dumps(stack))[1] for stack in stacks] == [[]] * generated.STACKS


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_engine_makes_of_the_shipped_stacks_what_render_writes(
    stack: str, new_engine_project: NewProject, tmp_path: Path
) -> None:
    project = new_engine_project(plugins=(install_plugin(tmp_path / "aws"),))
    shutil.copy(ROOT / f"Pulumi.{stack}.yaml", project.folder)
    _assert_same(project, stack)


def test_the_engine_makes_of_generated_stacks_what_render_writes(
    new_engine_project: NewProject, tmp_path: Path
) -> None:
    project = new_engine_project(plugins=(install_plugin(tmp_path / "aws"),))
    for number in range(generated.STACKS):
        stack = f"generated-{number}"
        project.write(generated.settings(number), stack)
        _assert_same(project, stack)


def test_a_second_preview_has_nothing_to_do(engine_project: EngineProject) -> None:
    shutil.copy(ROOT / "Pulumi.dev.yaml", engine_project.folder / f"Pulumi.{STACK}.yaml")
    assert changes(engine_project.run("preview")).keys() == {"create"}
    engine_project.run("up")
    assert changes(engine_project.run("preview")) == {}


def _assert_same(project: EngineProject, stack: str) -> None:
    ours = project.folder / f"ours-{stack}"
    write(render(record(load_project(project.folder, stack))), ours)
    program = (project.folder / "__main__.py").read_text()
    write_files_instead(project)
    project.run("up", stack)
    of_engine = objects_below(project.folder / OUTPUT)
    assert _compared(of_engine) == _compared(_manifests(ours))
    assert len(of_engine) >= 2
    (project.folder / "__main__.py").write_text(program)
    shutil.rmtree(project.folder / OUTPUT)


def _manifests(folder: Path) -> Objects:
    return {
        (manifest["kind"], manifest["metadata"]["name"]): manifest
        for file in folder.glob("*.yaml")
        for manifest in (yaml.safe_load(file.read_text()),)
    }


def _compared(objects: Objects) -> dict[str, Any]:
    """The objects by kind and name, with what means the same written in one way."""
    return {f"{kind} {name}": _normalized(manifest) for (kind, name), manifest in objects.items()}


def _normalized(value: Any) -> Any:
    if isinstance(value, dict):
        # To the API an empty text is one that is left out.
        return {key: _normalized(part) for key, part in value.items() if part != ""}
    if isinstance(value, list):
        return [_normalized(part) for part in value]
    return "1000000" if value == "1M" else value


def _paths(pool: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in pool.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}.")
