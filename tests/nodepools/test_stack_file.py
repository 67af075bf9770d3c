"""Node pools as a stack file writes them: what each component is given, and where mistakes are."""

import json
from pathlib import Path

import pytest
import yaml

from nodepools.eks.providers import eks_providers
from preloadctl.project import load_project
from preloadctl.recorder import record
from preloadctl.render import render
from settings.load import parse
from settings.models import EksCluster, Settings
from tests.support import ROOT, Run

EKS = (
    "cluster: {kind: eks, name: platform, region: eu-west-1, subnet_ids: [subnet-00000001]}\n"
    "namespace: n\n"
)
RENDERED = "cluster: {kind: rendered}\nnamespace: n\n"
GROUP = "instance_types: [m7i.large], scaling: {min_size: 1, max_size: 2}"
VOLUME = "root_volume: {size_gib: 50}"


def problems(cluster: str, pool: str) -> dict[str, str]:
    _, found = parse(json.dumps(yaml.safe_load(f"{cluster}pools: {{a: {{images: [x], {pool}}}}}")))
    return {problem.path: problem.accepted for problem in found}


def settings(cluster: str, pool: str) -> Settings:
    read, found = parse(
        json.dumps(yaml.safe_load(f"{cluster}pools: {{a: {{images: [x], {pool}}}}}"))
    )
    assert found == []
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("pool", "path", "accepted"),
    [
        (
            f"node_group: {{{GROUP}, {VOLUME}, ami_type: AL2_x86_64}}",
            "pools.a.node_group.ami_type",
            "no AL2 AMIs since November 2025",
        ),
        (
            f"node_group: {{{GROUP}, {VOLUME}, image_gc: {{high_percent: 80, low_percent: 70}}}}",
            "pools.a.cleanup.high_water_percent",
            "below image_gc.high_percent (80)",
        ),
        (
            f"cleanup: {{keep_versions: 200}}, node_group: {{{GROUP}, {VOLUME}}}",
            "pools.a.cleanup.keep_versions",
            "from 1 to 100",
        ),
        (
            f"node_group: {{{GROUP}}}",
            "pools.a.node_group.root_volume.size_gib",
            "the compressed size is not known of x",
        ),
        (
            f"node_group: {{kind: karpenter, instance_types: [m7i.large], {VOLUME}}}",
            "cluster.security_group_ids",
            "required for Karpenter",
        ),
        (
            f"node_settings: {{platform: kind}}, node_group: {{{GROUP}, {VOLUME}}}",
            "pools.a.node_settings",
            "must be left out beside node_group",
        ),
        ("node_settings: {platform: eks}", "pools.a.node_settings.platform", "'gke', 'aks'"),
        (
            "node_settings: {platform: kind, image_gc: {low_percent: 100}}",
            "pools.a.node_settings.image_gc.low_percent",
            "the kubelet does not start",
        ),
        (
            "node_settings: {platform: aks}, cleanup: {high_water_percent: 95}",
            "pools.a.cleanup.high_water_percent",
            "must be below 90",
        ),
    ],
)
def test_a_mistake_is_named_where_the_stack_file_has_it(
    pool: str, path: str, accepted: str
) -> None:
    found = problems(EKS, pool)
    assert path in found
    assert accepted in found[path]
    assert set(found) <= {path, "cluster.node_role_arn"}


def test_a_cluster_without_subnets_is_told_so_once() -> None:
    cluster = "cluster: {kind: eks, name: x, region: eu-west-1}\nnamespace: n\n"
    assert list(problems(cluster, f"node_group: {{{GROUP}, {VOLUME}}}")) == ["cluster.subnet_ids"]


def test_a_group_is_given_what_the_cluster_and_the_cleanup_say() -> None:
    cluster = EKS.replace("}\n", ", security_group_ids: [sg-00000001]}\n", 1)
    cleanup = "cleanup: {keep_versions: 3, high_water_percent: 70}"
    read = settings(cluster, f"preload: {{lanes: 2}}, {cleanup}, node_group: {{{GROUP}, {VOLUME}}}")
    assert isinstance(read.cluster, EksCluster)
    args = read.node_pool_args(read.pools["a"], read.cluster)
    assert args["images"] == ["x"]
    assert (args["lanes"], args["versions_kept"], args["high_water_percent"]) == (2, 3, 70)
    assert args["security_group_ids"] == ["sg-00000001"]
    assert "node_role_arn" not in args
    without = settings(EKS, f"cleanup: {{enabled: false}}, node_group: {{{GROUP}, {VOLUME}}}")
    assert isinstance(without.cluster, EksCluster)
    assert "high_water_percent" not in without.node_pool_args(without.pools["a"], without.cluster)


def test_the_preloader_tolerates_startup_taints_which_wait_for_it() -> None:
    startup = "startup_taints: [{key: preparing, effect: NoSchedule}]"
    taints = "node_taints: [{key: workload, effect: NoSchedule}]"
    read = settings(EKS, f"{taints}, node_group: {{{GROUP}, {VOLUME}, {startup}}}")
    preloader = read.preloader_args(read.pools["a"], "n")
    assert [taint["key"] for taint in preloader["node_taints"]] == ["workload", "preparing"]
    assert isinstance(read.cluster, EksCluster)
    nodes = read.node_pool_args(read.pools["a"], read.cluster)
    assert [taint["key"] for taint in nodes["node_taints"]] == ["workload"]


def test_the_cluster_of_the_providers_may_be_an_arn(run: Run) -> None:
    arn = "arn:aws:eks:eu-west-1:123456789012:cluster/platform"
    providers = {item.name: item for item in run(lambda: eks_providers(arn, "eu-west-1"))}
    assert providers["cluster"].inputs["clusterIdentifier"] == "platform"


def test_node_settings_of_a_stack_are_rendered_beside_its_objects(tmp_path: Path) -> None:
    content = {
        "cluster": {"kind": "rendered"},
        "namespace": "n",
        "pools": {"a": {"images": ["x"], "node_settings": {"platform": "gke"}}},
    }
    for name in ("Pulumi.yaml", "__main__.py", "settings"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "Pulumi.gke.yaml").write_text(
        json.dumps({"config": {"image-preloader:settings": content}})
    )
    files = render(record(load_project(tmp_path, "gke")))
    settings_file = files["node-settings/a/gke-system-config.yaml"]
    assert yaml.safe_load(settings_file)["kubeletConfig"]["imageGcHighThresholdPercent"] == 84
