"""The component of node settings: it registers no resource, for the nodes are made elsewhere."""

import pulumi

from nodepools.platforms.args import NodeSettingsArgs
from nodepools.platforms.node_settings import node_settings_files
from preloader.tokens import NODE_SETTINGS


class NodeSettings(pulumi.ComponentResource):
    """What to set on nodes that something else makes, so that they fit the images they are to keep.

    `preloadctl render` writes it as files. Raises InvalidInput with every problem of its inputs.
    """

    files: pulumi.Output[dict[str, str]]
    """The text of the file to give to the platform, by its name."""

    def __init__(
        self, name: str, args: NodeSettingsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        files = node_settings_files(name, args)
        super().__init__(NODE_SETTINGS, name, {**args}, opts)
        self.files = pulumi.Output.from_input(files)
        self.register_outputs({"files": self.files})
