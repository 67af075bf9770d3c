"""Projects for tests to plan: a program of components, a stack file, and a git repository."""

import os
import subprocess
from pathlib import Path

PROGRAM = """
import json
import pulumi
from nodepools import NodePool
from preloader import ImagePreloader
from preloader.lock import lock_path, read_lock

config = pulumi.Config()
images = json.loads(config.require('images'))
layers = read_lock(lock_path(pulumi.get_stack())).image_layers_bytes(images, 'amd64')
given = {'images': images, 'image_layers_bytes': layers}
ImagePreloader('web', {'namespace': 'apps', **given})
NodePool('web', {
    'cluster_name': 'c', 'subnet_ids': ['subnet-00000001'], **given,
    'node_group': {
        'instance_types': ['m7i.large'],
        'scaling': {'min_size': 1, 'max_size': 6},
        'root_volume': {'size_gib': int(config.get('gib') or 40)},
    },
})
print('the program prints')
"""
PROJECT = "name: theirs\nruntime: python\n"


def make_project(folder: Path, program: str = PROGRAM) -> Path:
    """A project with a stack `dev` of one image."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(program)
    write_stack(folder, ["nginx:1.25"])
    return folder


def write_stack(folder: Path, images: list[str], **more: str) -> None:
    """Writes the stack file, with these images."""
    values = {"images": images, **more}
    lines = (f"  theirs:{key}: {value!r}\n" for key, value in values.items())
    (folder / "Pulumi.dev.yaml").write_text("config:\n" + "".join(lines))


def git(folder: Path, *arguments: str) -> str:
    """Runs git with a configuration of its own."""
    result = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


def commit(folder: Path) -> str:
    """Commits all that is in a repository, which is made where there is none; returns its name."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return f"commit {git(folder, 'rev-parse', 'HEAD')[:7]}"


# A pool on nodes of each kind, and one whose sizes are not known.
POOLS = """
from nodepools import NodePool, NodeSettings
from preloader import ImagePreloader
GROUP = {'instance_types': ['m7i.large'], 'scaling': {'min_size': 2, 'max_size': 2}}
ImagePreloader('arm', {
    'namespace': 'apps', 'images': ['nginx:1', 'redis:7'], 'architecture': 'arm64',
    'image_layers_bytes': {'nginx:1': {'a': 100, 'b': 20}, 'redis:7': {'a': 100, 'c': 10}},
    'preload': {'lanes': 1},
})
NodeSettings('arm', {'platform': 'gke', 'image_gc': {'high_percent': 80, 'low_percent': 70}})
ImagePreloader('other', {
    'namespace': 'apps', 'images': ['nginx:1', 'httpd:2'], 'node_labels': {'a': 'b'},
})
NodePool('bare', {
    'cluster_name': 'c', 'subnet_ids': ['subnet-00000001'],
    'node_group': {**GROUP, 'root_volume': {'size_gib': 40}},
})
"""
