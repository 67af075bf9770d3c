"""Where workloads are read from: a folder of manifests, or a cluster through kubectl."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preloadctl.errors import CommandError
from preloader.plain import Map, is_list, is_map
from preloader.yaml_values import InvalidYaml, read_documents

SUFFIXES = (".yaml", ".yml", ".json")
# pods first, since where they run says more than what their templates ask for.
CLUSTER_KINDS = "pods,deployments,statefulsets,daemonsets,jobs,cronjobs"
KUBECTL_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Source:
    """Kubernetes objects, the labels of nodes by name, and what could not be read."""

    objects: list[Map]
    nodes: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    skipped: tuple[str, ...] = ()


def read_folder(folder: Path) -> Source:
    """Returns every object in the YAML and JSON files below a folder; raises CommandError."""
    if not folder.is_dir():
        raise CommandError(f"--from-manifests: {folder} is no folder")
    objects: list[Map] = []
    skipped: list[str] = []
    for path in _files(folder):
        try:
            documents = list(read_documents(path.read_text(encoding="utf-8-sig")))
        except InvalidYaml as error:
            place = f"{path}:{error.line}"
            skipped.append(
                f"{place}: no YAML ({error.reason}); if it is a template, render it first"
            )
            continue
        except UnicodeDecodeError:
            skipped.append(f"{path}: is not UTF-8")
            continue
        except OSError as error:
            skipped.append(f"{path}: {error.strerror}")
            continue
        for item in _objects(documents):
            objects.append(item)
            if item["kind"] == "Kustomization" and item.get("images"):
                skipped.append(
                    f"{path}: changes images; render it with `kubectl kustomize {path.parent}`"
                )
    return Source(objects, skipped=tuple(skipped))


def read_cluster(context: str) -> Source:
    """Returns the workloads of a cluster and its nodes; raises CommandError."""
    objects = list(_objects([_kubectl(context, CLUSTER_KINDS, "--all-namespaces")]))
    try:
        nodes = list(_objects([_kubectl(context, "nodes")]))
    except CommandError as error:
        return Source(objects, skipped=(f"nodes, so pods count as their templates do: {error}",))
    labels = {node["metadata"]["name"]: node["metadata"].get("labels", {}) for node in nodes}
    return Source(objects, labels)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        # Sorted in place, which is the order in which `walk` goes on.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(place) / name for name in sorted(names) if name.endswith(SUFFIXES))
        yield from (path for path in paths if path.is_file())


def _objects(documents: list[Any]) -> Iterator[Map]:
    for document in documents:
        if is_list(document):
            yield from _objects(document)
        if not is_map(document) or not isinstance(document.get("kind"), str):
            continue
        items: object = document.get("items")
        if document["kind"].endswith("List") and is_list(items):
            # Those of a list of one kind need not repeat it.
            kind = document["kind"].removesuffix("List")
            yield from _objects([{"kind": kind, **item} for item in items if is_map(item)])
        else:
            yield document


def _kubectl(context: str, kinds: str, *options: str) -> Map:
    program = shutil.which("kubectl")
    if program is None:
        raise CommandError("--from-cluster needs kubectl, which is not on PATH")
    command = [program, "--context", context, "get", kinds, *options, "--output", "json"]
    try:
        result = subprocess.run(  # noqa: S603 kubectl, with what the user names
            command, capture_output=True, timeout=KUBECTL_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"kubectl --context {context}: no answer within {KUBECTL_TIMEOUT_SECONDS} s"
        ) from None
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {result.returncode}"
        raise CommandError(f"kubectl --context {context}: {reason}")
    return json.loads(result.stdout)
