"""User data is what was meant, in the form that the nodes read; AL2023's by AWS's own parser.

nodeadm's newest released module is older than FastImagePull, and any nodeadm passes over keys that
it does not know: that each key is the right one is seen here by comparison alone.
"""

import email
import http.server
import os
import subprocess
import threading
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from nodepools.args import AmiType, NodePoolArgs
from nodepools.eks.ami_families import FAMILIES
from nodepools.eks.bottlerocket import KUBERNETES_SETTINGS
from nodepools.kubelet.args import ContainerLogArgs, EvictionArgs, ImageGcArgs, ImagePullArgs
from nodepools.spec import NodePoolSpec, node_pool_spec, user_data
from tests.nodepools.inputs import bottlerocket_args, with_images
from tests.nodepools.inputs import node_pool_args as args
from tests.nodepools.install import NODEADM
from tests.nodepools.tools import installed

EVERYTHING = {
    "image_gc": {
        "high_percent": 80,
        "low_percent": 70,
        "minimum_age_seconds": 300,
        "maximum_age_seconds": 86400,
    },
    "eviction": {
        "hard": {"memory.available": "5%", "nodefs.available": "8Gi"},
        "soft": {"nodefs.available": "9Gi"},
        "soft_grace_seconds": {"nodefs.available": 90},
        "max_pod_grace_seconds": 60,
    },
    "image_pulls": {"max_parallel": 6, "registry_qps": 20, "registry_burst": 40, "fast": True},
    "container_logs": {"max_size_mib": 50, "max_files": 3},
    "instance_store_gib": 474,
    "instance_types": ["m6id.2xlarge"],
}
KUBELET_OF_EVERYTHING = {
    "imageGCHighThresholdPercent": 80,
    "imageGCLowThresholdPercent": 70,
    "imageMinimumGCAge": "300s",
    "imageMaximumGCAge": "86400s",
    "evictionHard": {
        "memory.available": "5%",
        "nodefs.available": "8Gi",
        "nodefs.inodesFree": "5%",
    },
    "evictionSoft": {"nodefs.available": "9Gi"},
    "evictionSoftGracePeriod": {"nodefs.available": "90s"},
    "evictionMaxPodGracePeriod": 60,
    "maxParallelImagePulls": 6,
    "registryPullQPS": 20,
    "registryBurst": 40,
    "containerLogMaxSize": "50Mi",
    "containerLogMaxFiles": 3,
}
GROUPS = {
    "image_gc": ImageGcArgs,
    "eviction": EvictionArgs,
    "image_pulls": ImagePullArgs,
    "container_logs": ContainerLogArgs,
}
# What EKS puts beside it, as the user guide shows it.
EKS_PART = """\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: platform
    apiServerEndpoint: https://example.com
    certificateAuthority: Y2VydGlmaWNhdGVBdXRob3JpdHk=
    cidr: 10.100.0.0/16
  kubelet:
    config: {maxPods: 29, clusterDNS: [10.100.0.10]}
    flags: ["--node-labels=eks.amazonaws.com/x=y", "--register-with-taints=a=b:NoExecute"]
"""


def spec(given: NodePoolArgs) -> NodePoolSpec:
    return node_pool_spec("web", given)


def node_config(text: str) -> dict[str, Any]:
    message = email.message_from_string(text)
    assert message["MIME-Version"] == "1.0"
    _, part = message.walk()
    assert part.get_content_type() == "application/node.eks.aws"
    return yaml.safe_load(part.get_payload())


def merged(*parts: str) -> str:
    """One flat multipart text of these NodeConfigs, as EKS makes it."""
    written = "".join(f"--X\nContent-Type: application/node.eks.aws\n\n{part}\n" for part in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X"\n\n{written}--X--\n'


def ours(given: NodePoolArgs) -> str:
    return yaml.safe_dump(node_config(user_data(spec(given))))


@pytest.fixture
def nodeadm() -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Runs `nodeadm config check` on an instance whose user data is this text."""
    program = installed(NODEADM)
    served: list[str] = []

    class Metadata(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.answer("token")

        def do_GET(self) -> None:
            self.answer(served[-1])

        def answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "60")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"

    def check(text: str) -> subprocess.CompletedProcess[str]:
        served.append(text)
        return subprocess.run(
            [program, "config", "check", "--config-source", "imds://user-data"],
            env={**os.environ, "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    yield check
    server.shutdown()
    server.server_close()


def test_everything_is_every_input_but_the_one_that_bottlerocket_lacks() -> None:
    inputs = {f"{group}.{key}" for group, types in GROUPS.items() for key in types.__annotations__}
    said = {f"{group}.{key}" for group in GROUPS for key in EVERYTHING[group]}
    assert inputs - said == {"image_pulls.serialize"}


def test_bottlerocket_has_a_name_for_every_field_that_can_be_written() -> None:
    assert set(KUBELET_OF_EVERYTHING) == set(KUBERNETES_SETTINGS)


@pytest.mark.parametrize("ami_type", [name for name in AmiType if name.startswith("AL2023")])
def test_al2023_gets_one_flat_part_that_holds_a_node_config(ami_type: AmiType) -> None:
    arm = "ARM_64" in ami_type
    given = args(ami_type=ami_type, instance_types=["g5g.xlarge" if arm else "g5.xlarge"])
    assert node_config(user_data(spec(given))) == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "kubelet": {
                "config": {"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 80}
            }
        },
    }


def test_al2023_gets_everything_that_is_said() -> None:
    assert node_config(user_data(spec(args(**EVERYTHING))))["spec"] == {
        "featureGates": {"FastImagePull": True},
        "instance": {"localStorage": {"strategy": "RAID0"}},
        "kubelet": {"config": KUBELET_OF_EVERYTHING},
    }


def test_bottlerocket_gets_everything_that_is_said_in_its_own_words() -> None:
    settings = tomllib.loads(user_data(spec(bottlerocket_args(**EVERYTHING))))["settings"]
    eviction = {"imagefs.available": "15%", "imagefs.inodesFree": "5%"}
    expected = {KUBERNETES_SETTINGS[key]: value for key, value in KUBELET_OF_EVERYTHING.items()}
    expected["eviction-hard"] = {**KUBELET_OF_EVERYTHING["evictionHard"], **eviction}
    assert settings["kubernetes"] == expected
    assert settings["container-runtime"] == {"snapshotter": "soci"}
    soci = settings["container-runtime-plugins"]["soci-snapshotter"]
    assert soci["pull-mode"] == "parallel-pull-unpack"
    assert soci["parallel-pull-unpack"]["discard-unpacked-layers"] is True
    (store,) = settings["bootstrap-commands"].values()
    assert store["commands"][0] == ["apiclient", "ephemeral-storage", "init"]
    assert "/var/lib/soci-snapshotter" in store["commands"][1]
    assert (store["essential"], store["mode"]) == (True, "always")


def test_bottlerocket_always_gets_all_five_thresholds() -> None:
    for eviction in ({}, {"hard": {"memory.available": "200Mi"}}):
        settings = tomllib.loads(user_data(spec(bottlerocket_args(eviction=eviction))))["settings"]
        assert settings["kubernetes"]["eviction-hard"] == {
            "memory.available": "100Mi",
            "nodefs.available": "10%",
            "nodefs.inodesFree": "5%",
            "imagefs.available": "15%",
            "imagefs.inodesFree": "5%",
            **eviction.get("hard", {}),
        }


def test_bottlerocket_knows_every_setting() -> None:
    """Names and types: https://github.com/bottlerocket-os/bottlerocket-settings-sdk."""
    integers = {
        "image-gc-high-threshold-percent",
        "image-gc-low-threshold-percent",
        "eviction-max-pod-grace-period",
        "max-parallel-image-pulls",
        "registry-qps",
        "registry-burst",
        "container-log-max-files",
    }
    strings = {"image-minimum-gc-age", "image-maximum-gc-age", "container-log-max-size"}
    tables = {"eviction-hard", "eviction-soft", "eviction-soft-grace-period"}
    kubernetes = tomllib.loads(user_data(spec(bottlerocket_args(**EVERYTHING))))["settings"][
        "kubernetes"
    ]
    assert {key for key, value in kubernetes.items() if isinstance(value, int)} == integers
    assert {key for key, value in kubernetes.items() if isinstance(value, str)} == strings
    assert {key for key, value in kubernetes.items() if isinstance(value, dict)} == tables
    assert set(kubernetes) == set(KUBERNETES_SETTINGS.values())


@pytest.mark.parametrize("given", [args(), args(**EVERYTHING)])
def test_awss_parser_accepts_ours_alone_and_on_either_side_of_what_eks_adds(
    nodeadm: Callable[[str], subprocess.CompletedProcess[str]], given: NodePoolArgs
) -> None:
    for text in (
        user_data(spec(given)),
        merged(EKS_PART, ours(given)),
        merged(ours(given), EKS_PART),
    ):
        result = nodeadm(text)
        assert result.returncode == 0, result.stderr
        assert "Configuration is valid" in result.stderr


@pytest.mark.parametrize(
    "broken",
    [
        user_data(spec(args())).replace("kind: NodeConfig", "kind: KubeletConfiguration"),
        user_data(spec(args())).replace("v1alpha1", "v1"),
        user_data(spec(args())).replace("application/node.eks.aws", "text/plain"),
        user_data(spec(args())).replace("kubelet:\n", "kubelet: 1\n#"),
        merged(EKS_PART, user_data(spec(args()))),
    ],
    ids=["kind", "version", "content type", "shape", "nested multipart"],
)
def test_awss_parser_refuses_what_would_not_join(
    nodeadm: Callable[[str], subprocess.CompletedProcess[str]], broken: str
) -> None:
    assert nodeadm(broken).returncode == 1


@pytest.mark.parametrize("ami_type", AmiType)
def test_user_data_is_far_below_ec2s_limit_and_has_no_carriage_return(ami_type: AmiType) -> None:
    arm = "ARM_64" in ami_type
    given = {**EVERYTHING, "ami_type": ami_type, "root_volume": {}}
    given["instance_types"] = ["m6gd.2xlarge" if arm else "m6id.2xlarge"]
    text = user_data(spec(args(**given)))
    assert "\r" not in text
    # EC2 takes 16 KiB, and EKS adds its own part to them.
    assert len(text) < 4 * 1024
    assert (FAMILIES[ami_type].alias == "bottlerocket") == text.startswith("[settings")


def test_user_data_does_not_depend_on_the_images() -> None:
    few, many = (
        user_data(spec(with_images(args(), **{f"i{n}": 1 for n in range(count)})))
        for count in (1, 9)
    )
    assert few == many
