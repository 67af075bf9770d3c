"""What goes wrong with a call to the container runtime; each message says why."""


class RuntimeFault(Exception):
    """A call to the container runtime that brought no answer to use."""


class Unavailable(RuntimeFault):
    """The runtime cannot be reached, went away, or did not answer in time: later it may."""


class Refused(RuntimeFault):
    """The runtime answered with an error about this one call."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text or f"gRPC status {status}")
        self.status = status


class BadAnswer(RuntimeFault):
    """The runtime's answer cannot be understood."""


class TooLarge(BadAnswer):
    """The runtime's answer is larger than what is read of one."""
