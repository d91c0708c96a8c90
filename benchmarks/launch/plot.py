"""The picture of a race: time, calls and processor time over the number of servers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

from benchmarks.launch import report
from benchmarks.launch.lap import Lap

PANELS: tuple[tuple[str, Callable[[Lap], float | None]], ...] = (
    ("seconds until all is there", lambda lap: lap.seconds),
    ("plumbing calls", lambda lap: lap.calls),
    ("processor seconds, client and service", lambda lap: lap.client_cpu + lap.service_cpu),
)


def draw(laps: Sequence[Lap], *, to: Path, title: str) -> None:
    """Write the picture of the cold laps as PNG and SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot

    of = {key: group for key, group in report.groups(laps).items() if key[2] == "cold"}
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(15, 5.5), layout="constrained")
    for axis, (name, value) in zip(axes, PANELS, strict=True):
        for who in dict.fromkeys(key[1] for key in of):
            points = [
                (count, number)
                for (count, other, _), group in sorted(of.items())
                if other == who and (number := group.median(value)) is not None
            ]
            style = {"color": "black", "linestyle": ":"} if who == "floor" else {}
            heavy = 2.5 if who.startswith("Enamel") else 1.2
            axis.plot(*zip(*points, strict=True), marker="o", linewidth=heavy, label=who, **style)
        axis.set(xscale="log", yscale="log", xlabel="servers", title=name)
        axis.set_xticks(
            sorted({key[0] for key in of}), [str(count) for count in sorted({key[0] for key in of})]
        )
        axis.grid(visible=True, which="both", alpha=0.2)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=len(names), fontsize="small", frameon=False
    )
    figure.suptitle(f"From one request to servers with {title} (cold)")
    for kind in ("png", "svg"):
        figure.savefig(
            to.with_suffix(f".{kind}"), dpi=110, metadata={"Date": None} if kind == "svg" else None
        )
    pyplot.close(figure)
