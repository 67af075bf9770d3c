"""Labels, taints and tags of nodes as EKS takes them, which is narrower than Kubernetes and AWS do.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
"""

from collections.abc import Iterator, Mapping, Sequence

from preloader.nodes import TaintArgs
from preloader.problems import Problem, join

MAX_TAINTS = 50
MAX_LABEL_LENGTH = 63
MAX_TAGS = 50
MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH = 128, 256
# The kubelet refuses to register with other labels of these two domains, and EKS passes them on
# to it: https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/ (--node-labels).
KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
KUBELET_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
EKS_DOMAIN = "eks.amazonaws.com"


def check_eks_labels(path: str, labels: Mapping[str, str]) -> Iterator[Problem]:
    """Yields labels with which EKS makes no group, or nodes never join."""
    for key, value in labels.items():
        domain = key.rpartition("/")[0]
        at = join(path, key)
        if _is_in(domain, (EKS_DOMAIN,)):
            yield Problem(at, value, f"labels of {EKS_DOMAIN} are set by EKS alone")
        elif _is_in(domain, KUBERNETES_DOMAINS) and not _is_in(domain, KUBELET_LABEL_DOMAINS):
            yield Problem(
                at,
                value,
                f"of {' and '.join(KUBERNETES_DOMAINS)} the kubelet takes labels below "
                f"{' and '.join(KUBELET_LABEL_DOMAINS)} alone; with this one nodes never join",
            )
        if len(key) > MAX_LABEL_LENGTH:
            yield Problem(at, value, f"EKS takes keys of at most {MAX_LABEL_LENGTH} characters")
        if not value:
            yield Problem(at, value, "EKS takes no empty label values")


def check_eks_taints(
    path: str,
    taints: Sequence[TaintArgs],
    startup_path: str,
    startup_taints: Sequence[TaintArgs],
) -> Iterator[Problem]:
    """Yields taints that EKS does not take, or that are meant to stay and to go."""
    if len(taints) + len(startup_taints) > MAX_TAINTS:
        yield Problem(
            path, len(taints) + len(startup_taints), f"EKS takes at most {MAX_TAINTS} taints"
        )
    lasting = {(taint["key"], taint["effect"]) for taint in taints}
    everywhere = _located(path, taints) | _located(startup_path, startup_taints)
    for at, taint in everywhere.items():
        if len(taint["key"]) > MAX_LABEL_LENGTH:
            yield Problem(
                f"{at}.key",
                taint["key"],
                f"EKS takes keys of at most {MAX_LABEL_LENGTH} characters",
            )
    for index, taint in enumerate(startup_taints):
        if (taint["key"], taint["effect"]) in lasting:
            yield Problem(
                f"{startup_path}[{index}]",
                f"{taint['key']}:{taint['effect']}",
                "is in node_taints too; a taint cannot be there to stay and to be removed",
            )


def check_tags(path: str, tags: Mapping[str, str]) -> Iterator[Problem]:
    """Yields tags that AWS does not take."""
    if len(tags) > MAX_TAGS:
        yield Problem(path, len(tags), f"AWS takes at most {MAX_TAGS} tags")
    for key, value in tags.items():
        at = join(path, key)
        if not 1 <= len(key) <= MAX_TAG_KEY_LENGTH:
            yield Problem(at, value, f"AWS takes keys of 1 to {MAX_TAG_KEY_LENGTH} characters")
        if len(value) > MAX_TAG_VALUE_LENGTH:
            yield Problem(
                at, value, f"AWS takes values of at most {MAX_TAG_VALUE_LENGTH} characters"
            )
        if key.lower().startswith("aws:"):
            yield Problem(at, value, "AWS keeps keys that begin with aws: to itself")


def _located(path: str, taints: Sequence[TaintArgs]) -> dict[str, TaintArgs]:
    return {f"{path}[{index}]": taint for index, taint in enumerate(taints)}


def _is_in(domain: str, parents: Sequence[str]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)
