"""The first command: `make up` deploys, or renders, and leaves nothing behind but its results."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.engine.project import EngineProject, changes, new_project
from tests.engine.rendering import objects_below
from tests.support import ROOT

NO_CLI = "/usr/bin:/bin"
KIND = {
    "cluster": {"kind": "kubeconfig", "context": "none", "kubeconfig": "/nowhere"},
    "namespace": "n",
    "pools": {"web": {"images": ["nginx:1.25-alpine"], "node_labels": {"pool": "web"}}},
}


@pytest.fixture
def dev(engine_project: EngineProject) -> EngineProject:
    """The program with the stack `dev` as it is committed."""
    return with_dev(engine_project)


@pytest.fixture
def dev_without_cli(tmp_path: Path) -> EngineProject:
    """The same where there is no CLI, and no network to fetch one from."""
    nowhere = {"PATH": NO_CLI, "https_proxy": "http://127.0.0.1:9"}
    return with_dev(new_project(tmp_path / "project", environment=nowhere))


def with_dev(project: EngineProject) -> EngineProject:
    shutil.copy(ROOT / "Pulumi.dev.yaml", project.folder)
    return project


def test_dev_is_deployed_without_a_question(dev: EngineProject) -> None:
    before = files_of_the_user(dev)
    said = dev.run("up", "dev", YES="")
    assert changes(said).keys() == {"created"}
    assert len(objects_below(dev.folder / "rendered/dev")) == 10
    assert said.splitlines()[-1].startswith("Next: kubectl apply")
    assert files_of_the_user(dev) == before
    assert changes(dev.run("up", "dev", YES="")) == {}


def test_nobody_is_logged_in_by_it(dev: EngineProject) -> None:
    dev.run("up", "dev")
    credentials = dev.folder / "home/.pulumi/credentials.json"
    current = yaml.safe_load(credentials.read_text()).get("current") if credentials.exists() else ""
    assert not current
    assert (dev.folder / ".pulumi/stacks/image-preloader/dev.json").exists()


def test_down_takes_the_files_away(dev: EngineProject) -> None:
    dev.run("up", "dev")
    dev.run("down", "dev", YES="")
    assert objects_below(dev.folder / "rendered/dev") == {}


def test_a_backend_of_the_user_has_the_state(dev: EngineProject, tmp_path: Path) -> None:
    backend = tmp_path / "backend"
    backend.mkdir()
    own = {"PULUMI_BACKEND_URL": f"file://{backend}", "PULUMI_CONFIG_PASSPHRASE": "theirs"}
    before = files_of_the_user(dev)
    dev.run("up", "dev", **own)
    assert (backend / ".pulumi/stacks/image-preloader/dev.json").exists()
    assert not (dev.folder / ".pulumi/stacks").exists()
    assert files_of_the_user(dev) == before


def test_without_a_cli_it_is_rendered_to_the_same_place(dev_without_cli: EngineProject) -> None:
    before = files_of_the_user(dev_without_cli)
    said = dev_without_cli.run("up", "dev", YES="")
    assert len(objects_below(dev_without_cli.folder / "rendered/dev")) == 10
    assert "stack dev is rendered, not deployed: its CLI could not be fetched" in said
    assert said.splitlines()[-1] == "Next: kubectl apply --filename rendered/dev"
    assert files_of_the_user(dev_without_cli) == before


def test_the_files_of_both_ways_can_stand_beside_each_other(dev: EngineProject) -> None:
    dev.run("up", "dev")
    dev.run("up", "dev", PATH=NO_CLI, https_proxy="http://127.0.0.1:9")
    folder = dev.folder / "rendered/dev"
    assert len([*folder.glob("*.yaml")]) == len([*(folder / "1-manifest").glob("*.yaml")]) == 10


def test_a_cluster_is_only_shown_what_would_change_where_nobody_can_be_asked(
    engine_project: EngineProject,
) -> None:
    engine_project.write(KIND)
    said = engine_project.run("up", YES="")
    assert said.splitlines()[-1].startswith("nothing was changed: there is no terminal")
    assert "YES=1" in said
    assert changes(said).keys() == {"create"}
    assert not any(each["type"].startswith("kubernetes:") for each in engine_project.state())


@pytest.mark.parametrize("answer", ["n", "", "no"])
def test_on_a_terminal_the_answer_counts(engine_project: EngineProject, answer: str) -> None:
    engine_project.write(KIND)
    code, said = on_a_terminal(engine_project, "up", answer, {"YES": ""})
    assert code == 0
    assert "Do this? [y/N]" in said
    assert said.rstrip().endswith("nothing was changed")
    assert not any(each["type"].startswith("kubernetes:") for each in engine_project.state())


def test_on_a_terminal_yes_deploys(engine_project: EngineProject) -> None:
    engine_project.write(KIND)
    code, said = on_a_terminal(engine_project, "up", "y", {"YES": ""})
    # There is no such cluster, which Pulumi finds out only when it is to make something there.
    assert code == 1
    assert "Updating" in said


def test_a_stack_that_is_not_there_is_said_with_those_that_are(dev: EngineProject) -> None:
    code, said = dev.attempt("up", "prod")
    assert code == 1
    assert "stacks here: dev" in said
    assert "Traceback" not in said


def files_of_the_user(project: EngineProject) -> Mapping[str, bytes]:
    """What git would see."""
    ignored = (".pulumi", "rendered", "home", "__pycache__")
    return {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in project.folder.rglob("*")
        if path.is_file() and not set(ignored) & {*path.relative_to(project.folder).parts}
    }


def on_a_terminal(
    project: EngineProject, command: str, answer: str, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Runs a command on a terminal of its own, with one answer to whatever it asks."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy", command, "test"],
        cwd=project.folder,
        env=project.all_environment(**environment),
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    os.write(terminal, f"{answer}\n".encode())
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            # A terminal whose last program has ended answers so.
            break
        said += part
    os.close(terminal)
    return process.wait(), said.decode()
