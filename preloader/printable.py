"""Foreign text made fit to print: what users, registries and runtimes wrote, on one line."""

_ELLIPSIS = "…"
_FORMS = ((0x100, r"\x{:02x}"), (0x10000, r"\u{:04x}"), (0x110000, r"\U{:08x}"))
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: str) -> str:
    r"""Returns the text with what a terminal obeys, and does not show, written out, such as `\x1b`.

    That is what Unicode calls other and separator, but for the space: controls move and colour,
    marks of direction turn the text around, and some separators begin a line.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _written_out(each) for each in text)


def shortened(text: str, most: int) -> str:
    """Returns the text, cut where it has more than `most` characters, and then how many it has."""
    if len(text) <= most:
        return text
    return f"{text[:most]}{_ELLIPSIS} ({len(text)} characters)"


def _written_out(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return next(form.format(code) for end, form in _FORMS if code < end)
