"""The step builder: makes a step of a plan's node, and the context in which it runs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from enamel.clouds import accounts
from enamel.flow import evaluation, expressions
from enamel.flow import plan as plans
from enamel.flow.graph import Graph
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node
from enamel.flow.runtime import Runtime
from enamel.model import errors
from enamel.model.item import Item
from enamel.steps.step import Context, Step


class StepBuilder:
    """Builds the steps of one task."""

    def __init__(self, graph: Graph, journal: TaskJournal, tools: Runtime) -> None:
        self._graph = graph
        self._journal = journal
        self._tools = tools

    async def step(self, node: Node) -> Step:
        """Return a node's step with its inputs evaluated. Raises PlanUnreadable, SecretMissing, CloudError."""
        references = list(expressions.paths(node.inputs, "secret"))
        texts = {reference: (await self._tools.secrets.get(reference)).decode() for reference in references}
        try:
            sources = evaluation.Sources(
                outputs=_Outputs(self._journal.items), placement=self.alternative(node), secrets=texts
            )
            inputs = evaluation.resolve(node.inputs, sources)
        except IndexError as exc:
            needed = ", ".join(f"'{path}'" for path in expressions.paths(node.inputs, "ref"))
            raise errors.CloudError(
                f"Step '{node.name}' needs {needed}, and the cloud has told less than that.",
                remedy="Look at the resource on the cloud; restart the task when the cloud shows the whole of it.",
            ) from exc
        except KeyError as exc:
            raise errors.PlanUnreadable(
                f"Step '{node.name}' refers to something that does not exist: {exc}"
            ) from exc
        return plans.step_of(node, inputs)

    def alternative(self, node: Node) -> Mapping[str, Any]:
        """Return the placement in which a node's group is tried."""
        if node.group is None:
            return {}
        return self._graph.groups[node.group].alternatives[self._journal.task.groups.get(node.group, 0)]

    def context(self, node: Node) -> Context:
        """Return what a step works with."""
        task = self._journal.task
        clouds = self._tools.accounts.of(task.credential)

        def tell(type: str, data: dict[str, Any]) -> None:
            self._journal.tell(type, node.name, {**self._journal.label(node.group), **data})

        return Context(
            cloud=clouds.get(node.cloud or task.cloud, project=node.project),
            task=task.id,
            mark=plans.mark(task.id, node.name, alternative=self._graph.placement(node, task.groups)),
            now=self._tools.now,
            sleep=self._tools.sleep,
            tell=tell,
            note=lambda text: self._journal.note(node.name, text),
            prober=self._tools.prober,
            elsewhere=partial(accounts.resolve, clouds),
            step=plans.step,
            started_at=self._journal.items[node.name].started_at or self._tools.now(),
            receive=partial(self._tools.signals.receive, task.id),
        )


class _Outputs(Mapping[str, Mapping[str, Any]]):
    """The outputs of the steps that have any, read in place: a plan of thousands of steps is not copied."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        outputs = self._items[name].outputs
        if not outputs:
            raise KeyError(name)
        return outputs

    def __iter__(self) -> Iterator[str]:
        return (name for name, step in self._items.items() if step.outputs)

    def __len__(self) -> int:
        return sum(1 for _ in self)
