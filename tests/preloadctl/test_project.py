"""A project and its stacks are read as Pulumi reads them, and what is wrong is said by place."""

from pathlib import Path

import pytest

from preloadctl.errors import CommandError
from preloadctl.project import load_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    return tmp_path


def test_values_are_text_or_json_and_keys_have_a_namespace(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  plain: text\n  aws:region: eu-west-1\n  deep: {a: [1, true]}\n  count: 3\n"
    )
    assert load_project(folder, "dev").config == {
        "shop:plain": "text",
        "aws:region": "eu-west-1",
        "shop:deep": '{"a": [1, true]}',
        "shop:count": "3",
    }


def test_the_stack_overrides_what_the_project_sets_in_any_form(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig:\n  short: a\n  aws:region: {value: b}\n"
        "  typed: {type: string, default: c}\n  declared: {type: string}\n  over: d\n"
    )
    (folder / "Pulumi.dev.yaml").write_text("config:\n  shop:over: e\n")
    assert load_project(folder, "dev").config == {
        "shop:short": "a",
        "aws:region": "b",
        "shop:typed": "c",
        "shop:over": "e",
    }


def test_an_encrypted_value_is_a_secret_wherever_it_stands(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  token: {secure: v1:abc}\n  deep: {a: [{secure: v1:def}]}\n  open: x\n"
    )
    project = load_project(folder, "dev")
    assert project.secret_keys == {"shop:token", "shop:deep"}
    assert project.config["shop:token"] == "[secret]"
    assert "v1:" not in str(project.config)


def test_a_stack_may_be_named_in_full(folder: Path) -> None:
    assert load_project(folder, "organization/shop/dev").stack == "dev"


def test_a_program_and_its_stack_files_may_be_elsewhere(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nmain: program\nstackConfigDir: stacks\n"
    )
    (folder / "stacks").mkdir()
    (folder / "stacks" / "Pulumi.live.yaml").write_text("config: {a: b}\n")
    project = load_project(folder, "live")
    assert project.program == folder / "program"
    assert project.config == {"shop:a": "b"}


def test_an_unknown_stack_is_answered_with_those_that_exist(folder: Path) -> None:
    (folder / "Pulumi.live.yaml").touch()
    with pytest.raises(CommandError, match=r"no stack 'prod'.*stacks here: dev, live"):
        load_project(folder, "prod")


def test_an_empty_stack_file_is_a_stack_without_configuration(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("")
    assert load_project(folder, "dev").config == {}


def test_yaml_that_does_not_parse_is_named_by_line_but_not_quoted(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  token: [hunter2\n  a: b\n")
    with pytest.raises(CommandError) as caught:
        load_project(folder, "dev")
    assert "Pulumi.dev.yaml:3:" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Pulumi.dev.yaml", "- a\n", "must be a map, not a list"),
        ("Pulumi.dev.yaml", "config: [a]\n", "config: must be a map, not a list"),
        ("Pulumi.yaml", "runtime: python\n", "a project needs a name"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(
    folder: Path, file: str, text: str, message: str
) -> None:
    (folder / file).write_text(text)
    with pytest.raises(CommandError, match=message):
        load_project(folder, "dev")


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="not YAML in UTF-8"):
        load_project(folder, "dev")


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no Pulumi\.yaml"):
        load_project(tmp_path, "dev")
