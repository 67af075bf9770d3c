"""Each command that the README names does what it says there, and none is forgotten."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preloader.agent.cri.messages import Image
from preloader.bundle import build_agent
from tests.agent.fake_runtime import FakeRuntime
from tests.agent.fake_runtime import serve as serve_runtime
from tests.preloadctl.lock.registry_server import RegistryServer
from tests.preloadctl.lock.stack_project import LARGE, SMALL, push
from tests.readme.checkout import Checkout
from tests.readme.commands import RUN_BY, commands_in, console_of
from tests.support import ROOT, write_stack

README = (ROOT / "README.md").read_text()
SOCKET = "/run/containerd/containerd.sock"
BAD: dict[str, Any] = {
    "cluster": {
        "kind": "eks",
        "name": "platform",
        "region": "eu-west-1",
        "subnet_ids": ["subnet-0a1b2c3d4e5f60718"],
    },
    "namespace": "image-preloader",
    "pools": {
        "ml": {
            "images": ["a:1", "b:1", "Nginx:1"],
            "preload": {"mode": "hld"},
            "cleanup": {"high_water_percent": 80},
            "node_group": {
                "ami_type": "AL2023_x86_64_STANDARD",
                "instance_types": ["m7i.xlarge"],
                "scaling": {"min_size": 1, "max_size": 2},
                "root_volume": {"size_gib": 100},
                "image_gc": {"low_percent": 85, "high_percent": 80},
            },
        }
    },
}


def test_every_command_is_run_by_something_in_ci() -> None:
    run = [command for commands in RUN_BY.values() for command in commands]
    assert len(run) == len(set(run))
    assert commands_in(README) == set(run)


@pytest.mark.parametrize("file", RUN_BY)
def test_what_is_to_run_a_command_has_it_as_the_readme_writes_it(file: str) -> None:
    text = (ROOT / file).read_text()
    assert [command for command in RUN_BY[file] if command not in text] == []


@pytest.mark.parametrize(
    ("markdown", "commands"),
    [
        ("```console\n$ make up   # does it\nsays so\n```", {"make up"}),
        ("```sh\npreloadctl lock\n```\n```yaml\nmake: up\n```", {"preloadctl lock"}),
        ("run `make x` or `make`, not `image: a` nor `pulumi up`", {"make x"}),
        ("| `kubectl get pods` | `python -m bench` |", {"kubectl get pods", "python -m bench"}),
    ],
)
def test_commands_are_found_wherever_they_are_written(markdown: str, commands: set[str]) -> None:
    assert commands_in(markdown) == commands


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


def stack_on(registry: RegistryServer) -> dict[str, Any]:
    """A stack whose images a registry on loopback has: as the README's `prod`, two of them."""
    web, box = push(registry, "acme/web", "1", SMALL), push(registry, "acme/box", "1", SMALL)
    pool = {"images": [web], "cleanup": {"enabled": False}, "helper_images": {"busybox": box}}
    return {"cluster": {"kind": "rendered"}, "namespace": "apps", "pools": {"web": pool}}


def test_a_bad_stack_is_refused_as_shown(checkout: Checkout) -> None:
    command = ".venv/bin/preloadctl render --stack bad"
    write_stack(checkout.folder, "bad", BAD)
    assert checkout.run(command, code=1) == console_of(README, command)


def test_a_stack_is_rendered(checkout: Checkout) -> None:
    said = checkout.run("preloadctl render --stack dev")
    assert said.endswith("10 files of stack dev in rendered/dev\n")
    command = ".venv/bin/preloadctl render --stack S --output DIR"
    checkout.run(command.replace("--stack S", "--stack dev").replace("DIR", "files"))
    made = {file.name for file in (checkout.folder / "files").rglob("*.yaml")}
    assert made == {file.name for file in (checkout.folder / "rendered/dev").rglob("*.yaml")}
    assert len(made) == 10


def test_a_stack_is_planned_in_each_format(checkout: Checkout) -> None:
    assert "ml: amd64, 3 images" in checkout.run(".venv/bin/preloadctl plan --stack dev")
    command = ".venv/bin/preloadctl plan --stack S".replace("--stack S", "--stack dev")
    for form, begin in (
        ("text", "Stack dev: "),
        ("json", "{"),
        ("markdown", "#"),
        ("html", "<!doctype html>"),
        ("svg", "<svg"),
    ):
        assert f"`{form}`" in README or f"--format {form}" in README
        shown = checkout.run(f"{command} --format {form} --since HEAD")
        assert shown.lstrip().startswith(begin), shown[:200]


def test_images_are_locked_and_checked_in_a_pull_request(
    checkout: Checkout, registry: RegistryServer
) -> None:
    for stack in ("dev", "prod", "other"):
        write_stack(checkout.folder, stack, stack_on(registry))
    said = checkout.run(".venv/bin/preloadctl lock --stack dev")
    assert "2 added" in said
    command = ".venv/bin/preloadctl lock --stack S".replace("--stack S", "--stack other")
    checkout.run(f"{command} --concurrency 8 --timeout-seconds 60")
    # The command alone, as sentences name it.
    checkout.run("preloadctl lock" + " --stack prod")
    assert "2 unchanged" in checkout.run("preloadctl lock --stack prod --check")
    checkout.run(
        "preloadctl plan --stack prod --since origin/main --format markdown --output comment.md"
    )
    assert "web" in (checkout.folder / "comment.md").read_text()

    push(registry, "acme/web", "1", SMALL, LARGE)
    command = ".venv/bin/preloadctl lock --stack prod --check"
    said = checkout.run(command, code=1)
    assert without_chance(said) == without_chance(console_of(README, command))


def without_chance(said: str) -> str:
    """What is said, whatever the port of the registry and the digests."""
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"[0-9a-f]{12}", "DIGEST", said))


def test_the_cleanups_program_shows_its_plan_beside_a_runtime(checkout: Checkout) -> None:
    command = ".venv/bin/preloadctl agent --output agent.pyz"
    assert checkout.run(command).strip() == console_of(README, command).strip()
    checkout.run(".venv/bin/preloadctl agent")
    assert (checkout.folder / "agent.pyz").read_bytes() == build_agent()
    (checkout.folder / "policy.json").write_text(json.dumps({"pool": "ml"}))
    runtime = FakeRuntime()
    runtime.add(Image("1" * 64, ("docker.io/library/nginx:1",)))
    with serve_runtime(runtime) as server:
        shown = checkout.run(
            "python3 agent.pyz plan --socket /run/containerd/containerd.sock --policy policy.json"
            .replace(SOCKET, server.path)
        )  # fmt: skip
    assert "kept          docker.io/library/nginx:1" in shown


def test_one_subject_is_measured(checkout: Checkout) -> None:
    results = checkout.folder / "bench/results.json"
    before = json.loads(results.read_text())["measurements"]
    checkout.run("python -m bench --only SUBJECT".replace("SUBJECT", "plan"))
    after = json.loads(results.read_text())["measurements"]
    changed = {new["name"] for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {"plan_of_100_pools_over_imports"}
    assert Path(checkout.folder, "README.md").read_text() != README
