"""What a person reads while a stack is deployed."""

import sys


def say(text: str) -> None:
    """Tells the person who waits, beside what Pulumi prints."""
    print(text, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Passes on a line of Pulumi's."""
    print(text, flush=True)


def color() -> str:
    """Whether Pulumi colours what it prints, in its own words."""
    return "always" if sys.stdout.isatty() else "never"
