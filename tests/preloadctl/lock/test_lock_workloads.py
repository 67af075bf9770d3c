"""A workload belongs to the pools that Kubernetes' scheduler would give its pods to."""

from typing import Any

import pytest

from preloadctl.lock.images import Pool
from preloadctl.lock.proposing.fit import Fit, fit
from preloadctl.lock.proposing.workloads import Workload, find_workloads

TAINT = {"key": "workload", "value": "ml", "effect": "NoSchedule"}
LABELLED = Pool("ml", {"images": [], "node_labels": {"workload": "ml", "generation": "5"}})
TAINTED = Pool("ml", {**LABELLED.inputs, "node_taints": [TAINT]})
SOFT = {**TAINT, "effect": "PreferNoSchedule"}
WHOLE_CLUSTER = Pool("all", {"images": []})
SELECTOR = {"nodeSelector": {"workload": "ml"}}


def term(*expressions: dict[str, Any], fields: Any = None) -> dict[str, Any]:
    return {"matchExpressions": list(expressions), **({"matchFields": fields} if fields else {})}


def needs(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [*terms]}}
    return {"affinity": {"nodeAffinity": required}}


def tolerating(**toleration: str) -> dict[str, Any]:
    return {**SELECTOR, "tolerations": [toleration]}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ({}, Fit.POSSIBLE),
        (SELECTOR, Fit.ITS_OWN),
        ({"nodeSelector": {"workload": "web"}}, Fit.NONE),
        ({"nodeSelector": {"unknown": "x"}}, Fit.NONE),
        ({"nodeSelector": {"kubernetes.io/os": "linux"}}, Fit.POSSIBLE),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, Fit.NONE),
        ({"nodeSelector": {"kubernetes.io/arch": "amd64"}}, Fit.POSSIBLE),
        ({"nodeSelector": {"kubernetes.io/arch": "arm64"}}, Fit.NONE),
        (affinity(term(needs("workload", "In", "web", "ml"))), Fit.ITS_OWN),
        (affinity(term(needs("workload", "In", "web"))), Fit.NONE),
        (affinity(term(needs("workload", "NotIn", "web"))), Fit.POSSIBLE),
        (affinity(term(needs("workload", "NotIn", "ml"))), Fit.NONE),
        (affinity(term(needs("unknown", "NotIn", "x"))), Fit.POSSIBLE),
        (affinity(term(needs("workload", "Exists"))), Fit.ITS_OWN),
        (affinity(term(needs("unknown", "Exists"))), Fit.NONE),
        (affinity(term(needs("workload", "DoesNotExist"))), Fit.NONE),
        (affinity(term(needs("unknown", "DoesNotExist"))), Fit.POSSIBLE),
        (affinity(term(needs("generation", "Gt", "4"))), Fit.ITS_OWN),
        (affinity(term(needs("generation", "Gt", "5"))), Fit.NONE),
        (affinity(term(needs("generation", "Lt", "6"))), Fit.ITS_OWN),
        (affinity(term(needs("workload", "Gt", "4"))), Fit.NONE),
        (affinity(term(needs("generation", "Gt"))), Fit.NONE),
        (affinity(term(needs("workload", "Resembles", "ml"))), Fit.NONE),
        # All of a term, and any of the terms.
        (affinity(term(needs("workload", "Exists"), needs("unknown", "Exists"))), Fit.NONE),
        (
            affinity(term(needs("unknown", "Exists")), term(needs("workload", "Exists"))),
            Fit.ITS_OWN,
        ),
        (affinity(term()), Fit.NONE),
        (affinity(), Fit.POSSIBLE),
        (affinity(term(fields=[needs("metadata.name", "In", "node-1")])), Fit.NONE),
        ({**SELECTOR, **affinity(term(needs("unknown", "Exists")))}, Fit.NONE),
    ],
)
def test_labels_are_matched_as_the_scheduler_matches_them(
    pod: dict[str, Any], expected: Fit
) -> None:
    assert fit(Workload("default/x", pod), LABELLED, {}) == expected


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (SELECTOR, Fit.NONE),
        (tolerating(operator="Exists"), Fit.ITS_OWN),
        (tolerating(key="workload", operator="Exists"), Fit.ITS_OWN),
        (tolerating(key="workload", value="ml"), Fit.ITS_OWN),
        (tolerating(key="workload", value="ml", effect="NoSchedule"), Fit.ITS_OWN),
        (tolerating(key="workload", value="web"), Fit.NONE),
        (tolerating(key="workload", value="ml", effect="NoExecute"), Fit.NONE),
        (tolerating(key="other", operator="Exists"), Fit.NONE),
        ({"tolerations": [{"operator": "Exists"}]}, Fit.POSSIBLE),
    ],
)
def test_taints_keep_out_what_does_not_tolerate_them(pod: dict[str, Any], expected: Fit) -> None:
    assert fit(Workload("default/x", pod), TAINTED, {}) == expected


def test_a_taint_that_only_discourages_keeps_nothing_out() -> None:
    pool = Pool("ml", {**LABELLED.inputs, "node_taints": [SOFT]})
    assert fit(Workload("default/x", SELECTOR), pool, {}) == Fit.ITS_OWN


def test_a_pool_without_labels_is_the_whole_cluster() -> None:
    for pod in ({}, SELECTOR, affinity(term(needs("unknown", "Exists")))):
        assert fit(Workload("default/x", pod), WHOLE_CLUSTER, {}) == Fit.ITS_OWN
    windows = {"nodeSelector": {"kubernetes.io/os": "windows"}}
    assert fit(Workload("default/x", windows), WHOLE_CLUSTER, {}) == Fit.NONE


def test_where_a_pod_runs_says_more_than_what_it_asks_for() -> None:
    nodes = {"a": {"workload": "ml", "generation": "5", "zone": "z"}, "b": {"workload": "web"}}
    anywhere = {"tolerations": []}
    assert fit(Workload("default/x", anywhere, "a"), TAINTED, nodes) == Fit.ITS_OWN
    assert fit(Workload("default/x", SELECTOR, "b"), LABELLED, nodes) == Fit.NONE
    # A node that has gone says nothing.
    assert fit(Workload("default/x", SELECTOR, "c"), LABELLED, nodes) == Fit.ITS_OWN


def template(image: str = "app:1", **labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"image": image}]}}


def item(kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "web", "namespace": "apps", **metadata},
        "spec": spec,
    }


@pytest.mark.parametrize(
    "workload",
    [
        item("Pod", template()["spec"]),
        *(
            item(kind, {"template": template()})
            for kind in (
                "Deployment",
                "StatefulSet",
                "DaemonSet",
                "ReplicaSet",
                "ReplicationController",
                "Job",
                "Rollout",
            )
        ),
        item("CronJob", {"jobTemplate": {"spec": {"template": template()}}}),
        item("PyTorchJob", {"pytorchReplicaSpecs": {"Master": {"template": template()}}}),
        item("RayCluster", {"workerGroupSpecs": [{"template": template()}]}),
    ],
    ids=lambda workload: workload["kind"],
)
def test_pods_and_pod_templates_of_any_kind_are_found(workload: dict[str, Any]) -> None:
    (found,) = find_workloads([workload])
    assert (found.name, found.images) == ("apps/web", ("app:1",))


def test_what_holds_no_pod_template_is_no_workload() -> None:
    schema = {"properties": {"spec": {"properties": {"containers": {"type": "array"}}}}}
    others = [item("ConfigMap", None), item("CustomResourceDefinition", schema), {"kind": "Odd"}]
    assert list(find_workloads(others)) == []


def test_every_image_of_a_pod_counts_once() -> None:
    pod = {
        "initContainers": [{"image": "init:1"}],
        "containers": [{"image": "app:1"}, {"image": "side:1"}, {"image": "app:1"}, {"name": "x"}],
        "ephemeralContainers": [{"image": "debug:1"}],
        "volumes": [{"image": {"reference": "data:1"}}, {"emptyDir": {}}, {"image": "odd"}],
    }
    (found,) = find_workloads([item("Pod", pod)])
    assert found.images == ("init:1", "app:1", "side:1", "debug:1", "data:1")


def owned(kind: str, name: str, **labels: str) -> dict[str, Any]:
    owners = [{"kind": kind, "name": name, "controller": True}]
    spec = {**template()["spec"], "nodeName": "node-1"}
    return item("Pod", spec, name="pod-x", ownerReferences=owners, labels=labels)


@pytest.mark.parametrize(
    ("pod", "name"),
    [
        (owned("ReplicaSet", "web-6d4cf5", **{"pod-template-hash": "6d4cf5"}), "apps/web"),
        (owned("ReplicaSet", "bare"), "apps/bare"),
        (owned("StatefulSet", "db"), "apps/db"),
        (owned("Job", "backup-29012345"), "apps/backup"),
        (owned("Job", "migrate"), "apps/migrate"),
    ],
)
def test_a_pod_is_named_after_what_makes_it(pod: dict[str, Any], name: str) -> None:
    (found,) = find_workloads([pod])
    assert (found.name, found.node) == (name, "node-1")


def test_an_owner_that_does_not_control_a_pod_names_nothing() -> None:
    mentioned = item("Pod", template()["spec"], ownerReferences=[{"kind": "Node", "name": "node"}])
    (found,) = find_workloads([mentioned])
    assert found.name == "apps/web"


def test_pods_that_no_scheduler_places_and_our_own_are_left_out() -> None:
    ours = {"app.kubernetes.io/name": "image-preloader"}
    pods = [
        owned("DaemonSet", "proxy"),
        owned("Node", "node-1"),
        item("Pod", template()["spec"], labels=ours),
        item("DaemonSet", {"template": template(**ours)}),
    ]
    assert list(find_workloads(pods)) == []
