"""Objects that are in the cluster and not in the stack's state, as resources of that state."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preloadctl.recorder import STACK_TYPE, Registration
from preloadctl.render import is_manifest
from preloader.plain import Map

# An object with this mark keeps its name; where the program names it, the mark has no effect.
# https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/metadata/naming.go
AUTONAMED = "pulumi.com/autonamed"


def adopt(state: dict[str, Any], registrations: Sequence[Registration]) -> list[str]:
    """Takes the program's Kubernetes objects into a state; returns the URNs of those it lacked."""
    adopted = adopted_resources(registrations, state["resources"])
    state["resources"] = [*state["resources"], *adopted]
    return [each["urn"] for each in adopted]


def adopted_resources(
    registrations: Sequence[Registration], there: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Returns the program's Kubernetes objects and their components, parents first.

    Each has the name that `render` gives it. `there` are the resources of the state, the providers
    among them; what is one of these already is left out.
    """
    by_urn = {each.urn: each for each in registrations}
    objects = [each for each in registrations if each.custom and is_manifest(each.type)]
    needed = {
        member.urn: member for each in objects for member in (*_ancestors(each, by_urn), each)
    }
    stack = next(each["urn"] for each in there if each["type"] == STACK_TYPE)
    references = {each["urn"]: f"{each['urn']}::{each.get('id', '')}" for each in there}
    return [
        _resource(each, stack, references)
        for each in needed.values()
        if engine_urn(each.urn) not in references
    ]


def keep_names(state: dict[str, Any]) -> list[str]:
    """Marks objects as named by Pulumi, so that it names none anew; returns their URNs."""
    resources: list[dict[str, Any]] = state["resources"]
    objects = [each for each in resources if is_manifest(each["type"])]
    for each in objects:
        metadata = each["inputs"]["metadata"]
        metadata["annotations"] = {**metadata.get("annotations", {}), AUTONAMED: "true"}
    return [each["urn"] for each in objects]


def engine_urn(urn: str) -> str:
    """Returns a recorded URN as the engine gives it: the stack is no parent in it."""
    return urn.replace(f"{STACK_TYPE}$", "")


def _ancestors(each: Registration, by_urn: Mapping[str, Registration]) -> Iterator[Registration]:
    if parent := by_urn.get(each.parent):
        yield from _ancestors(parent, by_urn)
        yield parent


def _resource(each: Registration, stack: str, references: Mapping[str, str]) -> dict[str, Any]:
    is_top = each.parent.split("::")[2] == STACK_TYPE
    resource = {
        "urn": engine_urn(each.urn),
        "custom": each.custom,
        "type": each.type,
        "parent": stack if is_top else engine_urn(each.parent),
    }
    if not each.custom:
        return resource
    return {
        **resource,
        "id": _object_id(each.inputs),
        "inputs": each.inputs,
        "outputs": each.inputs,
        "provider": references[engine_urn(each.provider)],
    }


def take_over_half_made(state: dict[str, Any]) -> list[str]:
    """Makes resources of the objects that an update was making when it ended; returns their URNs.

    Of those alone that have a name drawn by Pulumi, which the state knows: none of them was there
    before, and the next update makes others.
    """
    operations: list[dict[str, Any]] = state.get("pending_operations") or []
    half_made = [each for each in operations if _makes_autonamed(each)]
    taken = [
        {**resource, "id": _object_id(resource["inputs"]), "outputs": resource["inputs"]}
        for resource in (operation["resource"] for operation in half_made)
    ]
    state["resources"] = [*(state.get("resources") or []), *taken]
    state["pending_operations"] = [each for each in operations if each not in half_made]
    return [resource["urn"] for resource in taken]


def _makes_autonamed(operation: Map) -> bool:
    metadata = operation["resource"].get("inputs", {}).get("metadata", {})
    is_autonamed = metadata.get("annotations", {}).get(AUTONAMED) == "true"
    return operation["type"] == "creating" and is_autonamed


def _object_id(inputs: Map) -> str:
    metadata = inputs["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
