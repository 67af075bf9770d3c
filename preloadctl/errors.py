"""What ends a command with one message and no traceback."""


class CommandError(Exception):
    """The command cannot do what was asked; the message says why and what to do instead."""
