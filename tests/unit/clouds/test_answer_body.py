"""Answers of clouds: bounded by what they unpack to, one by one and all together."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from enamel.clouds.calls import answer_body
from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import CloudUnauthorized, CloudUnreachable, EnamelError
from tests.unit.clouds.stage import Say, Stage, cloud_on

PORTS = "/network/v2.0/ports"
LIST = b'{"ports": []}'
BOMB = gzip.compress(bytes(answer_body.LARGEST * 4))
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(LIST) + RAW.flush()


async def portions(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
async def test_a_bomb_is_never_unpacked_as_a_whole(encoding: str) -> None:
    packed = BOMB if "gzip" in encoding.lower() else zlib.compress(bytes(answer_body.LARGEST * 4))
    assert len(packed) < 100_000
    sizes = [len(portion) for portion in answer_body.Unpacker(encoding).unpack(packed)]
    assert max(sizes) <= 64 * 1024 and sum(sizes) == answer_body.LARGEST * 4
    with pytest.raises(answer_body.TooLarge):
        await answer_body.read(portions(packed), encoding=encoding, most=answer_body.LARGEST)
    with pytest.raises(answer_body.TooLarge):
        answer_body.read_now([packed], encoding=encoding, most=answer_body.LARGEST)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", LIST),
        ("identity", LIST),
        ("gzip", gzip.compress(LIST, mtime=0)),
        ("deflate", zlib.compress(LIST)),
        ("deflate", DEFLATED),
    ],
)
async def test_what_was_packed_is_read_byte_by_byte(encoding: str, packed: bytes) -> None:
    single = [packed[at : at + 1] for at in range(len(packed))]
    assert await answer_body.read(portions(*single), encoding=encoding, most=100) == LIST
    assert answer_body.read_now([packed], encoding=encoding, most=100) == LIST


@pytest.mark.parametrize(
    "say",
    [
        Say(body=BOMB, headers={"Content-Encoding": "gzip"}),
        Say(body=b" " * (answer_body.LARGEST + 1)),
        Say(body=LIST, headers={"Content-Encoding": "br"}),
        Say(body=LIST, headers={"Content-Encoding": "gzip"}),
        Say(body=gzip.compress(gzip.compress(LIST, mtime=0)), headers={"Content-Encoding": "gzip, gzip"}),
    ],
)
async def test_an_answer_that_cannot_be_read_is_an_error(
    stage: Stage, there: openstack.OpenStackCloud, say: Say
) -> None:
    stage.on("GET", PORTS, say)
    with pytest.raises(CloudUnreachable, match="was not read"):
        await there.ports_marked("x")


async def test_of_a_refusal_the_beginning_is_read(stage: Stage, there: openstack.OpenStackCloud) -> None:
    body = gzip.compress(b"<html><body>No ports today." + bytes(answer_body.LARGEST * 4))
    stage.on("GET", PORTS, Say(status=400, body=body, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(EnamelError, match=r"No ports today\."):
        await there.ports_marked("x")


async def test_a_packed_list_is_read(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on("GET", PORTS, Say(body=gzip.compress(LIST, mtime=0), headers={"Content-Encoding": "gzip"}))
    assert not await there.ports_marked("x")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_keystones_answers_are_bounded_too(stage: Stage, tmp_path: Path, method: str) -> None:
    path = "/v3/auth/tokens" if method == "POST" else "/"
    stage.on(method, path, Say(status=201, body=BOMB, headers={"Content-Encoding": "gzip"}))
    async with cloud_on(
        stage, tmp_path, auth={"auth_url": stage.url if method == "GET" else f"{stage.url}/v3"}
    ) as there:
        with pytest.raises((CloudUnreachable, CloudUnauthorized), match="was not read"):
            await there.identity()


async def test_few_large_answers_are_read_at_once() -> None:
    large, reading, most = answer_body.LargeAnswers(2), 0, 0
    go_on = asyncio.Event()

    async def dribble() -> AsyncIterator[bytes]:
        nonlocal reading, most
        yield bytes(answer_body.SMALL)
        yield b"x"
        reading += 1
        most = max(most, reading)
        await go_on.wait()
        reading -= 1

    async def one() -> bytes:
        return await answer_body.read(dribble(), encoding="", most=answer_body.LARGEST, large=[large])

    tasks = [asyncio.create_task(one()) for _ in range(6)]
    while reading < 2:
        await asyncio.sleep(0)
    small = await answer_body.read(portions(LIST), encoding="", most=100, large=[large])
    assert small == LIST
    go_on.set()
    assert {len(body) for body in await asyncio.gather(*tasks)} == {answer_body.SMALL + 1}
    assert most == 2
