"""An EKS cluster as pools and providers are told of it, in part perhaps by other stacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi

from preloader.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterInputs:
    """A cluster; what other stacks have may be known only to a deployment."""

    name: pulumi.Input[str]
    """Name or ARN."""
    region: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    node_role_arn: pulumi.Input[str] | None
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None


@dataclass(frozen=True, slots=True)
class StackOutput:
    """Where a value is that another stack has made: `kind` is str, or list for a list of them."""

    path: str
    """Where the stack file says so."""
    stack: str
    name: str
    kind: type[str | list[str]]


class OtherStacks:
    """The outputs of other stacks."""

    def __init__(self) -> None:
        # Pulumi takes one reference a stack.
        self._references: dict[str, pulumi.StackReference] = {}

    def read(self, output: StackOutput) -> pulumi.Output[Any]:
        """The value; a deployment or preview ends in RunError where the stack has no such value."""
        if output.stack not in self._references:
            self._references[output.stack] = pulumi.StackReference(output.stack)
        # Not require_output, whose KeyError says neither which stack nor who asked.
        value = self._references[output.stack].get_output(output.name)
        return value.apply(lambda found: _accepted(found, output))


def output_problem(output: StackOutput, found: object) -> Problem | None:
    """What is wrong with what the stack has there, if anything; without it, as it may be secret."""
    has = "none of this name" if found is None else f"something else: {type(found).__name__}"
    items, wanted = [found], "a string"
    if output.kind is list:
        items = [*cast("list[object]", found)] if isinstance(found, list) else []
        wanted = "a list with at least one string"
    if items and all(isinstance(item, str) and item for item in items):
        return None
    accepted = f"must name an output of {output.stack} that is {wanted}; the stack has {has}"
    return Problem(output.path, output.name, accepted)


def last_part(name_or_arn: str) -> str:
    """The name at the end of an ARN; a name is returned as it is."""
    return name_or_arn.rpartition("/")[2]


def named(name_or_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The same of a value that may be known only once something else is deployed."""
    return pulumi.Output.from_input(name_or_arn).apply(last_part)


def _accepted(found: object, output: StackOutput) -> object:
    problem = output_problem(output, found)
    if problem is not None:
        raise pulumi.RunError(str(problem))
    return found
