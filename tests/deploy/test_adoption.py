"""What is taken into a stack's state: what a killed update was making, and what kubectl made."""

from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Namespace

from deploy.adoption import adopted_resources, keep_names, take_over_half_made
from preloadctl.project import Project
from preloadctl.recorder import Registration, record_program
from preloader import ImagePreloader
from tests.support import ROOT

AUTONAMED = {"annotations": {"pulumi.com/autonamed": "true"}, "name": "web-1a2b"}


def creating(name: str, metadata: dict[str, Any], kind: str = "creating") -> dict[str, Any]:
    resource = {"urn": f"urn:{name}", "custom": True, "type": "kubernetes:x", "inputs": {}}
    return {"type": kind, "resource": {**resource, "inputs": {"metadata": metadata}}}


def test_what_was_being_made_becomes_a_resource_with_the_id_that_pulumi_drew() -> None:
    state: dict[str, Any] = {
        "resources": [{"urn": "urn:there"}],
        "pending_operations": [
            creating("in", {**AUTONAMED, "namespace": "preload"}),
            creating("cluster-wide", AUTONAMED),
        ],
    }
    assert take_over_half_made(state) == ["urn:in", "urn:cluster-wide"]
    assert [each.get("id") for each in state["resources"]] == [None, "preload/web-1a2b", "web-1a2b"]
    assert state["pending_operations"] == []


def test_what_may_have_been_there_before_is_left_alone() -> None:
    named = creating("namespace", {"name": "preload"})
    deleting = creating("lane", AUTONAMED, kind="deleting")
    without = {
        "type": "creating",
        "resource": {"urn": "urn:group", "type": "aws:eks", "inputs": {}},
    }
    state: dict[str, Any] = {"pending_operations": [named, deleting, without]}
    assert take_over_half_made(state) == []
    assert state == {"resources": [], "pending_operations": [named, deleting, without]}


def test_an_update_that_was_making_nothing_leaves_nothing() -> None:
    assert take_over_half_made({"pending_operations": None}) == []
    assert take_over_half_made({}) == []


STACK = "urn:pulumi:test::project::pulumi:pulumi:Stack::project-test"
PROVIDER = "urn:pulumi:test::project::pulumi:providers:kubernetes::cluster"
THERE = [
    {"urn": STACK, "type": "pulumi:pulumi:Stack"},
    {"urn": PROVIDER, "type": "pulumi:providers:kubernetes", "id": "1a2b"},
]


def recorded() -> list[Registration]:
    def program() -> None:
        cluster = Provider("cluster", kubeconfig="")
        options = pulumi.ResourceOptions(providers=[cluster])
        ImagePreloader("web", {"namespace": "preload", "images": ["a:1"]}, options)
        Namespace("own", opts=pulumi.ResourceOptions(provider=cluster))

    return record_program(program, Project("project", "test", ROOT, {}, frozenset()))


def test_each_object_is_adopted_by_its_rendered_name_below_its_components() -> None:
    adopted = adopted_resources(recorded(), THERE)
    assert {each["urn"].rpartition("::")[2]: each.get("id") for each in adopted} == {
        "test-cluster-preload-cleanup-program": "preload/test-cluster-preload-cleanup-program",
        "web": None,
        "web-cleanup": "preload/web-cleanup",
        "web-lane-0": "preload/web-lane-0",
        "own": "own",
    }
    known = {each["urn"] for each in THERE}
    for each in adopted:
        assert each["parent"] in known
        assert each.get("provider", f"{PROVIDER}::1a2b") == f"{PROVIDER}::1a2b"
        known.add(each["urn"])


def test_what_the_state_has_is_not_adopted_again() -> None:
    adopted = adopted_resources(recorded(), THERE)
    assert adopted_resources(recorded(), [*THERE, *adopted]) == []


def test_only_kubernetes_objects_are_marked_to_keep_their_names() -> None:
    resources = [*map(dict, THERE), *adopted_resources(recorded(), THERE)]
    keep_names({"resources": resources})
    marked = {
        each["urn"].rpartition("::")[2]
        for each in resources
        if "pulumi.com/autonamed" in str(each.get("inputs"))
    }
    assert marked == {"own", "test-cluster-preload-cleanup-program", "web-cleanup", "web-lane-0"}
