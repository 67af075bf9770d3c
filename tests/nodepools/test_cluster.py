"""What other stacks have of a cluster, from their outputs to the pools and the providers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime.mocks import MockMonitor

from nodepools.eks.cluster import StackOutput, output_problem
from preloadctl.project import load_project
from preloadctl.recorder import COMPUTED, Registration, record
from preloadctl.render import render
from tests.support import ROOT

pytestmark = pytest.mark.slow

NETWORK, EKS = "acme/network/prod", "acme/eks/prod"
OUTPUTS = f"""
        {EKS}: {{name: clusterName, node_role_arn: nodeRoleArn, security_group_ids: groups}}
        {NETWORK}: {{subnet_ids: privateSubnetIds}}"""
POOL = """
        node_group:
          instance_types: [m7i.large]
          scaling: {min_size: 1, max_size: 2}
          root_volume: {size_gib: 50}"""
KARPENTER_POOL = """
        node_group:
          kind: karpenter
          instance_types: [m7i.large]
          root_volume: {size_gib: 50}"""
ROLE = "arn:aws:iam::123456789012:role/nodes"
CLUSTER_ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/platform"
FOUND = {
    "clusterName": CLUSTER_ARN,
    "nodeRoleArn": ROLE,
    "groups": ["sg-00000001"],
    "privateSubnetIds": ["subnet-00000001", "subnet-00000002"],
}
STACK = f"""
config:
  image-preloader:settings:
    cluster:
      kind: eks
      region: eu-west-1
      stack_outputs: {OUTPUTS}
    namespace: n
    pools:
      web:
        images: [x]
        node_labels: {{pool: web}}{POOL}
      burst:
        images: [x]
        node_labels: {{pool: burst}}{KARPENTER_POOL}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program with a stack whose cluster other stacks have made."""
    for name in ("Pulumi.yaml", "__main__.py", "settings"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "Pulumi.remote.yaml").write_text(STACK)
    return tmp_path


def recorded(project: Path) -> dict[str, Registration]:
    return {item.name: item for item in record(load_project(project, "remote"))}


def test_offline_what_other_stacks_have_is_known_after_deployment(project: Path) -> None:
    files = render(record(load_project(project, "remote")))
    node_class = yaml.safe_load(files["11-ec2nodeclass.burst-node-class.yaml"])["spec"]
    assert node_class["role"] == COMPUTED
    assert node_class["subnetSelectorTerms"] == COMPUTED
    (group,) = (
        resource["inputs"]
        for resource in json.loads(files["aws/aws.json"])["resources"]
        if resource["name"] == "web-node-group"
    )
    assert {group[key] for key in ("clusterName", "nodeRoleArn", "subnetIds")} == {COMPUTED}
    lane = yaml.safe_load(files["11-daemonset.n.web-lane-0.yaml"])
    assert COMPUTED not in json.dumps(lane)


def test_a_provider_takes_a_cluster_that_only_a_deployment_can_name(project: Path) -> None:
    provider = recorded(project)["cluster"].inputs
    assert provider["clusterIdentifier"] == provider["kubeconfig"] == COMPUTED


def test_what_other_stacks_have_reaches_pools_and_providers(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch)
    by_name = recorded(project)
    group = by_name["web-node-group"].inputs
    assert (group["clusterName"], group["nodeRoleArn"]) == ("platform", ROLE)
    assert group["subnetIds"] == ["subnet-00000001", "subnet-00000002"]
    assert by_name["web-launch-template"].inputs["vpcSecurityGroupIds"] == ["sg-00000001"]
    assert by_name["burst-node-class"].inputs["spec"]["role"] == "nodes"
    provider = by_name["cluster"].inputs
    assert provider["clusterIdentifier"] == "platform"
    assert '"current-context": "platform"' in provider["kubeconfig"]
    assert by_name["web-lane-0"].provider.endswith("::cluster")


NAME_OUTPUT = StackOutput("cluster.stack_outputs.s.name", EKS, "clusterName", str)
SUBNETS_OUTPUT = StackOutput("cluster.stack_outputs.s.subnet_ids", NETWORK, "subnets", list)


@pytest.mark.parametrize(
    ("output", "found", "said"),
    [
        (NAME_OUTPUT, None, f"must name an output of {EKS} that is a string; the stack has none"),
        (NAME_OUTPUT, ["hidden"], "that is a string; the stack has something else: list"),
        (NAME_OUTPUT, "", "that is a string"),
        (SUBNETS_OUTPUT, None, "that is a list with at least one string; the stack has none"),
        (SUBNETS_OUTPUT, [], "that is a list with at least one string"),
        (SUBNETS_OUTPUT, "hidden", "something else: str"),
        (SUBNETS_OUTPUT, ["hidden", 3], "that is a list with at least one string"),
        (SUBNETS_OUTPUT, ["hidden", ""], "that is a list with at least one string"),
    ],
)
def test_an_output_that_does_not_fit_is_named_and_its_value_is_not_shown(
    output: StackOutput, found: object, said: str
) -> None:
    problem = output_problem(output, found)
    assert problem is not None
    assert (problem.path, problem.value) == (output.path, output.name)
    assert said in problem.accepted
    assert "hidden" not in str(problem)


def test_an_output_that_fits_has_no_problem() -> None:
    assert output_problem(NAME_OUTPUT, "platform") is None
    assert output_problem(SUBNETS_OUTPUT, ["subnet-00000001"]) is None


def test_an_output_that_does_not_fit_ends_a_preview(project: Path) -> None:
    # In a process of its own: Pulumi's SDK keeps what a failed program leaves undone.
    code = (
        "import sys; from preloadctl import recorder; from preloadctl.project import load_project;"
        "from pathlib import Path;"
        "recorder._Answers.new_resource = lambda _, args: (args.resource_id, {'outputs': {}});"
        "recorder.record(load_project(Path(sys.argv[1]), 'remote'))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(project)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    # The SDK may say more behind it while it ends.
    reason = "pulumi.errors.RunError: cluster.stack_output"
    assert any(line.startswith(reason) for line in result.stderr.splitlines()), result.stderr


def test_each_stack_is_referred_to_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch)
    recorded(project)
    assert sorted(asked) == [EKS, NETWORK]


def answer(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets the other stacks have outputs; returns the names by which they are asked, later."""
    asked: list[str] = []

    def new_resource(_: object, args: Any) -> tuple[str, dict[str, object]]:
        asked.append(args.name)
        return args.resource_id, {"outputs": FOUND, "secretOutputNames": []}

    def read_with_id(self: MockMonitor, request: Any) -> Any:
        # As an engine answers; without it the resource counts as not there yet.
        response = read(self, request)
        response.id = request.id
        return response

    read = MockMonitor.ReadResource
    monkeypatch.setattr("preloadctl.recorder._Answers.new_resource", new_resource)
    monkeypatch.setattr(MockMonitor, "ReadResource", read_with_id)
    return asked
