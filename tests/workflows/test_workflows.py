"""What the workflows and the action promise, as far as it shows without GitHub."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT, copy_program, write_stack

pytestmark = pytest.mark.slow

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
FILES = [*WORKFLOWS, ROOT / "action.yaml"]
USES = re.compile(r"^\s*-?\s*uses: (?P<action>\S+)(?P<comment>.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
VERSION_COMMENT = re.compile(r" # v\d+\.\d+\.\d+")
SETTINGS: dict[str, Any] = {
    "cluster": {"kind": "rendered"},
    "namespace": "images",
    "pools": {"web": {"images": ["127.0.0.1:1/acme/web:1"]}},
}


def uses() -> Iterator[tuple[str, str, str]]:
    for file in FILES:
        for found in USES.finditer(file.read_text()):
            yield file.name, found["action"], found["comment"]


def test_every_action_is_pinned_to_a_commit_with_its_release_beside_it() -> None:
    others = [(file, action, comment) for file, action, comment in uses() if action != "./"]
    assert len(others) > 10
    unpinned = [
        entry
        for entry in others
        if not PINNED.fullmatch(entry[1]) or not VERSION_COMMENT.fullmatch(entry[2])
    ]
    assert unpinned == []


def test_one_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for _, action, comment in uses():
        versions.setdefault(action.partition("@")[0], set()).add(action + comment)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_expression_is_expanded_inside_a_script(file: Path) -> None:
    def scripts(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "run":
                    yield value
                yield from scripts(value)
        elif isinstance(node, list):
            for item in node:
                yield from scripts(item)

    assert [text for text in scripts(yaml.safe_load(file.read_text())) if "${{" in text] == []


def test_the_check_of_every_pull_request_needs_no_secret_and_runs_the_tests() -> None:
    text = (ROOT / ".github" / "workflows" / "check.yaml").read_text()
    content = yaml.safe_load(text)
    assert content["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    commands = [step.get("run") for step in content["jobs"]["check"]["steps"]]
    assert "make test" in commands
    assert "make test " in (ROOT / "README.md").read_text()


def test_only_the_comment_may_write_to_pull_requests_and_only_the_preview_has_an_identity() -> None:
    text = (ROOT / ".github" / "workflows" / "preview.yaml").read_text()
    content = yaml.safe_load(text)
    assert content["permissions"] == {}
    assert {name: job["permissions"] for name, job in content["jobs"].items()} == {
        "plan": {"contents": "read"},
        "preview": {"contents": "read", "id-token": "write"},
        "comment": {"pull-requests": "write"},
    }


def run_plans(project: Path, stacks: str) -> tuple[int, str]:
    output = project / "parts" / "comment.md"
    done = subprocess.run(
        [ROOT / ".github" / "plan-stacks"],
        cwd=project,
        check=False,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "STACKS": stacks,
            "SINCE": "HEAD",
            "OUTPUT": str(output),
        },
    )
    return done.returncode, output.read_text()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_program(tmp_path)
    write_stack(tmp_path, "good", SETTINGS)
    write_stack(tmp_path, "bad", {**SETTINGS, "pools": {"web": {"images": ["Nginx:1"]}}})
    return tmp_path


def test_the_comment_has_the_plan_of_every_stack_even_if_one_is_refused(project: Path) -> None:
    code, comment = run_plans(project, "bad good")
    assert code == 1
    assert comment.index("stack bad") < comment.index("stack good")
    assert "must be lower case" in comment
    assert "127.0.0.1:1/acme/web:1" in comment


def test_stacks_that_would_be_accepted_pass(project: Path) -> None:
    code, comment = run_plans(project, "good")
    assert code == 0
    assert "lock --check" not in comment


def test_a_lock_file_that_cannot_be_confirmed_fails_and_is_said_below_the_plan(
    project: Path,
) -> None:
    (project / "Pulumi.good.lock.yaml").write_text("version: 1\nimages: {}\n")
    code, comment = run_plans(project, "good")
    assert code == 1
    assert comment.index("stack good") < comment.index("`preloadctl lock --check` fails:")
    assert "\n    " in comment.partition("fails:")[2]
