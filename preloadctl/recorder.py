"""Runs a Pulumi program under Pulumi's mock monitor and keeps what it would register.

It runs as a preview does: what only a deployment can tell stays unknown, and code that waits for it
does not run. This module alone uses parts of the SDK that are not documented, for a pinned version.
"""

import asyncio
import logging
import runpy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime.mocks import (
    MockCallArgs,
    MockEngine,
    MockMonitor,
    MockResourceArgs,
    Mocks,
    MockSettings,
)
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.rpc import UNKNOWN
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from preloadctl.project import SECRET, Project
from preloader.plain import Map

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"
KUBERNETES_PREFIX = "kubernetes:"
COMPUTED = "[known after deployment]"

# The keys by which Pulumi's wire format marks secrets:
# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a public constant

# What the components ask AWS while the program runs. Of it the partition alone reaches rendered
# files, in the ARNs of AWS's own policies; in China and GovCloud a deployment has another.
OFFLINE_ANSWERS: Mapping[str, Map] = {
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:eks/getCluster:getCluster": {
        "endpoint": "https://cluster.invalid",
        "certificateAuthorities": [{"data": ""}],
    },
}

log = logging.getLogger("preloadctl")


@dataclass(frozen=True, slots=True)
class Registration:
    """One resource that a program asks the engine for, its inputs as plain data.

    Secrets are SECRET, and values that only a deployment can tell are COMPUTED.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    provider: str
    dependencies: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    protect: bool
    delete_before_replace: bool
    create_timeout: str
    update_timeout: str
    inputs: Map


def record(project: Project) -> list[Registration]:
    """Returns what the project's own program registers for its stack, sorted by URN.

    Raises whatever the program raises.
    """
    folder = str(project.program)
    sys.path.insert(0, folder)
    try:
        return record_program(lambda: runpy.run_path(folder, run_name="__main__"), project)
    finally:
        sys.path.remove(folder)


def record_program(program: Callable[[], object], project: Project) -> list[Registration]:
    """Returns what `program` registers as the program of `project`, sorted by URN."""
    monitor = _RecordingMonitor()
    pulumi.runtime.set_all_config(dict(project.config), list(project.secret_keys))
    configure(
        MockSettings(
            monitor=monitor,
            monitor_features=set[int](),
            engine=MockEngine(log),
            project=project.name,
            stack=project.stack,
            dry_run=True,
            organization="organization",
            callbacks=None,
        )
    )

    def run() -> None:
        program()

    asyncio.run(run_in_stack(run))
    return sorted(monitor.registrations, key=lambda registration: registration.urn)


class _Answers(Mocks):
    def call(self, args: MockCallArgs) -> tuple[Map, list[tuple[str, str]]]:
        answer = OFFLINE_ANSWERS.get(args.token)
        if answer is None:
            log.warning("%s is answered by a deployment only; its values are missing", args.token)
        return answer or {}, []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, Map]:
        # Only for resources that are read, which register nothing.
        return args.resource_id, cast("Map", vars(args)["inputs"])


class _RecordingMonitor(MockMonitor):
    """Keeps every request, options included, and answers with the request's own inputs."""

    def __init__(self) -> None:
        super().__init__(_Answers())
        self.registrations: list[Registration] = []

    def RegisterResource(  # noqa: N802 the name is gRPC's
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Records the request; a Kubernetes object without a name gets its logical one."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if request.custom and request.type.startswith(KUBERNETES_PREFIX):
            metadata = request.object.fields["metadata"].struct_value
            if "name" not in metadata.fields and "generateName" not in metadata.fields:
                metadata.update({"name": request.name})
        self.registrations.append(
            Registration(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=request.custom,
                provider=request.provider.rpartition("::")[0],
                dependencies=tuple(sorted(request.dependencies)),
                ignore_changes=tuple(request.ignoreChanges),
                protect=request.protect,
                delete_before_replace=request.deleteBeforeReplace,
                create_timeout=request.customTimeouts.create,
                update_timeout=request.customTimeouts.update,
                inputs=_plain_map(request.object),
            )
        )
        identity = f"${{{request.name}.id}}" if request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=request.object)


def _plain_map(struct: struct_pb2.Struct) -> Map:
    return {key: _plain(value) for key, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:  # noqa: ANN401 any plain data
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        is_secret = fields.get(SIGNATURE_KEY) == struct_pb2.Value(string_value=SECRET_SIGNATURE)
        return SECRET if is_secret else _plain_map(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value" and value.number_value.is_integer():
        # The wire knows no integers.
        return int(value.number_value)
    if kind == "string_value" and value.string_value == UNKNOWN:
        return COMPUTED
    return None if kind in (None, "null_value") else getattr(value, kind)
