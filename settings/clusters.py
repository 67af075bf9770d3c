"""What a stack file may say of its cluster."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from nodepools.eks.cluster import ClusterInputs, StackOutput
from preloader.problems import join

REQUIRED = ("name", "region")
# https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
_STACK_NAME = re.compile(r"[^/]+/[^/]+/[^/]+")
# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
_CLUSTER_NAME = re.compile(
    r"(?:arn:aws[a-z-]*:eks:(?P<region>[a-z0-9-]+):\d{12}:cluster/)?[0-9A-Za-z][0-9A-Za-z_-]{0,99}"
)
# As the partitions of AWS name theirs: `eu-west-1`, `us-gov-east-1`, `eusc-de-east-1`.
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}")


class Strict(BaseModel):
    """A part of a stack file: of the right types, and with no other keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RenderedCluster(Strict):
    """No cluster: the objects are written to files, by default below `rendered/STACK`."""

    kind: Literal["rendered"]
    directory: str | None = None


class KubeconfigCluster(Strict):
    """A cluster that exists, by a context of the kubeconfig."""

    kind: Literal["kubeconfig"]
    context: str
    kubeconfig: str = ""


class ClusterOutputs(Strict):
    """What another stack calls the outputs that hold values of the cluster."""

    name: str | None = None
    region: str | None = None
    node_role_arn: str | None = None
    subnet_ids: str | None = None
    security_group_ids: str | None = None


class EksCluster(Strict):
    """An EKS cluster that exists, by name or ARN, in which pools can have node groups.

    Each value is written down, or is an output of another stack: `stack_outputs` has the names of
    the outputs by stack, such as `{acme/network/prod: {subnet_ids: privateSubnetIds}}`.
    """

    kind: Literal["eks"]
    # First, since the values below are held against it.
    stack_outputs: dict[str, ClusterOutputs] = Field(default_factory=dict[str, ClusterOutputs])
    name: str | None = Field(default=None, validate_default=True)
    region: str | None = Field(default=None, validate_default=True)
    node_role_arn: str | None = None
    subnet_ids: list[str] = Field(default_factory=list[str])
    security_group_ids: list[str] | None = None

    @field_validator("stack_outputs")
    @classmethod
    def _check_outputs(cls, outputs: dict[str, ClusterOutputs]) -> dict[str, ClusterOutputs]:
        errors = [*_stack_errors(outputs), *_output_errors(outputs)]
        if errors:
            raise ValidationError.from_exception_data("stack_outputs", errors)
        return outputs

    @field_validator("name", "region", "node_role_arn", "subnet_ids", "security_group_ids")
    @classmethod
    def _check_source(cls, value: object, info: ValidationInfo) -> object:
        if "stack_outputs" not in info.data:
            # It is wrong itself, and nothing is known of where this value is to come from.
            return value
        source = _sources(info.data["stack_outputs"]).get(info.field_name or "")
        if source is None and value is None and info.field_name in REQUIRED:
            raise PydanticKnownError("missing")
        if source is not None and value is not None:
            raise _error(
                f"must be left out here or in stack_outputs, which takes it from output "
                f"{source.name} of {source.stack}"
            )
        return value

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name and not _CLUSTER_NAME.fullmatch(name):
            raise _error("must be the name of an EKS cluster or its ARN")
        return name

    @field_validator("region")
    @classmethod
    def _check_region(cls, region: str | None, info: ValidationInfo) -> str | None:
        if region is not None and not _REGION.fullmatch(region):
            raise _error("must be the name of an AWS region, such as eu-west-1")
        match = _CLUSTER_NAME.fullmatch(info.data.get("name") or "")
        if region and match and match["region"] not in (None, region):
            raise _error(f"must be {match['region']}, where the cluster is by its ARN in name")
        return region

    def inputs(self, read: Callable[[StackOutput], Any]) -> ClusterInputs:
        """Its values; `read` gives those that other stacks have."""
        sources = _sources(self.stack_outputs)
        written = self.model_dump(exclude={"kind", "stack_outputs"})
        taken = {value: read(source) for value, source in sources.items()}
        return ClusterInputs(**{**written, **taken})


Cluster = RenderedCluster | KubeconfigCluster | EksCluster


def _sources(outputs: Mapping[str, ClusterOutputs]) -> dict[str, StackOutput]:
    """Which output has a value of the cluster, by the value."""
    return {
        value: StackOutput(
            join("cluster.stack_outputs", f"{stack}.{value}"),
            stack,
            name,
            list if value.endswith("_ids") else str,
        )
        for stack, names in outputs.items()
        for value, name in names.model_dump(exclude_none=True).items()
    }


def _stack_errors(outputs: Mapping[str, ClusterOutputs]) -> Iterator[InitErrorDetails]:
    for stack, names in outputs.items():
        if not _STACK_NAME.fullmatch(stack):
            accepted = (
                "must be under a stack's whole name, ORGANIZATION/PROJECT/STACK; with a backend of "
                "your own the first is `organization`"
            )
            yield InitErrorDetails(type=_error(accepted), loc=(stack,), input=names)
        elif not names.model_dump(exclude_none=True):
            known = ", ".join(sorted(ClusterOutputs.model_fields))
            accepted = f"must name at least one output, of {known}"
            yield InitErrorDetails(type=_error(accepted), loc=(stack,), input=names)


def _output_errors(outputs: Mapping[str, ClusterOutputs]) -> Iterator[InitErrorDetails]:
    first: dict[str, str] = {}
    for stack, names in outputs.items():
        for value, name in names.model_dump(exclude_none=True).items():
            if not name:
                accepted = "must be the name of an output"
            elif first.setdefault(value, stack) != stack:
                accepted = f"must be left out of one stack: {first[value]} has it too"
            else:
                continue
            yield InitErrorDetails(type=_error(accepted), loc=(stack, value), input=name)


def _error(accepted: str) -> PydanticCustomError:
    return PydanticCustomError("cluster", "{accepted}", {"accepted": accepted})
