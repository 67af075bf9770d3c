"""What others wrote, made fit for a line of text."""

MAX_LENGTH = 400


def printable(text: str) -> str:
    """Returns the text without what would move a terminal's cursor, and not without end."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= MAX_LENGTH else f"{shown[:MAX_LENGTH]}…"
