"""The small Huffman decoder does what hpack's own does, with every input."""

import pytest
from hpack.exceptions import HPACKDecodingError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman as hpacks_own
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preloader.agent.cri.huffman import decode_huffman

encoder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


@given(st.binary())
def test_what_hpack_encodes_is_decoded(text: bytes) -> None:
    assert decode_huffman(encoder.encode(text)) == text


@settings(max_examples=1000)
@given(st.binary(max_size=12))
@example(b"")
@example(b"\xff")
@example(b"\xff\xff")
@example(b"\xff\xff\xff\xff")
@example(b"\xff\xff\xff\xfc")
def test_it_accepts_and_refuses_what_hpack_does(data: bytes) -> None:
    try:
        expected = hpacks_own(data)
    except HPACKDecodingError:
        with pytest.raises(HPACKDecodingError):
            decode_huffman(data)
    else:
        assert decode_huffman(data) == expected


def test_no_string_is_an_empty_one() -> None:
    assert decode_huffman(None) == b""
