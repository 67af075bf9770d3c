"""What ends a command with one message and no traceback."""

from preloader.printable import printable


class CommandError(Exception):
    """The command cannot do what was asked; the message says why and what to do instead.

    Each argument is a line of it, and one line only, whatever text of others is in it.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(printable, lines)))
