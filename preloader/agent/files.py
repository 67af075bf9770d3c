"""Files that the agent reads: none of them can make it wait, or be more than it has room for."""

import errno
import os
import stat
from pathlib import Path

# The memory of a node with 30,000 images has 3 MB.
MOST_BYTES = 8 * 1024 * 1024


def read_text(path: Path) -> str:
    """Returns what the file holds.

    Raises OSError, also for what is no regular file, such as a FIFO that nobody writes to, and for
    one that is too large; ValueError where it is not UTF-8.
    """
    # Without O_NONBLOCK, to open a FIFO waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MOST_BYTES} bytes", str(path))
    return content.decode()
