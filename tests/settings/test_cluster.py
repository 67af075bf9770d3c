"""What a stack file says of an EKS cluster, and of the stacks that say it in its place."""

import json

import pytest
import yaml

from nodepools.eks.cluster import ClusterInputs, StackOutput
from preloader.problems import Problem
from settings import EksCluster
from settings.load import parse

NETWORK, EKS = "acme/network/prod", "acme/eks/prod"
ROLE = "arn:aws:iam::123456789012:role/nodes"
CLUSTER_ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/platform"


GROUP = {
    "instance_types": ["m7i.large"],
    "scaling": {"min_size": 1, "max_size": 2},
    "root_volume": {"size_gib": 50},
}


def stack_file(cluster: str) -> str:
    return f"""
    cluster: {{kind: eks, {cluster}}}
    namespace: n
    pools: {{a: {{images: [x], node_group: {json.dumps(GROUP)}}}}}
    """


def problems(cluster: str) -> list[Problem]:
    return parse(json.dumps(yaml.safe_load(stack_file(cluster))))[1]


def outputs(**names: str) -> str:
    return f"stack_outputs: {{{NETWORK}: {json.dumps(names)}}}"


REST = "region: eu-west-1, subnet_ids: [subnet-00000001]"
WRONG: list[tuple[str, str, object, str]] = [
    (f"{REST}", "cluster.name", None, "is missing, and required"),
    ("name: x, subnet_ids: [subnet-00000001]", "cluster.region", None, "is missing, and required"),
    (
        f"name: my cluster, {REST}",
        "cluster.name",
        "my cluster",
        "name of an EKS cluster or its ARN",
    ),
    (
        f"name: 'arn:aws:eks:eu-west-1:1:cluster/x', {REST}",
        "cluster.name",
        "arn:aws:eks:eu-west-1:1:cluster/x",
        "name of an EKS cluster or its ARN",
    ),
    (
        f"name: '{CLUSTER_ARN}', region: us-east-1, subnet_ids: [subnet-00000001]",
        "cluster.region",
        "us-east-1",
        "must be eu-west-1, where the cluster is by its ARN in name",
    ),
    *(
        (
            f"name: x, region: {json.dumps(region)}, subnet_ids: [subnet-00000001]",
            "cluster.region",
            region,
            "must be the name of an AWS region",
        )
        for region in ("Mars North", "eu-west", "EU-WEST-1", "eu-west-1a", "", "eu-west-1\n")
    ),
    (f"name: x, {REST}, {outputs(name='n')}", "cluster.name", "x", f"output n of {NETWORK}"),
    (
        f"name: x, region: eu-west-1, subnet_ids: [subnet-00000001], {outputs(subnet_ids='n')}",
        "cluster.subnet_ids",
        ["subnet-00000001"],
        "must be left out here or in stack_outputs",
    ),
    (
        f"name: x, {REST}, node_role_arn: '{ROLE}', {outputs(node_role_arn='n')}",
        "cluster.node_role_arn",
        ROLE,
        "must be left out here or in stack_outputs",
    ),
    (
        f"name: x, {REST}, security_group_ids: [g], {outputs(security_group_ids='n')}",
        "cluster.security_group_ids",
        ["g"],
        "must be left out here or in stack_outputs",
    ),
    (
        f"name: x, {REST}, {outputs(nme='n')}",
        f"cluster.stack_outputs.{NETWORK}.nme",
        "n",
        "unknown key; known: name, node_role_arn, region, security_group_ids, subnet_ids",
    ),
    (
        f"{REST}, {outputs(name='')}",
        f"cluster.stack_outputs.{NETWORK}.name",
        "",
        "must be the name of an output",
    ),
    (
        f"name: x, {REST}, stack_outputs: {{{NETWORK}: {{}}}}",
        f"cluster.stack_outputs.{NETWORK}",
        {},
        "must name at least one output, of name, node_role_arn, region",
    ),
    (
        f"{REST}, stack_outputs: {{network: {{name: n}}}}",
        "cluster.stack_outputs.network",
        {"name": "n"},
        "ORGANIZATION/PROJECT/STACK",
    ),
    (
        f"{REST}, stack_outputs: {{{NETWORK}: {{name: a}}, {EKS}: {{name: b}}}}",
        f"cluster.stack_outputs.{EKS}.name",
        "b",
        f"must be left out of one stack: {NETWORK} has it too",
    ),
    (f"name: x, {REST}, stack_outputs: []", "cluster.stack_outputs", [], "must be a map"),
    (
        f"name: x, {REST}, stack_outputs: {{{NETWORK}: clusterName}}",
        f"cluster.stack_outputs.{NETWORK}",
        "clusterName",
        "must be a map",
    ),
    (
        f"{REST}, {outputs(name='n').replace(json.dumps('n'), '[n]')}",
        f"cluster.stack_outputs.{NETWORK}.name",
        ["n"],
        "must be a string",
    ),
]


@pytest.mark.parametrize(("cluster", "path", "value", "accepted"), WRONG)
def test_a_wrong_source_of_a_value_is_refused_by_path_value_and_what_is_accepted(
    cluster: str, path: str, value: object, accepted: str
) -> None:
    (problem,) = problems(cluster)
    assert (problem.path, problem.value) == (path, value)
    assert accepted in problem.accepted


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_cluster_is_named_by_its_name_or_by_an_arn_of_its_region(partition: str) -> None:
    arn = f"arn:{partition}:eks:eu-west-1:123456789012:cluster/platform"
    for name in ("platform", "0_a-B", arn):
        assert problems(f"name: '{name}', {REST}") == []


def test_mistakes_in_sources_and_in_pools_are_said_together() -> None:
    found = problems(
        f"name: x, region: 3, subnet_ids: [subnet-00000001], {outputs(name='n')}, colour: red"
    )
    assert {problem.path for problem in found} == {
        "cluster.name",
        "cluster.region",
        "cluster.colour",
    }
    text = stack_file(f"name: x, {REST}, {outputs(name='n')}").replace("[x]", "[X]")
    _, both = parse(json.dumps(yaml.safe_load(text)))
    assert {problem.path for problem in both} == {"cluster.name", "pools.a.images[0]"}


def test_a_value_that_another_stack_has_counts_as_given() -> None:
    sources = (
        f"{{{EKS}: {{name: clusterName, node_role_arn: role, security_group_ids: groups}}, "
        f"{NETWORK}: {{subnet_ids: privateSubnetIds}}}}"
    )
    text = stack_file(f"region: eu-west-1, stack_outputs: {sources}")
    settings, found = parse(json.dumps(yaml.safe_load(text)))
    assert found == []
    assert settings is not None
    assert isinstance(settings.cluster, EksCluster)
    assert settings.cluster.inputs(lambda output: f"{output.stack}:{output.name}") == ClusterInputs(
        name=f"{EKS}:clusterName",
        region="eu-west-1",
        subnet_ids=f"{NETWORK}:privateSubnetIds",
        node_role_arn=f"{EKS}:role",
        security_group_ids=f"{EKS}:groups",
    )
    given = settings.node_pool_args(settings.pools["a"], settings.cluster)
    path = f"cluster.stack_outputs.{NETWORK}.subnet_ids"
    assert given["subnet_ids"] == StackOutput(path, NETWORK, "privateSubnetIds", list)
