"""The Pulumi project in a folder and the configuration of one of its stacks, as Pulumi reads it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preloadctl.errors import CommandError
from preloader.plain import Map, any_below, is_list, is_map, replaced
from preloader.yaml_values import InvalidYaml, read_yaml

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
# Stands for a value that only the engine can decrypt.
SECRET = "[secret]"  # noqa: S105 a stand-in


@dataclass(frozen=True, slots=True)
class Project:
    """One stack of a project: where its program is, and its configuration as the engine passes it.

    A value that is no string is JSON; keys carry their namespace.
    """

    name: str
    stack: str
    program: Path
    config: Mapping[str, str]
    secret_keys: frozenset[str]
    files: tuple[Path, ...] = ()
    """What the configuration was read from."""


def load_project(folder: Path, stack: str) -> Project:
    """Returns the stack `stack`, or `organization/project/stack`, of the project in `folder`.

    Raises CommandError where there is no such project or stack, or a file does not parse.
    """
    project_file = next((folder / name for name in PROJECT_FILES if (folder / name).exists()), None)
    if project_file is None:
        raise CommandError(f"{folder} holds no {PROJECT_FILES[0]}; run this in a project's folder")
    project = _read(project_file)
    name = project.get("name")
    if not isinstance(name, str):
        raise CommandError(f"{project_file}: name: {name!r}: a project needs a name")
    stack_name = stack.rpartition("/")[2]
    stack_folder = folder / str(project.get("stackConfigDir", "."))
    stack_file = stack_folder / f"Pulumi.{stack_name}.yaml"
    values = {
        **dict(_project_values(name, _map_at(project, "config", project_file))),
        **_stack_values(name, stack_file, stack_name),
    }
    return Project(
        name=name,
        stack=stack_name,
        program=folder / str(project.get("main", ".")),
        config={
            key: _as_text(replaced(value, lambda part: SECRET if _is_secret(part) else part))
            for key, value in values.items()
        },
        secret_keys=frozenset(key for key, value in values.items() if any_below(value, _is_secret)),
        files=(project_file, stack_file),
    )


def _stack_values(project: str, path: Path, stack: str) -> Map:
    if not path.exists():
        stacks = sorted(
            file.name.removeprefix("Pulumi.").removesuffix(".yaml")
            for file in path.parent.glob("Pulumi.*.yaml")
            if not file.name.endswith(".lock.yaml")
        )
        raise CommandError(
            f"there is no stack {stack!r}: {path} does not exist; "
            f"stacks here: {', '.join(stacks) or 'none'}"
        )
    config = _map_at(_read(path), "config", path)
    return {_qualified(project, key): value for key, value in config.items()}


def _project_values(project: str, config: Map) -> Iterator[tuple[str, Any]]:
    """Yields what Pulumi.yaml sets for every stack, in any of the forms that Pulumi takes.

    https://www.pulumi.com/docs/iac/concepts/config/#project-level-configuration
    """
    for key, declared in config.items():
        if not is_map(declared):
            yield _qualified(project, key), declared
        elif "value" in declared:
            yield _qualified(project, key), declared["value"]
        elif "default" in declared:
            yield _qualified(project, key), declared["default"]


def _read(path: Path) -> Map:
    try:
        content = read_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise CommandError(f"{path}: not YAML in UTF-8") from None
    except InvalidYaml as error:
        raise CommandError(f"{path}:{error}") from None
    if content is None:
        return {}
    if not is_map(content):
        raise CommandError(f"{path}: must be a map, not {_kind(content)}")
    return content


def _map_at(content: Map, key: str, path: Path) -> Map:
    value: object = content.get(key)
    if value is None:
        return {}
    if not is_map(value):
        raise CommandError(f"{path}: {key}: must be a map, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    if is_list(value):
        return "a list"
    return "a text" if isinstance(value, str) else "a number or a truth value"


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _is_secret(value: object) -> bool:
    return is_map(value) and value.keys() == {"secure"}
