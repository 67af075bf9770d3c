"""Image references and the order of their tags. Standard library only: it also runs on the node."""

from preloader.images.reference import InvalidReference, Reference, parse_reference
from preloader.images.version import Scheme, Version, parse_version, tag_order

__all__ = [
    "InvalidReference",
    "Reference",
    "Scheme",
    "Version",
    "parse_reference",
    "parse_version",
    "tag_order",
]
