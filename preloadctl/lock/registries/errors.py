"""What keeps one image from being locked, while others go on."""


class NotLocked(Exception):
    """An image that cannot be locked; the message says why and what to do, and no credentials."""
