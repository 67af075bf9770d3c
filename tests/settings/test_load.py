"""A stack file is read whole, and everything that is wrong with it is said at once."""

import json
from collections.abc import Callable

import pulumi
import pytest
import yaml

from nodepools import NodePoolArgs
from preloader import ImagePreloaderArgs
from preloader.helpers import HelperImages
from preloader.lock import Lock, LockedImage, LockedPlatform
from preloader.yaml_values import read_yaml
from settings.load import load, parse
from settings.models import EksCluster, Settings


def problems(text: str) -> dict[str, str]:
    settings, found = parse(json.dumps(yaml.safe_load(text)))
    assert (settings is None) == bool(found)
    assert len(found) == len({problem.path for problem in found})
    return {problem.path: f"{problem.value}: {problem.accepted}" for problem in found}


def pool(lines: str) -> dict[str, str]:
    indented = "".join(f"\n    {line}" for line in lines.strip().splitlines())
    return problems(f"cluster: {{kind: rendered}}\nnamespace: n\npools:\n  ml:{indented}")


@pytest.mark.parametrize("stack", ["dev", "kind", "eks"])
def test_the_committed_stacks_are_accepted(
    stack: str, stack_settings: Callable[[str], str]
) -> None:
    settings, found = parse(stack_settings(stack))
    assert found == []
    assert settings is not None
    assert all(pool.images for pool in settings.pools.values())


@pytest.mark.parametrize(
    ("lines", "path", "accepted"),
    [
        (
            "images: [a]\nimagse: [b]",
            "pools.ml.imagse",
            "unknown key; known: architecture, cleanup, helper_images",
        ),
        ("preload: {}", "pools.ml.images", "missing"),
        ('images: [a]\npreload: {lanes: "4"}', "pools.ml.preload.lanes", "valid integer"),
        ("images: [a]\npreload: {lanes: 4.5}", "pools.ml.preload.lanes", "valid integer"),
        ("images: []", "pools.ml.images", "at least one image"),
        ("images: [a, b, 3.12]", "pools.ml.images[2]", "3.12: must be a string; quote it"),
        ("images: [a, b, 'A:1']", "pools.ml.images[2]", "A:1: repository 'library/A'"),
        ("images: [redis, 'redis:latest']", "pools.ml.images[1]", "same image as images[0]"),
        (
            "images: [a]\nnode_taints: [{key: k, effect: Never}]",
            "pools.ml.node_taints[0].effect",
            "Never: must be 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'",
        ),
        ("images: [a]\nnode_labels: {x y: z}", "pools.ml.node_labels.x y", "key 'x y'"),
        ("images: [a]\nnode_labels: {x: 'y z'}", "pools.ml.node_labels.x", "y z: must be"),
        ("images: [a]\nnode_labels: {x: true}", "pools.ml.node_labels.x", "True: must be a string"),
        ("images: [a]\npreload: {mode: pull}", "pools.ml.preload.mode", "'hold' or 'init'"),
        ("images: a", "pools.ml.images", "a: must be a list"),
        ("images: a\nimage_sizes_bytes: {a: 1}", "pools.ml.images", "a: must be a list"),
        ("images: [a]\nnode_labels: a", "pools.ml.node_labels", "a: must be a map"),
        ("[]", "pools.ml", "[]: must be a map"),
    ],
)
def test_a_mistake_in_a_pool_is_named_by_path_value_and_what_is_accepted(
    lines: str, path: str, accepted: str
) -> None:
    found = pool(lines)
    assert list(found) == [path]
    assert accepted in found[path]


@pytest.mark.parametrize(
    ("text", "path", "accepted"),
    [
        ("[]", "", "must be a map"),
        ("namespace: n\npools: {a: {images: [x]}}", "cluster", "missing"),
        (
            "cluster: {kind: gke}\nnamespace: n\npools: {a: {images: [x]}}",
            "cluster.kind",
            "must be one of eks, kubeconfig, rendered",
        ),
        (
            "cluster: {kind: kubeconfig}\nnamespace: n\npools: {a: {images: [x]}}",
            "cluster.context",
            "missing",
        ),
        ("cluster: {kind: rendered}\nnamespace: n\npools: {}", "pools", "at least one pool"),
        (
            "cluster: {kind: rendered}\nnamespace: N\npools: {a: {images: [x]}}",
            "namespace",
            "lower-case",
        ),
        (
            "cluster: {kind: rendered}\nnamespace: kube-system\npools: {a: {images: [x]}}",
            "create_namespace",
            "must be false",
        ),
        (
            "cluster: {kind: rendered}\nnamespace: n\npools: {%s: {images: [x]}}" % ("p" * 42),
            "pools." + "p" * 42,
            "at most 41",
        ),
        (
            "cluster: {kind: rendered}\nnamespace: n\ndefaults: []\npools: {a: {images: [x]}}",
            "defaults",
            "must be a map",
        ),
    ],
)
def test_a_mistake_outside_the_pools_is_named_too(text: str, path: str, accepted: str) -> None:
    found = problems(text)
    assert list(found) == [path]
    assert accepted in found[path]


def test_a_mistake_in_the_defaults_is_said_once_and_there() -> None:
    found = problems(f"{TWO_POOLS}defaults: {{preload: {{lanes: 99}}}}")
    assert list(found) == ["defaults.preload.lanes"]


def test_a_node_group_needs_a_cluster_that_can_have_one() -> None:
    group = (
        "{instance_types: [m], scaling: {min_size: 1, max_size: 2}, root_volume: {size_gib: 50}}"
    )
    found = problems(f"{TWO_POOLS}defaults: {{node_group: {group}}}")
    assert list(found) == ["defaults.node_group"]
    assert "needs cluster.kind eks" in found["defaults.node_group"]


TWO_POOLS = """
cluster: {kind: rendered}
namespace: n
pools: {a: {images: [x], node_labels: {n: a}}, b: {images: [x], node_labels: {n: b}}}
"""

EVERYTHING_WRONG = """
cluster: {kind: eks, name: x, region: eu-west-1, subnets: 3}
namespace: Kube_system
defaults: {preload: {lanes: 99, modee: x}}
pools:
  ml:
    images: [3.12, "Nginx:1", "redis:7", "docker.io/library/redis:7"]
    node_labels: {workload-type: ml, "-bad": x}
    node_taints: [{key: a, effect: NoSched}]
    preload: {mode: hld}
    node_group:
      instance_types: [m5.large]
      scaling: {min_size: 1, max_size: "3"}
      root_volume: {size_gib: 10, iops: 100}
      image_gc: {high_percent: 80, low_percent: 85}
  web: {images: [], node_labels: {workload-type: ml}}
  a-name-that-is-far-too-long-for-what-is-derived-from-it: {imges: [a]}
"""


def test_every_mistake_is_reported_at_once() -> None:
    long = "pools.a-name-that-is-far-too-long-for-what-is-derived-from-it"
    assert set(problems(EVERYTHING_WRONG)) == {
        "cluster.subnets",
        "cluster.subnet_ids",
        "namespace",
        "defaults.preload.modee",
        "defaults.preload.lanes",
        "pools.ml.images[0]",
        "pools.ml.images[1]",
        "pools.ml.images[3]",
        "pools.ml.node_labels.-bad",
        "pools.ml.node_taints[0].effect",
        "pools.ml.preload.mode",
        "pools.ml.node_group.scaling.max_size",
        "pools.ml.node_group.root_volume.size_gib",
        "pools.ml.node_group.root_volume.iops",
        "pools.ml.node_group.image_gc.low_percent",
        # Its default, beside the pool's own image_gc.high_percent.
        "pools.ml.cleanup.high_water_percent",
        "pools.web.images",
        long,
        f"{long}.images",
        f"{long}.imges",
        f"{long}.node_labels",
    }


def test_a_repaired_value_is_not_blamed_for_what_its_neighbours_say() -> None:
    found = problems(
        "cluster: {kind: eks, name: x, region: eu-west-1, subnet_ids: [subnet-00000001]}\n"
        "namespace: n\npools: {a: {images: [x], node_group: {instance_types: [m7i.large],"
        " scaling: {min_size: 1, max_size: 2}, root_volume: {size_gib: 50},"
        " image_gc: {high_percent: many, low_percent: 100}}}}"
    )
    assert list(found) == ["pools.a.node_group.image_gc.high_percent"]


CLAIMS = "cluster: {kind: rendered}\nnamespace: n\npools:\n"


@pytest.mark.parametrize(
    ("first", "second", "claims"),
    [
        ("{n: a}", "{n: b}", False),
        ("{n: a}", "{n: a}", True),
        ("{n: a}", "{n: a, gpu: 'y'}", True),
        ("{n: a, gpu: 'y'}", "{n: a}", True),
        ("{}", "{n: a}", True),
        ("{n: a}", "{gpu: 'y'}", False),
    ],
)
def test_two_pools_must_not_claim_the_same_nodes(first: str, second: str, *, claims: bool) -> None:
    found = problems(
        f"{CLAIMS}  a: {{images: [x], node_labels: {first}}}\n"
        f"  b: {{images: [x], node_labels: {second}}}"
    )
    assert bool(found) is claims
    assert all("selects the nodes of pool" in text for text in found.values())


def test_a_taint_that_only_one_pool_tolerates_tells_their_nodes_apart() -> None:
    taint = "node_taints: [{key: gpu, effect: NoSchedule}]"
    plain, gpu = "a: {images: [x]}", f"b: {{images: [x], node_labels: {{gpu: 'y'}}, {taint}}}"
    assert problems(f"{CLAIMS}  {plain}\n  {gpu}") == {}
    everything = "a: {images: [x], tolerate: everything}"
    assert list(problems(f"{CLAIMS}  {everything}\n  {gpu}")) == ["pools.a.node_labels"]


def test_defaults_are_merged_key_by_key_and_pools_override_them() -> None:
    settings, _ = parse(
        json.dumps(
            yaml.safe_load("""
            cluster: {kind: rendered}
            namespace: n
            defaults: {preload: {lanes: 2, rollout: await}, image_pull_secrets: [a]}
            pools:
              one: {images: [x], node_labels: {n: one}, preload: {lanes: 3}}
              two: {images: [x], node_labels: {n: two}, image_pull_secrets: [b]}
            """)
        )
    )
    assert settings is not None
    assert settings.pools["one"].preload == {"lanes": 3, "rollout": "await"}
    assert settings.pools["two"].preload == {"lanes": 2, "rollout": "await"}
    assert settings.pools["one"].image_pull_secrets == ["a"]
    assert settings.pools["two"].image_pull_secrets == ["b"]


def test_a_pool_becomes_the_inputs_of_both_components(stack_settings: Callable[[str], str]) -> None:
    settings, _ = parse(stack_settings("eks"))
    assert settings is not None
    assert isinstance(settings.cluster, EksCluster)
    pool = settings.pools["ml"]
    preloader = settings.preloader_args(pool, "n")
    nodes = settings.node_pool_args(pool, settings.cluster)
    assert preloader["node_labels"] == nodes["node_labels"] == {"workload-type": "ml"}
    assert preloader["node_taints"] == nodes["node_taints"]
    assert nodes["cluster_name"] == "platform"
    assert "node_group" not in preloader


LOCK = Lock(
    {
        "a": LockedImage(
            "sha256:index",
            {
                "linux/amd64": LockedPlatform("sha256:intel", {"sha256:one": 7, "sha256:two": 2}),
                "linux/arm64": LockedPlatform("sha256:arm", {"sha256:three": 5}),
            },
        )
    }
)
ARM_GROUP = {
    "instance_types": ["m7g.large"],
    "ami_type": "AL2023_ARM_64_STANDARD",
    "scaling": {"min_size": 1, "max_size": 1},
}


def locked_args(**pool: object) -> tuple[ImagePreloaderArgs, NodePoolArgs]:
    """Both components' inputs for a pool of the images a and b, of which a is locked."""
    cluster = {"kind": "eks", "name": "c", "region": "eu-west-1", "subnet_ids": ["subnet-00000001"]}
    group = {**ARM_GROUP, "instance_types": ["m7i.large"], "ami_type": "AL2023_x86_64_STANDARD"}
    pools = {"p": {"images": ["a", "b"], "node_group": {**group, "root_volume": {"size_gib": 50}}}}
    pools["p"] |= pool
    settings, found = parse(
        json.dumps({"cluster": cluster, "namespace": "n", "pools": pools}), LOCK
    )
    assert found == []
    assert settings is not None
    assert isinstance(settings.cluster, EksCluster)
    read = settings.pools["p"]
    return settings.preloader_args(read, "n"), settings.node_pool_args(read, settings.cluster)


def test_the_layers_of_locked_images_reach_both_components() -> None:
    preloader, nodes = locked_args()
    layers = {"a": {"sha256:one": 7, "sha256:two": 2}}
    assert preloader["image_layers_bytes"] == nodes["image_layers_bytes"] == layers
    assert preloader["architecture"] == "amd64"


def test_the_ami_says_for_which_architecture_images_are_looked_up() -> None:
    preloader, nodes = locked_args(node_group={**ARM_GROUP, "root_volume": {"size_gib": 50}})
    assert preloader["image_layers_bytes"] == nodes["image_layers_bytes"]
    assert preloader["image_layers_bytes"] == {"a": {"sha256:three": 5}}
    assert preloader["architecture"] == "arm64"


@pytest.mark.parametrize(
    ("lines", "architecture"),
    [
        ("", "amd64"),
        ("node_labels: {kubernetes.io/arch: arm64}", "arm64"),
        ("architecture: arm64", "arm64"),
    ],
)
def test_where_nodes_exist_the_architecture_is_written_or_a_label(
    lines: str, architecture: str
) -> None:
    text = f"cluster: {{kind: rendered}}\nnamespace: n\npools:\n  p:\n    images: [a]\n    {lines}"
    settings, _ = parse(json.dumps(yaml.safe_load(text)), LOCK)
    assert settings is not None
    args = settings.preloader_args(settings.pools["p"], "n")
    assert args.get("architecture") == architecture
    expected = LOCK.images["a"].platforms[f"linux/{architecture}"].layers_bytes
    assert args.get("image_layers_bytes") == {"a": expected}


def test_a_pools_pods_use_what_is_locked_of_their_own_images_by_its_digest() -> None:
    digest = f"sha256:{'d' * 64}"
    box, mirrored = HelperImages().busybox, "mirror.test/python:3"
    lock = Lock(dict.fromkeys((box, mirrored), LockedImage(digest, {})))
    helpers = {"python": mirrored, "pause": "mirror.test/pause:3"}
    settings, _ = parse(one_pool(pools={"p": {"images": ["a"], "helper_images": helpers}}), lock)
    assert settings is not None
    assert settings.preloader_args(settings.pools["p"], "n").get("helper_images") == {
        "busybox": f"{box}@{digest}",
        "python": f"{mirrored}@{digest}",
        "pause": "mirror.test/pause:3",
    }


def test_without_a_lock_the_pods_own_images_are_as_written() -> None:
    settings, _ = parse(one_pool(pools={"p": {"images": ["a"]}}), LOCK)
    assert settings is not None
    assert "helper_images" not in settings.preloader_args(settings.pools["p"], "n")


def test_without_a_lock_no_layers_are_made_up() -> None:
    settings, _ = parse(one_pool(pools={"p": {"images": ["a"]}}))
    assert settings is not None
    assert "image_layers_bytes" not in settings.preloader_args(settings.pools["p"], "n")


def test_an_architecture_that_the_nodes_do_not_have_is_refused() -> None:
    said = pool("images: [a]\nnode_labels: {kubernetes.io/arch: arm64}\narchitecture: amd64")
    assert "must be arm64, which the label" in said["pools.ml.architecture"]
    cluster = "{kind: eks, name: c, region: eu-west-1, subnet_ids: [subnet-00000001]}"
    group = "{instance_types: [m7i.large], scaling: {min_size: 1, max_size: 1}}"
    said = problems(
        f"cluster: {cluster}\nnamespace: n\npools: "
        f"{{p: {{images: [a], architecture: arm64, node_group: {group}}}}}"
    )
    assert "must be amd64, which the nodes' AMI" in said["pools.p.architecture"]


def configure(text: str, *, secret: bool = False) -> pulumi.Config:
    key = "image-preloader:settings"
    pulumi.runtime.set_all_config({key: text}, [key] if secret else [])
    return pulumi.Config("image-preloader")


def one_pool(**others: object) -> str:
    pools = {"a": {"images": ["A"]}}
    return json.dumps({"cluster": {"kind": "rendered"}, "namespace": "n", "pools": pools, **others})


def test_mistakes_end_the_program_without_a_traceback() -> None:
    with pytest.raises(pulumi.RunError, match="image-preloader:settings cannot be used") as caught:
        load(configure(one_pool(x=1)))
    assert 'pools.a.images[0]: "A": repository' in str(caught.value)


def test_a_secret_value_is_in_no_message() -> None:
    hidden = "hunter2 /Hunter2:"
    pools = {"a": {"images": [hidden]}}
    with pytest.raises(pulumi.RunError) as caught:
        load(configure(one_pool(cluster={"kind": hidden}, pools=pools), secret=True))
    assert "unter2" not in str(caught.value)
    assert 'pools.a.images[0]: "[secret]": is not accepted' in str(caught.value)


def test_a_stack_without_settings_is_told_what_it_lacks() -> None:
    pulumi.runtime.set_all_config({})
    with pytest.raises(pulumi.RunError, match="image-preloader:settings"):
        load(pulumi.Config("image-preloader"))


IMAGES = "images: [x]"


@pytest.mark.parametrize(
    ("pool", "path", "reason"),
    [
        ("images: [{nginx: 1.25}]", "images[0]", "must be a string; quote it"),
        ("images: [x, [y], 5]", "images[1]", "must be a string; quote it"),
        (
            f"{IMAGES}, node_labels: {{since: 2024-01-01}}",
            "node_labels.since",
            "without quotation marks",
        ),
        (f"{IMAGES}, node_labels: !!set {{a}}", "node_labels.a", "must be a string; quote it"),
        (f"{IMAGES}, node_taints: [a=b:NoSchedule]", "node_taints[0]", "must be a map"),
        (f"{IMAGES}, image_sizes_bytes: {{x: 1{'0' * 400}}}", "image_sizes_bytes.x", "integer"),
        (f"{IMAGES}, preload: {{lanes: '{'9' * 5000}'}}", "preload.lanes", "integer"),
        (f"{IMAGES}, node_labels: {{kubernetes.io/os: windows}}", "kubernetes.io/os", "linux"),
        (f"{IMAGES}, node_labels: {{type: virtual-kubelet}}", "node_labels.type", "no images"),
        (f"{IMAGES}, image_pull_secrets: [a, b, a]", "image_pull_secrets[2]", "[0] already"),
    ],
)
def test_a_mistake_is_said_once_and_nothing_that_follows_from_it(
    pool: str, path: str, reason: str
) -> None:
    text = f"cluster: {{kind: rendered}}\nnamespace: n\npools: {{a: {{{pool}}}}}"
    settings, found = parse(json.dumps(read_yaml(text)))
    assert settings is None
    wrong = 2 if path == "images[1]" else 1
    assert len(found) == wrong
    assert path in found[0].path
    assert reason in found[0].accepted


@pytest.mark.parametrize("kind", ["[x]", "{a: b}", "5", "null", "Eks"])
def test_a_kind_of_cluster_that_is_none_is_answered_with_those_that_are(kind: str) -> None:
    text = f"cluster: {{kind: {kind}}}\nnamespace: n\npools: {{a: {{{IMAGES}}}}}"
    settings, found = parse(json.dumps(read_yaml(text)))
    assert settings is None
    assert [problem.path for problem in found] == ["cluster.kind"]
    assert "must be one of eks, kubeconfig, rendered" in found[0].accepted


def test_a_thousand_mistakes_need_the_schema_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    make = Settings.model_json_schema
    monkeypatch.setattr(Settings, "model_json_schema", lambda: made.append(1) or make())
    keys = ", ".join(f"k{number}: 1" for number in range(1000))
    text = f"cluster: {{kind: rendered}}\nnamespace: n\npools: {{a: {{{IMAGES}, {keys}}}}}"
    _, found = parse(json.dumps(read_yaml(text)))
    assert len(found) == 1000
    assert len(made) <= 1
