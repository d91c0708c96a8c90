"""The fence: no change without a lease."""

import pytest

from enamel.clouds import fence
from enamel.model.errors import LeaseLost


def test_a_change_needs_the_lease_where_there_is_one() -> None:
    fence.check()
    with fence.within(lambda: True):
        fence.check()
    with fence.within(lambda: False), pytest.raises(LeaseLost):
        fence.check()
    fence.check()
