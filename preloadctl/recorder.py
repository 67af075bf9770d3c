"""Runs a Pulumi program under Pulumi's mock monitor and keeps what it would register.

It runs as a preview does: what only a deployment can tell stays unknown, and code that waits for it
does not run. This module alone uses parts of the SDK that are not documented, for a pinned version.
"""

import asyncio
import contextlib
import logging
import runpy
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi.resource
from google.protobuf import struct_pb2
from pulumi.runtime.mocks import (
    MockCallArgs,
    MockEngine,
    MockMonitor,
    MockResourceArgs,
    Mocks,
    MockSettings,
)
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.rpc import UNKNOWN
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from preloadctl.project import SECRET, Project
from preloader.plain import Map
from preloader.tokens import CLEANUP_PROGRAM, PACKAGE

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"
KUBERNETES_PREFIX = "kubernetes:"
COMPUTED = "[known after deployment]"
# What the components of this project are called, whichever module has them.
OUR_PREFIX = f"{PACKAGE}:"
_REGISTER = "register_resource"

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
    with _program_of(project, working_folder(project)) as program:
        return record_program(program, project)


def record_components(project: Project, folder: Path | None = None) -> list[Registration]:
    """Returns what the program registers, but nothing of what this project's components make.

    To the program the outputs of that are unknown, as before a first deployment, and what the
    components warn of is left out, since it follows from their inputs. It takes a third of the time
    of `record`. `folder` is the working directory, where the program finds its files; by default
    its own. Raises whatever the program raises.
    """
    with _program_of(project, folder or working_folder(project)) as program, _without_children():
        return record_program(program, project, _QuietEngine(log))


def record_program(
    program: Callable[[], object], project: Project, engine: MockEngine | None = None
) -> list[Registration]:
    """Returns what `program` registers as the program of `project`, sorted by URN."""
    monitor = _RecordingMonitor()
    pulumi.runtime.set_all_config(dict(project.config), list(project.secret_keys))
    configure(
        MockSettings(
            monitor=monitor,
            monitor_features=set[int](),
            engine=engine or MockEngine(log),
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


def working_folder(project: Project) -> Path:
    """Where Pulumi runs the program, which `main` may give as a file."""
    return project.program if project.program.is_dir() else project.program.parent


@contextmanager
def _program_of(project: Project, folder: Path) -> Generator[Callable[[], object]]:
    """Yields what runs the program, whose asynchronous part runs after it returns."""
    path, modules = project.program.resolve(), str(working_folder(project).resolve())
    sys.path.insert(0, modules)
    try:
        with contextlib.chdir(folder):
            yield lambda: runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.path.remove(modules)


@contextmanager
def _without_children() -> Generator[None]:
    """Leaves out what this project's components make, each for itself or together."""
    register: Callable[..., None] = getattr(pulumi.resource, _REGISTER)

    def register_others(*args: Any) -> None:  # noqa: ANN401 whatever the SDK passes
        resource, type_, name, custom, *_, props, options, _, _ = args
        if type_ == CLEANUP_PROGRAM or (custom and _is_ours(options.parent)):
            _leave_unknown(resource, f"urn:pulumi:unregistered::{type_}::{name}", props)
        else:
            register(*args)

    setattr(pulumi.resource, _REGISTER, register_others)
    try:
        yield
    finally:
        setattr(pulumi.resource, _REGISTER, register)


def _is_ours(resource: pulumi.Resource | None) -> bool:
    return resource is not None and resource.pulumi_resource_type.startswith(OUR_PREFIX)


def _leave_unknown(resource: pulumi.Resource, urn: str, props: Map) -> None:
    unknown = pulumi.Output.from_input(pulumi.UNKNOWN)
    vars(resource).update(dict.fromkeys((*props, "id"), unknown))
    vars(resource)["urn"] = pulumi.Output.from_input(urn)


class _Answers(Mocks):
    def call(self, args: MockCallArgs) -> tuple[Map, list[tuple[str, str]]]:
        answer = OFFLINE_ANSWERS.get(args.token)
        if answer is None:
            log.warning("%s is answered by a deployment only; its values are missing", args.token)
        return answer or {}, []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, Map]:
        # Only for resources that are read, which register nothing.
        return args.resource_id, cast("Map", vars(args)["inputs"])


class _QuietEngine(MockEngine):
    """Shows what programs log, but for warnings of this project's components."""

    def Log(self, request: engine_pb2.LogRequest) -> None:  # noqa: N802 the name is gRPC's
        """Passes one message on, or not."""
        ours = f"::{OUR_PREFIX}" in request.urn or f"${OUR_PREFIX}" in request.urn
        if not (ours and request.severity == engine_pb2.WARNING):
            super().Log(request)  # pyright: ignore[reportUnknownMemberType] the SDK has no types


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
