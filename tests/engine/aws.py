"""A stand-in for Pulumi's AWS provider: it makes nothing, and answers with what it is asked for.

Started by the engine as the program that `install_plugin` writes.
"""

import sys
import textwrap
from collections.abc import Mapping
from concurrent import futures
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from preloadctl.recorder import OFFLINE_ANSWERS
from tests.builds import PROJECT

# What the program reads of AWS's resources besides what it has asked for.
OUTPUTS = {"arn": "arn:aws:stub:::made", "latestVersion": 1}


def install_plugin(folder: Path) -> Path:
    """Writes the plug-in's program into a folder, which then belongs on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "pulumi-resource-aws"
    plugin.write_text(
        textwrap.dedent(f"""\
            #!{sys.executable}
            import sys
            sys.path.insert(0, {str(PROJECT)!r})
            from tests.engine.aws import serve
            serve()
            """)
    )
    plugin.chmod(0o755)
    return folder


def serve() -> None:
    """Serves the engine until that ends this process."""
    server = grpc.server(futures.ThreadPoolExecutor())
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # The engine reads the port from here, and then nothing more.
    print(port, flush=True)
    server.wait_for_termination()


class _Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Named as gRPC names the calls; those that are missing here are not needed."""

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        return self.Diff(request, context)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        return provider_pb2.InvokeResponse(**{"return": _struct(OFFLINE_ANSWERS[request.tok])})

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        kinds = provider_pb2.DiffResponse
        same = request.news == request.old_inputs
        return kinds(changes=kinds.DIFF_NONE if same else kinds.DIFF_SOME)

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        made = {**dict(request.properties), **OUTPUTS}
        return provider_pb2.CreateResponse(id=request.name, properties=_struct(made))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        return provider_pb2.UpdateResponse(properties=_struct({**dict(request.news), **OUTPUTS}))

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(values))
    return struct
