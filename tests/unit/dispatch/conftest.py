"""The wires that the environment has, for the tests of what goes over them."""

import os
from collections.abc import Callable

import pytest

from enamel.dispatch.transport import Transport


def notify() -> Transport:
    from enamel.dispatch.notify import Notify

    return Notify(os.environ["ENAMEL_TEST_POSTGRESQL"])


def rabbit() -> Transport:
    from enamel.dispatch.rabbit import Rabbit

    return Rabbit(os.environ["ENAMEL_TEST_RABBITMQ"])


def on(make: Callable[[], Transport], variable: str) -> object:
    missing = pytest.mark.skipif(
        not os.environ.get(variable), reason=f"{variable} names no server to test on"
    )
    return pytest.param(make, id=make.__name__, marks=(pytest.mark.integration, missing))


@pytest.fixture(params=[on(notify, "ENAMEL_TEST_POSTGRESQL"), on(rabbit, "ENAMEL_TEST_RABBITMQ")])
def wire(request: pytest.FixtureRequest) -> Callable[[], Transport]:
    """Return what connects one more process."""
    make: Callable[[], Transport] = request.param
    return make
