"""What is taken over of an update that was killed: what nobody else can have made, and no more."""

from typing import Any

from deploy.stack import take_over_half_made

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
