"""The cleanup's program is once in a namespace, whatever there cleans up."""

import base64
import json
from collections import Counter
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Namespace

from preloadctl.recorder import Registration
from preloader import ImageCleanup, ImagePreloader, PreloaderNamespace
from preloader.bundle import build_agent
from tests.support import Run

IMAGES = ["a:1"]


def programs(resources: list[Registration]) -> dict[str, Registration]:
    """The ConfigMaps that hold a program, by name."""
    return {each.name: each for each in resources if "binaryData" in each.inputs}


def mounted(resources: list[Registration]) -> dict[str, list[str]]:
    """The ConfigMaps that a DaemonSet's cleanup reads, by its name."""
    found: dict[str, list[str]] = {}
    for each in resources:
        if each.type.endswith(":DaemonSet"):
            volumes: list[dict[str, Any]] = each.inputs["spec"]["template"]["spec"]["volumes"]
            for volume in volumes:
                sources = volume.get("projected", {}).get("sources", [])
                found[each.name] = [source["configMap"]["name"] for source in sources]
                if sources:
                    break
    return found


def preloader(
    name: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
) -> None:
    ImagePreloader(name, {"namespace": namespace, "images": IMAGES}, opts)


def test_it_is_the_program_that_the_agent_is_packed_into(run: Run) -> None:
    (config,) = programs(run(lambda: preloader("web", "preload"))).values()
    assert base64.b64decode(config.inputs["binaryData"]["agent.pyz"]) == build_agent()
    # kubectl keeps what it applied in an annotation, of which the API takes 256 KiB.
    assert len(json.dumps(config.inputs)) < 256 * 1024


def test_all_components_of_a_namespace_share_it_whichever_comes_first(run: Run) -> None:
    def program(*, cleanup_first: bool) -> None:
        if cleanup_first:
            ImageCleanup("other", {"namespace": "preload"})
        preloader("web", "preload")
        preloader("ml", "preload")
        if not cleanup_first:
            ImageCleanup("other", {"namespace": "preload"})

    for cleanup_first in (True, False):
        resources = run(lambda first=cleanup_first: program(cleanup_first=first))
        (name,) = programs(resources)
        assert name == "stack-preload-cleanup-program"
        assert mounted(resources) == {
            "web-lane-0": [name, "web-cleanup"],
            "ml-lane-0": [name, "ml-cleanup"],
            "other-cleanup-daemon-set": [name, "other-cleanup"],
        }


def test_it_belongs_to_the_stack_so_that_any_component_may_go(run: Run) -> None:
    (config,) = programs(run(lambda: preloader("web", "preload"))).values()
    assert "ImagePreloader" not in config.urn
    assert config.parent.endswith("CleanupProgram::stack-preload-cleanup-program")


def test_a_namespace_that_is_known_later_is_the_one_of_its_name(run: Run) -> None:
    def program() -> None:
        namespace = PreloaderNamespace("preload", {"name": "preload"})
        preloader("web", namespace.name)
        preloader("ml", "preload")
        of_their_own = Namespace("own", metadata={"name": "own"})
        preloader("one", of_their_own.metadata.apply(lambda metadata: metadata.name or ""))
        preloader("two", of_their_own.metadata.apply(lambda metadata: metadata.name or ""))

    resources = run(program)
    namespaces = {
        name: config.inputs["metadata"]["namespace"] for name, config in programs(resources).items()
    }
    assert namespaces == {
        "stack-preload-cleanup-program": "preload",
        "stack-own-cleanup-program": "own",
    }
    assert mounted(resources)["two-lane-0"] == ["stack-own-cleanup-program", "two-cleanup"]


def test_it_waits_for_a_namespace_that_the_program_makes(run: Run) -> None:
    def program() -> None:
        preloader("web", PreloaderNamespace("preload", {"name": "preload"}).name)

    (config,) = programs(run(program)).values()
    assert any(urn.endswith("::preload-namespace") for urn in config.dependencies)


def test_namespaces_of_one_name_in_two_clusters_have_one_each(run: Run) -> None:
    def program() -> None:
        for cluster in ("east", "west"):
            provider = Provider(cluster, kubeconfig="")
            preloader(f"web-{cluster}", "preload", pulumi.ResourceOptions(provider=provider))
            preloader(f"ml-{cluster}", "preload", pulumi.ResourceOptions(provider=provider))

    found = programs(run(program))
    assert {name: config.provider.rpartition("::")[2] for name, config in found.items()} == {
        "stack-east-preload-cleanup-program": "east",
        "stack-west-preload-cleanup-program": "west",
    }


def test_there_is_none_where_nothing_cleans_up(run: Run) -> None:
    def program() -> None:
        ImagePreloader(
            "web", {"namespace": "preload", "images": IMAGES, "cleanup": {"enabled": False}}
        )

    resources = run(program)
    assert Counter(each.type for each in resources) == {
        "image-preloader:index:ImagePreloader": 1,
        "kubernetes:apps/v1:DaemonSet": 1,
    }


@pytest.mark.parametrize("stack", ["Prod_EU.1", "prod--eu-1-"])
def test_its_name_is_one_that_kubernetes_takes(
    run: Run, monkeypatch: pytest.MonkeyPatch, stack: str
) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    (name,) = programs(run(lambda: preloader("web", "preload")))
    assert name.startswith("prod-")
    assert name.endswith("-preload-cleanup-program")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
