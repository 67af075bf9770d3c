"""The copy of a stack file that Pulumi adds its key to means what the stack file means."""

from pathlib import Path

import pytest

from deploy.stack import copy_stack_file
from preloader.yaml_values import read_yaml

STACK_FILE = """\
config:
  image-preloader:settings:
    pools: {web: {node_labels: {a: on, b: yes, c: 1:30, d: "6e2", e: 6e2}, images: ["1.25", 1_000]}}
    date: 2026-01-01
    octal: [0o17, 017]
    secret: {secure: AAABAM}
    none:
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: image-preloader\nruntime: python\n")
    (tmp_path / "Pulumi.web.yaml").write_text(STACK_FILE)
    return tmp_path


def test_every_value_is_read_as_it_was(project: Path) -> None:
    copy = copy_stack_file(project, "web")
    assert read_yaml(copy.read_text()) == read_yaml(STACK_FILE)


def test_the_key_of_an_earlier_copy_stays_unless_the_stack_file_has_one(project: Path) -> None:
    copy = copy_stack_file(project, "web")
    copy.write_text(f"encryptionsalt: v1:ours=\n{copy.read_text()}")
    assert read_yaml(copy_stack_file(project, "web").read_text())["encryptionsalt"] == "v1:ours="
    (project / "Pulumi.web.yaml").write_text(f"encryptionsalt: v1:theirs=\n{STACK_FILE}")
    assert read_yaml(copy_stack_file(project, "web").read_text())["encryptionsalt"] == "v1:theirs="
