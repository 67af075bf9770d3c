"""What the cleanup container reads: its program once in each namespace, and each pool's policy.

The program is 126 KiB. Pulumi writes a stack's whole state again and again while it deploys, so a
copy in each pool would make most of the state and most of the time of `pulumi up`.
"""

import re
from collections.abc import MutableMapping
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime import get_root_resource
from pulumi_kubernetes.core.v1 import ConfigMap

from preloader.cleanup.manifests import ConfigMapNames, policy_config_map, program_config_map
from preloader.cleanup.spec import CleanupSpec
from preloader.pods import name_in_cluster
from preloader.tokens import CLEANUP_PROGRAM

_CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")

# By the stack that they belong to, since one process may run several programs one after another.
_programs_of: MutableMapping[pulumi.Resource, dict[str, "CleanupProgram"]] = WeakKeyDictionary()


class CleanupProgram(pulumi.ComponentResource):
    """The cleanup's program in one namespace, for all components there; they make it themselves."""

    config_map_name: pulumi.Output[str]
    """Name of the ConfigMap in the cluster."""

    def __init__(
        self,
        name: str,
        namespace: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(CLEANUP_PROGRAM, name, {"namespace": namespace}, opts)
        self.config_map_name = name_in_cluster(
            ConfigMap(name, program_config_map(namespace), pulumi.ResourceOptions(parent=self))
        )
        self.register_outputs({"configMapName": self.config_map_name})


def cleanup_config_maps(
    component: pulumi.ComponentResource,
    name: str,
    spec: CleanupSpec,
    namespace: pulumi.Input[str],
) -> ConfigMapNames:
    """Registers what the cleanup of `component`, called `name`, reads."""
    policy = ConfigMap(
        f"{name}-cleanup",
        policy_config_map(spec, namespace),
        pulumi.ResourceOptions(parent=component),
    )
    provider = component.get_provider(_CONFIG_MAP)
    return ConfigMapNames(
        program=_shared_program(provider, namespace), policy=name_in_cluster(policy)
    )


def _shared_program(
    provider: pulumi.ProviderResource | None, namespace: pulumi.Input[str]
) -> pulumi.Output[str]:
    """Returns the name of the ConfigMap, which the first component of a namespace registers.

    It belongs to the stack and not to that component, which may go while others stay. Which
    namespaces are one is known only once their names are, so it is registered then.
    """
    root = get_root_resource()
    programs = {} if root is None else _programs_of.setdefault(root, {})

    def program_in(known_namespace: str, provider_urn: str) -> pulumi.Output[str]:
        # Two stacks may share a namespace, and two providers may reach namespaces of one name.
        parts = (pulumi.get_stack(), provider_urn.rpartition("::")[2], known_namespace)
        plain = [_NOT_IN_NAMES.sub("-", part.lower()).strip("-") for part in parts if part]
        name = "-".join([*plain, "cleanup-program"])
        if name not in programs:
            options = pulumi.ResourceOptions(provider=provider)
            programs[name] = CleanupProgram(name, namespace, options)
        return programs[name].config_map_name

    urn = pulumi.Output.from_input("") if provider is None else provider.urn
    return pulumi.Output.all(namespace, urn).apply(lambda known: program_in(*known))
