"""HPACK's Huffman decoder in little memory: `preloader.bundle` puts it in place of hpack's own.

hpack decodes by a table of 4,096 rows in 168 KB of source. Compiling that takes 12 MB and a third
of the agent's start; gRPC's headers are a few dozen bytes a call, for which bit by bit is enough.
"""

from hpack.exceptions import HPACKDecodingError
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

_END_OF_STRING = 256
# Padding is the first bits of the end-of-string code, which are ones: RFC 7541, section 5.2.
_PADDING_MAX_BITS = 7
_LONGEST_CODE_BITS = max(REQUEST_CODES_LENGTH)
_SYMBOLS = {
    (length, code): symbol
    for symbol, (code, length) in enumerate(zip(REQUEST_CODES, REQUEST_CODES_LENGTH, strict=True))
}


def decode_huffman(huffman_string: bytes | bytearray | memoryview | None) -> bytes:
    """Returns the decoded string. Raises HPACKDecodingError."""
    decoded = bytearray()
    code = length = 0
    for byte in huffman_string or b"":
        for shift in range(7, -1, -1):
            code = code << 1 | byte >> shift & 1
            length += 1
            symbol = _SYMBOLS.get((length, code))
            if symbol == _END_OF_STRING:
                raise HPACKDecodingError("the end-of-string symbol inside a string")
            if symbol is not None:
                decoded.append(symbol)
                code = length = 0
            elif length > _LONGEST_CODE_BITS:
                raise HPACKDecodingError("no such Huffman code")
    if length > _PADDING_MAX_BITS or code != (1 << length) - 1:
        raise HPACKDecodingError("the padding of a Huffman string is wrong")
    return bytes(decoded)
