"""The defaults of a node pool, which are part of what its inputs promise."""

from nodepools.disk.volumes import Volume
from nodepools.spec import (
    NodeRole,
    Scaling,
    Update,
    node_pool_spec,
    volumes_by_device,
)
from tests.nodepools.inputs import bottlerocket_args, karpenter_args
from tests.nodepools.inputs import node_pool_args as args


def test_what_a_managed_group_is_unless_more_is_said() -> None:
    spec = node_pool_spec("web", args())
    image_gc = spec.kubelet.image_gc
    assert (spec.kind, spec.ami_type) == ("managed", "AL2023_x86_64_STANDARD")
    assert spec.capacity_type == "ON_DEMAND"
    assert (image_gc.high_percent, image_gc.low_percent) == (100, 80)
    assert spec.root_volume == Volume(size_gib=50, iops=3000, throughput_mibps=125)
    assert (spec.data_volume, spec.instance_store_gib) == (None, None)
    assert spec.scaling == Scaling(min_size=1, max_size=3, desired_size=1)
    assert spec.update == Update(timeout_minutes=60)
    assert spec.node_role == NodeRole(cni_policy=True, ssm_access=False)
    assert (spec.version, spec.release_version, spec.metadata_hop_limit) == (None, None, 1)
    assert not spec.kubelet.states_eviction
    assert not spec.kubelet.image_pulls.fast


def test_each_volume_is_at_the_device_that_its_ami_expects() -> None:
    assert list(volumes_by_device(node_pool_spec("web", args()))) == ["/dev/xvda"]
    sizes = {
        device: volume.size_gib
        for device, volume in volumes_by_device(node_pool_spec("web", bottlerocket_args())).items()
    }
    assert sizes == {"/dev/xvda": 4, "/dev/xvdb": 50}


def test_bottlerocket_always_states_its_thresholds() -> None:
    kubelet = node_pool_spec("web", bottlerocket_args()).kubelet
    assert kubelet.states_eviction
    assert len(kubelet.eviction.hard) == 5


def test_a_karpenter_pool_has_no_size_of_its_own() -> None:
    spec = node_pool_spec("web", karpenter_args(limits={"memory": "1Gi", "cpu": "1"}))
    assert (spec.kind, spec.scaling) == ("karpenter", Scaling())
    assert spec.limits == (("cpu", "1"), ("memory", "1Gi"))
