"""Several clouds are asked at once, and none is waited for long."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from enamel.clouds.accounts import LocalAccounts
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import CloudForbidden, CloudUnreachable, NotFound
from enamel.service.access import answers, clouds
from enamel.service.access.answers import Answers
from enamel.service.access.clouds import CallerClouds
from tests.unit.api import fakes

ANNA = CallContext(caller=Caller(user_id="anna", project_id="one", local=True))
SHORT = timedelta(seconds=0.05)


class Mute:
    """Answers with the name of the cloud; a mute one only after `speak` is set."""

    def __init__(self, *mute: str) -> None:
        self.mute = set(mute)
        self.asked: Counter[str] = Counter()
        self.speak = asyncio.Event()

    async def __call__(self, account: Any) -> str:
        self.asked[account.name] += 1
        if account.name in self.mute:
            await self.speak.wait()
        return f"from {account.name}"


@pytest.fixture
def accounts() -> list[Any]:
    return [fakes.Cloud("north"), fakes.Cloud("south")]


async def test_a_silent_cloud_is_named_and_waited_for_once(accounts: list[Any]) -> None:
    ask, question = Answers(patience=SHORT), Mute("south")
    for _ in range(3):
        north, south = await ask.of("anna", accounts, question)
        assert north == "from north"
        assert isinstance(south, CloudUnreachable) and south.cloud == "south"
        assert "has not answered since 2" in south.detail
    assert question.asked == {"north": 3, "south": 1}
    question.speak.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await ask.of("anna", accounts, question) == ["from north", "from south"]


async def test_who_asks_another_question_is_not_held_up_by_it(accounts: list[Any]) -> None:
    ask, question = Answers(patience=SHORT), Mute("south")
    await ask.of("anna", accounts, question)
    again = Answers(patience=timedelta(hours=1))
    again._silent = ask._silent
    _, south = await asyncio.wait_for(again.of("anna", accounts, question), 30)
    assert isinstance(south, CloudUnreachable)
    question.speak.set()
    assert (await again.of("ben", accounts, question))[1] == "from south"


async def test_it_is_asked_again_when_the_question_was_given_up(
    accounts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "GIVEN_UP", timedelta(0))
    monkeypatch.setattr(answers, "ASKED_AGAIN", timedelta(0))
    ask, question = Answers(patience=SHORT), Mute("south")
    for asked in (1, 2):
        await ask.of("anna", accounts, question)
        assert question.asked["south"] == asked
        await asyncio.sleep(0.02)
    question.mute.clear()
    await ask.of("anna", accounts, question)
    await asyncio.sleep(0.02)
    assert await ask.of("anna", accounts, question) == ["from north", "from south"]


async def test_the_only_cloud_is_waited_for(accounts: list[Any]) -> None:
    ask, question = Answers(patience=SHORT), Mute("north")
    asking = asyncio.create_task(ask.of("anna", accounts[:1], question))
    await asyncio.sleep(0.2)
    assert not asking.done()
    question.speak.set()
    assert await asking == ["from north"]


async def test_what_a_cloud_refuses_is_its_answer(accounts: list[Any]) -> None:
    async def question(account: Any) -> str:
        raise CloudForbidden("no", cloud=account.name)

    assert all(
        isinstance(answer, CloudForbidden) for answer in await Answers().of("anna", accounts, question)
    )


async def test_a_fault_of_ours_is_no_answer(accounts: list[Any]) -> None:
    async def question(account: Any) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Answers().of("anna", accounts, question)


async def test_who_gives_up_asks_nobody_any_more(accounts: list[Any]) -> None:
    ended = Counter[str]()

    async def question(account: Any) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended[account.name] += 1

    asking = asyncio.create_task(Answers(patience=timedelta(hours=1)).of("anna", accounts, question))
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)
    assert ended == {"north": 1, "south": 1}


async def test_a_silent_cloud_does_not_keep_what_another_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "PATIENCE", SHORT)
    known = fakes.Clouds()
    known.add(fakes.Cloud("south"))
    own = CallerClouds(LocalAccounts(known))  # type: ignore[arg-type]
    mute = Mute("north")
    found, account = await own.holding(ANNA, None, mute)
    assert (found, account.name) == ("from south", "south")

    async def only_north(account: Any) -> str:
        if account.name == "south":
            mute.speak.set()
            raise NotFound("not here")
        return await mute(account)

    mute.speak.clear()
    found, account = await own.holding(ANNA, None, only_north)
    assert (found, account.name) == ("from north", "north")
