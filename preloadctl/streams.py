"""What commands write to a terminal or a pipe: text that neither obeys."""

import logging
import sys
from io import TextIOWrapper

from preloader.printable import printable


def prepare_streams() -> None:
    """Lets programs log to stderr, and shows what an encoding lacks as an escape, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
    # After a program has failed, asyncio repeats the error once for every output that waits on it.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def printable_lines(text: str) -> str:
    """Returns a text of several lines, of which all but the first are indented.

    So none of them passes for a message of this command.
    """
    first, *others = map(printable, text.split("\n"))
    return "\n".join([first, *(line if line.startswith(" ") else f"  {line}" for line in others)])


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Returns the message, with what a terminal obeys written out."""
        return printable_lines(super().format(record))
