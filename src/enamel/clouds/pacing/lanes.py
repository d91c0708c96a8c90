"""The lanes before a service of a cloud: who is next, when more want to call than may.

The projects take turns, whatever each of them has in line. Within a project the lanes go in their order: writes, reads,
waits, clean-up; but one that was passed over often enough gets its turn. Within a lane the tasks take turns.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping

from enamel.model.call_context import Lane

PASSED_OVER = 4
"""After how many turns of more urgent lanes a less urgent one gets a turn: none starves."""


class Turn:
    """Somebody in line."""

    def __init__(self, *, project: str, task: str, lane: Lane) -> None:
        self.project = project
        self.task = task
        self.lane = lane
        self.in_line = False
        self.entered = False
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Line:
    """One lane of one project."""

    def __init__(self) -> None:
        self.passed_over = 0
        self._tasks: OrderedDict[str, deque[Turn]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def push(self, turn: Turn) -> None:
        self._tasks.setdefault(turn.task, deque()).append(turn)

    def pop(self) -> Turn:
        task, turns = next(iter(self._tasks.items()))
        turn = turns.popleft()
        if turns:
            self._tasks.move_to_end(task)
        else:
            del self._tasks[task]
        self.passed_over = 0
        return turn

    def remove(self, turn: Turn) -> None:
        turns = self._tasks[turn.task]
        turns.remove(turn)
        if not turns:
            del self._tasks[turn.task]


class _Project:
    """All lanes of one project."""

    def __init__(self) -> None:
        self.lines = {lane: _Line() for lane in Lane}

    def __bool__(self) -> bool:
        return any(self.lines.values())

    def pop(self) -> Turn:
        full = [line for line in self.lines.values() if line]
        chosen = next((line for line in reversed(full) if line.passed_over >= PASSED_OVER), full[0])
        for line in full[full.index(chosen) + 1 :]:
            line.passed_over += 1
        return chosen.pop()


class Lanes:
    """Everybody in line before one service."""

    def __init__(self) -> None:
        self._projects: OrderedDict[str, _Project] = OrderedDict()
        self._waiting = dict.fromkeys(Lane, 0)

    def __bool__(self) -> bool:
        """Tell whether anybody is in line."""
        return bool(self._projects)

    @property
    def waiting(self) -> Mapping[Lane, int]:
        """Return how many are in each lane."""
        return self._waiting

    def push(self, turn: Turn) -> None:
        """Put somebody at the end of their line."""
        self._projects.setdefault(turn.project, _Project()).lines[turn.lane].push(turn)
        self._waiting[turn.lane] += 1
        turn.in_line = True

    def pop(self) -> Turn:
        """Take the one who is next out of line."""
        name, project = next(iter(self._projects.items()))
        turn = project.pop()
        self._projects.move_to_end(name)
        self._left(turn)
        return turn

    def clear(self) -> list[Turn]:
        """Take everybody out of line."""
        gone = []
        while self:
            gone.append(self.pop())
        return gone

    def remove(self, turn: Turn) -> None:
        """Take somebody out of line who has given up."""
        if turn.in_line:
            self._projects[turn.project].lines[turn.lane].remove(turn)
            self._left(turn)

    def _left(self, turn: Turn) -> None:
        self._waiting[turn.lane] -= 1
        turn.in_line = False
        if not self._projects[turn.project]:
            del self._projects[turn.project]
