"""The reader of answers and the adapter for requests, for what no sensor needs to be played."""

import gzip
import zlib

import pytest
import requests
from requests.exceptions import ContentDecodingError

from cages.polling.answer import PIECE_BYTES, decoded
from cages.polling.transport import SensorAdapter

URL = "http://sensors.test/data/7/"


def unpacked(body, encodings):
    return b"".join(decoded(iter([body]), encodings))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compressed_bomb_is_opened_piece_by_piece(layers):
    bomb = b" " * 10_000_000
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    read = []

    def pieces():
        for start in range(0, len(bomb), 100):
            read.append(start)
            yield bomb[start : start + 100]

    assert len(next(decoded(pieces(), ", ".join(["gzip"] * layers)))) <= PIECE_BYTES
    assert len(read) <= 3


@pytest.mark.parametrize(
    ("body", "encodings"),
    [
        (gzip.compress(b"good"), "gzip"),
        (gzip.compress(b"good"), "X-GZIP"),
        (zlib.compress(b"good"), "deflate"),
        (gzip.compress(zlib.compress(b"good")), "deflate, gzip"),
        (b"good", "utf-8"),
    ],
    ids=["gzip", "old name", "deflate", "two", "unknown"],
)
def test_encodings_that_are_known_are_undone(body, encodings):
    assert unpacked(body, encodings) == b"good"


@pytest.mark.parametrize(
    ("body", "encodings"),
    [
        (b"good", "gzip"),
        (gzip.compress(b"good")[:-1], "gzip"),
        (gzip.compress(b"good"), "gzip, gzip"),
        (b"", ",".join(["gzip"] * 6)),
    ],
    ids=["not compressed", "cut off", "once only", "six times"],
)
def test_a_body_that_cannot_be_decoded_is_refused(body, encodings):
    with pytest.raises(ContentDecodingError):
        unpacked(body, encodings)


@pytest.mark.parametrize("address", ["ftp://sensors.test/", "http:///", "sensors.test"])
def test_an_adapter_needs_the_address_of_a_host(address):
    with pytest.raises(requests.exceptions.InvalidURL):
        SensorAdapter(address, 1)


@pytest.mark.parametrize(
    "option",
    [{"timeout": None}, {"timeout": (1, 1)}, {"verify": False}, {"cert": "me.pem"}]
    + [{"proxies": {"http": "http://proxy.test"}}],
)
def test_an_option_that_is_not_supported_is_refused_and_not_ignored(option):
    request = requests.Request("GET", URL).prepare()
    with pytest.raises(ValueError, match="adapter|timeout"):
        SensorAdapter(URL, 1).send(request, **{"timeout": 60, **option})


def test_an_adapter_sends_nothing_to_another_host():
    request = requests.Request("GET", "http://other.test/").prepare()
    with pytest.raises(requests.exceptions.InvalidURL):
        SensorAdapter(URL, 1).send(request, timeout=60)
