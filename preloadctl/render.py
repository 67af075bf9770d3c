"""Writes what a program registers as files: what to `kubectl apply`, and what AWS is asked for."""

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from nodepools.platforms.node_settings import node_settings_files
from preloadctl.errors import CommandError
from preloadctl.project import SECRET
from preloadctl.recorder import KUBERNETES_PREFIX, PROVIDER_PREFIX, Registration
from preloader.plain import Map, any_below, is_map, replaced
from preloader.tokens import NODE_SETTINGS

if TYPE_CHECKING:
    from nodepools.platforms.args import NodeSettingsArgs

# Written into the output folder, so that the next run knows which files it may replace.
INDEX = ".preloadctl"
SECRETS_FOLDER = "incomplete"
# Where Pulumi's Kubernetes provider writes a stack of the kind `rendered`, which stays beside this.
PROVIDER_FOLDERS = ("0-crd", "1-manifest")
# `kubectl apply -f FOLDER` goes by file name, and an object's namespace has to be there first. The
# order is that of https://github.com/helm/helm/blob/main/pkg/release/v1/util/kind_sorter.go
APPLY_ORDER = (
    "Namespace",
    "ResourceQuota",
    "CustomResourceDefinition",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
)
# Partial objects and charts exist only once Pulumi's Kubernetes provider has worked on them.
NOT_MANIFESTS = ("Patch", "List", ":Release", ":Chart")

Files = dict[str, str]


def render(registrations: Sequence[Registration]) -> Files:
    """Returns the text of every file by its path below the output folder.

    Kubernetes objects come first, below the name of their provider where there are several; an
    object that holds a secret goes where `kubectl apply -f` of the folder does not find it. Other
    resources are in one JSON file a package, in a folder of their own, and so is what to set on
    nodes that something else makes.
    """
    resources = [
        registration
        for registration in registrations
        if registration.custom and not registration.type.startswith(PROVIDER_PREFIX)
    ]
    objects = [resource for resource in resources if is_manifest(resource.type)]
    others = [resource for resource in resources if not is_manifest(resource.type)]
    files: Files = {}
    written = (
        *_manifest_files(objects),
        *_package_files(others),
        *_node_settings_files(registrations),
    )
    for path, text in written:
        if path in files:
            raise CommandError(f"two resources of the program would both be {path}")
        files[path] = text
    return files


def write(files: Mapping[str, str], folder: Path) -> None:
    """Makes `folder` hold these files, and no others of an earlier run.

    Raises CommandError, with nothing written, where the folder holds files of someone else's.
    """
    index = folder / INDEX
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is a file; --output takes a folder")
    if folder.exists() and any(map(_is_foreign, folder.iterdir())) and not index.exists():
        raise CommandError(
            f"{folder} holds files that this command did not write; give --output another folder"
        )
    earlier = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
    folder.mkdir(parents=True, exist_ok=True)
    index.write_text("".join(f"{path}\n" for path in sorted({*earlier, *files})), encoding="utf-8")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for path in sorted(set(earlier) - set(files)):
        (folder / path).unlink(missing_ok=True)
    index.write_text("".join(f"{path}\n" for path in sorted(files)), encoding="utf-8")


def _is_foreign(path: Path) -> bool:
    return path.name not in PROVIDER_FOLDERS


def is_manifest(type_: str) -> bool:
    """Whether a resource of this type is one object that `kubectl apply` takes."""
    return type_.startswith(KUBERNETES_PREFIX) and not type_.endswith(NOT_MANIFESTS)


def _manifest_files(objects: Sequence[Registration]) -> Iterator[tuple[str, str]]:
    providers = {resource.provider for resource in objects}
    for resource in objects:
        folders = [resource.provider.rpartition("::")[2] or "default"] if len(providers) > 1 else []
        content = resource.inputs
        if _holds_secret(content):
            folders.append(SECRETS_FOLDER)
        yield "/".join((*folders, _manifest_name(content))), _yaml(_redacted(content))


def _manifest_name(content: Map) -> str:
    kind, metadata = content["kind"], content["metadata"]
    rank = APPLY_ORDER.index(kind) if kind in APPLY_ORDER else len(APPLY_ORDER)
    parts = (kind.lower(), metadata.get("namespace"), metadata.get("name", "unnamed"))
    return f"{rank:02}-{'.'.join(part for part in parts if part)}.yaml".replace("/", "_")


def _holds_secret(content: Map) -> bool:
    return content["kind"] == "Secret" or any_below(content, lambda part: part == SECRET)


def _redacted(content: Map) -> Map:
    if content["kind"] != "Secret":
        return content
    hidden = {
        key: dict.fromkeys(value, SECRET) if is_map(value) else SECRET
        for key, value in content.items()
        if key in ("data", "stringData")
    }
    return {**content, **hidden}


def _package_files(resources: Iterable[Registration]) -> Iterator[tuple[str, str]]:
    by_package: dict[str, list[Registration]] = defaultdict(list)
    for resource in resources:
        by_package[resource.type.partition(":")[0]].append(resource)
    for package, members in by_package.items():
        content = {"resources": [_described(resource) for resource in members]}
        yield f"{package}/{package}.json", json.dumps(content, indent=2, sort_keys=True) + "\n"
        for resource in members:
            text = _user_data(resource.inputs)
            if text is not None:
                yield f"{package}/{resource.name}.user-data.txt", text


def _node_settings_files(registrations: Iterable[Registration]) -> Iterator[tuple[str, str]]:
    for registration in registrations:
        if registration.type == NODE_SETTINGS:
            args = cast("NodeSettingsArgs", registration.inputs)
            for name, text in node_settings_files(registration.name, args).items():
                yield f"node-settings/{registration.name}/{name}", text


def _described(resource: Registration) -> Map:
    options = {
        "dependsOn": [urn.rpartition("::")[2] for urn in resource.dependencies],
        "ignoreChanges": list(resource.ignore_changes),
        "protect": resource.protect,
        "deleteBeforeReplace": resource.delete_before_replace,
    }
    return {
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent.rpartition("::")[2],
        "inputs": resource.inputs,
        "options": {name: value for name, value in options.items() if value},
    }


def _user_data(inputs: Map) -> str | None:
    encoded = inputs.get("userData")
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


class _Dumper(yaml.CSafeDumper):
    """Writes text of several lines as such, and never an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 the base class's signature
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Returns the node of a text: a block where it has several lines."""
        style = "|" if "\n" in text else None
        return yaml.ScalarNode(self.DEFAULT_SCALAR_TAG, text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _yaml(content: Map) -> str:
    by_name = replaced(content, _name_first)
    return yaml.dump(by_name, Dumper=_Dumper, sort_keys=False, width=100)


def _name_first(value: Any) -> Any:  # noqa: ANN401 any plain data
    if not is_map(value):
        return value
    return {key: value[key] for key in sorted(value, key=lambda key: (key != "name", key))}
