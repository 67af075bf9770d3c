"""Workloads as Kubernetes objects hold them: their images, and where their pods may run."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from preloader.plain import Map, below, is_list, is_map, map_or_empty, maps_in
from preloader.pods import APPLICATION

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
# Their pods are not scheduled like others: a static pod's owner is its node, and what a DaemonSet's
# pods may run on is in the DaemonSet itself.
UNSCHEDULED_OWNERS = ("Node", "DaemonSet")
# A CronJob names each Job after its time in minutes.
_JOB_TIME = re.compile(r"-\d{8,10}$")


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod or a pod template, under the name of what makes it; `node` is a running pod's."""

    name: str
    pod: Map
    node: str = ""

    @property
    def images(self) -> tuple[str, ...]:
        """Every image as written, those of volumes included, each once."""
        containers = [each for key in CONTAINER_LISTS for each in maps_in(self.pod.get(key))]
        volumes = [each.get("image") for each in maps_in(self.pod.get("volumes"))]
        found = [
            *(each.get("image") for each in containers),
            *(each.get("reference") for each in volumes if is_map(each)),
        ]
        return tuple(dict.fromkeys(image for image in found if isinstance(image, str) and image))


def find_workloads(objects: Iterable[Map]) -> Iterator[Workload]:
    """Yields the workloads among Kubernetes objects, whatever their kind, without our own."""
    for each in objects:
        if each.get("kind") == "Pod":
            yield from _pod(each)
        else:
            for template in _templates(each):
                if not _is_ours(template):
                    yield Workload(_name(each), template["spec"])


def _pod(pod: Map) -> Iterator[Workload]:
    spec = pod.get("spec")
    scheduled = all(each.get("kind") not in UNSCHEDULED_OWNERS for each in _owners(pod))
    if is_map(spec) and scheduled and not _is_ours(pod):
        yield Workload(_name(pod), spec, str(spec.get("nodeName") or ""))


def _templates(value: object) -> Iterator[Map]:
    """Yields pod templates at any depth, which is where custom resources have theirs as well."""
    if is_map(value):
        spec = value.get("spec")
        if is_map(spec) and is_list(spec.get("containers")):
            yield value
            return
    for item in below(value):
        yield from _templates(item)


def _name(item: Map) -> str:
    metadata = _metadata(item)
    name = str(metadata.get("name") or metadata.get("generateName") or "unnamed")
    for owner in _owners(item):
        name = str(owner.get("name"))
        template_hash = _labels(item).get("pod-template-hash")
        if owner.get("kind") == "ReplicaSet" and template_hash:
            name = name.removesuffix(f"-{template_hash}")
        elif owner.get("kind") == "Job":
            name = _JOB_TIME.sub("", name)
    return f"{metadata.get('namespace') or 'default'}/{name}"


def _owners(item: Map) -> list[Map]:
    owners = maps_in(_metadata(item).get("ownerReferences"))
    return [owner for owner in owners if owner.get("controller")]


def _is_ours(item: Map) -> bool:
    return _labels(item).get("app.kubernetes.io/name") == APPLICATION


def _metadata(item: Map) -> Map:
    return map_or_empty(item.get("metadata"))


def _labels(item: Map) -> Map:
    return map_or_empty(_metadata(item).get("labels"))
