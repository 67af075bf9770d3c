"""What a change of a pool's inputs does to its nodes, as what is registered before and after shows.

By what AWS's provider replaces a group for, and by what Karpenter takes for drift.
"""

import json
from typing import Any

from nodepools import KarpenterPool, NodePool, NodePoolArgs
from nodepools.args import NodeGroupKind
from nodepools.changes import Effect
from preloader.plain import Map
from tests.support import Run

# https://github.com/hashicorp/terraform-provider-aws (internal/service/eks/node_group.go, ForceNew)
FORCE_NEW = {
    "amiType",
    "capacityType",
    "clusterName",
    "diskSize",
    "instanceTypes",
    "nodeGroupName",
    "nodeRoleArn",
    "remoteAccess",
    "subnetIds",
}
# A change of these alone starts an update of the group's version, as a new template does.
VERSIONS = {"releaseVersion", "version"}

# What Karpenter leaves out of the hash by which it sees that a node is not as its objects say;
# from most of these it looks at the node itself.
# https://github.com/aws/karpenter-provider-aws (pkg/apis/v1/ec2nodeclass.go)
NODE_CLASS_UNHASHED = {
    "amiFamily",
    "amiSelectorTerms",
    "capacityReservationSelectorTerms",
    "ipPrefixCount",
    "securityGroupSelectorTerms",
    "subnetSelectorTerms",
}
# https://github.com/kubernetes-sigs/karpenter (pkg/apis/v1/nodepool.go)
NODE_TEMPLATE_UNHASHED = {"requirements"}

Registered = dict[str, Map]


def effect(run: Run, before: NodePoolArgs, after: NodePoolArgs) -> Effect:
    """What the nodes of a pool with the inputs `before` go through when it gets those `after`."""
    old, new = registered(run, before), registered(run, after)
    if kind_of(before) is not kind_of(after):
        return Effect.REPLACES_GROUP
    return (_drift if kind_of(before) is NodeGroupKind.KARPENTER else _update)(old, new)


def registered(run: Run, given: NodePoolArgs) -> Registered:
    """The inputs of everything that the pool registers but itself, by name."""
    component = KarpenterPool if kind_of(given) is NodeGroupKind.KARPENTER else NodePool
    resources = run(lambda: component("web", given))
    return {resource.name: resource.inputs for resource in resources if resource.custom}


def kind_of(given: NodePoolArgs) -> NodeGroupKind:
    return NodeGroupKind(given["node_group"].get("kind", NodeGroupKind.MANAGED))


def _update(old: Registered, new: Registered) -> Effect:
    changed = _changed(old["web-node-group"], new["web-node-group"])
    if changed & FORCE_NEW:
        return Effect.REPLACES_GROUP
    if old["web-launch-template"] != new["web-launch-template"] or changed & VERSIONS:
        return Effect.ROLLS_NODES
    return Effect.IN_PLACE


def _drift(old: Registered, new: Registered) -> Effect:
    old_class, new_class = (each["web-node-class"]["spec"] for each in (old, new))
    old_pool, new_pool = (
        each["web-karpenter-pool"]["spec"]["template"]["spec"] for each in (old, new)
    )
    if _hashed(old) != _hashed(new):
        return Effect.ROLLS_NODES
    # A node has to have exactly the security groups that are selected, ...
    if _ids(old_class, "securityGroup") != _ids(new_class, "securityGroup"):
        return Effect.ROLLS_NODES
    # ... but only one of the subnets, one of the AMIs, and of each requirement one value.
    new_values = _values(new_pool)
    if (
        _ids(old_class, "subnet") - _ids(new_class, "subnet")
        or old_class["amiSelectorTerms"] != new_class["amiSelectorTerms"]
        or any(values - new_values[key] for key, values in _values(old_pool).items())
    ):
        return Effect.ROLLS_NODES_NOT_ALLOWED
    return Effect.IN_PLACE


def _hashed(objects: Registered) -> str:
    """What Karpenter's two hashes are made of: lists as sets, empty values left out."""
    node_class = objects["web-node-class"]["spec"]
    template = objects["web-karpenter-pool"]["spec"]["template"]
    # Of the AMI the hash has the family alone, whatever names it.
    families = {term["alias"].partition("@")[0] for term in node_class["amiSelectorTerms"]}
    parts = (
        _without(node_class, NODE_CLASS_UNHASHED),
        {**template, "spec": _without(template["spec"], NODE_TEMPLATE_UNHASHED)},
        sorted(families),
    )
    return json.dumps([_normal(part) for part in parts])


def _without(content: Map, keys: set[str]) -> Map:
    return {key: value for key, value in content.items() if key not in keys}


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in sorted(value.items()) if item}
    if isinstance(value, list):
        return sorted((_normal(item) for item in value), key=json.dumps)
    return value


def _ids(node_class: Map, what: str) -> set[str]:
    return {term["id"] for term in node_class[f"{what}SelectorTerms"]}


def _values(node_spec: Map) -> dict[str, set[str]]:
    return {each["key"]: set(each["values"]) for each in node_spec["requirements"]}


def _changed(old: Map, new: Map) -> set[str]:
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
