"""What the engine makes of a stack's Kubernetes objects, whatever its cluster is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.engine.project import EngineProject

OUTPUT = "from-engine"
SHIPPED = "shipped.py"
# The provider writes files instead of going to the cluster that the stack names.
WRAPPER = f"""\
import runpy
import pulumi

def write_files(args):
    if args.type_ != "pulumi:providers:kubernetes":
        return None
    args.props.clear()
    args.props.update(kubeconfig="", render_yaml_to_directory={OUTPUT!r})
    return pulumi.ResourceTransformationResult(args.props, args.opts)

pulumi.runtime.register_stack_transformation(write_files)
runpy.run_path({SHIPPED!r}, run_name="__main__")
"""
AUTONAMED = "pulumi.com/autonamed"

Objects = dict[tuple[str, str], Mapping[str, Any]]


def write_files_instead(project: EngineProject) -> None:
    """Makes the project's program write the objects of every stack into one folder."""
    (project.folder / "__main__.py").rename(project.folder / SHIPPED)
    (project.folder / "__main__.py").write_text(WRAPPER)


def objects_below(folder: Path) -> Objects:
    """The objects in the files below a folder, as they are without what the provider adds.

    It adds a suffix to the names that a program does not choose, and says so in an annotation.
    """
    texts = [file.read_text() for file in sorted(folder.rglob("*.yaml"))]
    autonamed = {
        manifest["metadata"]["name"]
        for manifest in map(yaml.safe_load, texts)
        if AUTONAMED in manifest["metadata"].get("annotations", {})
    }
    found: Objects = {}
    for text in texts:
        named = text
        for name in autonamed:
            named = named.replace(name, name.rpartition("-")[0])
        manifest = yaml.safe_load(named)
        annotations = manifest["metadata"].get("annotations", {})
        annotations.pop(AUTONAMED, None)
        if not annotations:
            manifest["metadata"].pop("annotations", None)
        found[manifest["kind"], manifest["metadata"]["name"]] = manifest
    return found
