"""Deliveries for each second of a server's CPU, against peers: python -m benchmarks.fanout [--plot FILE.svg].

Eight publishers speak as fast as they are answered, with at most 64 messages on their way to some watcher. chatr stores
each message on the disk before it is delivered; the others store nothing. Rounds are interleaved, and ratios are formed
within one.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
from attrs import asdict

from benchmarks.load import Run, run
from benchmarks.servers import compared

Runs = Mapping[tuple[str, int], Sequence[Run]]


def per_cpu(each: Run) -> float:
    return each.deliveries / each.cpu


def measured(watchers: Sequence[int], seconds: float, rounds: int) -> Runs:
    servers = compared()
    found: dict[tuple[str, int], list[Run]] = {(name, count): [] for count in watchers for name in servers}
    for _ in range(rounds):
        for (name, count), runs in found.items():
            with servers[name]() as server:
                runs.append(run(server, count, seconds))
            print(f"{name}, {count} watchers: {per_cpu(runs[-1]):,.0f} deliveries/CPU-s", file=sys.stderr, flush=True)
    return found


def table(runs: Runs) -> list[dict[str, object]]:
    print(f"{'server':28}{'watchers':>9}{'deliveries/CPU-s':>18}{'of chatr':>9}{'p50 ms':>8}{'lost':>6}{'orders':>7}")
    rows = []
    for (name, count), each in runs.items():
        shares = [per_cpu(one) / per_cpu(ours) for one, ours in zip(each, runs["chatr", count], strict=True)]
        row = {
            "server": name,
            "watchers": count,
            "deliveries_per_cpu_s": round(median(map(per_cpu, each))),
            "of_chatr": round(median(shares), 2),
            "p50_ms": round(median(one.p50 for one in each), 1),
            "lost": max(one.lost for one in each),
            "orders": max(one.orders for one in each),
        }
        rows.append(row)
        print(
            f"{name:28}{count:>9}{row['deliveries_per_cpu_s']:>18,}{row['of_chatr']:>9}{row['p50_ms']:>8}"
            f"{row['lost']:>6}{row['orders']:>7}" + bottleneck(each)
        )
    return rows


def bottleneck(runs: Sequence[Run]) -> str:
    """Where time and latency say more of this program than of the server; its CPU seconds are its own all the same."""
    return "   (the load generator was busy all the time)" if median(each.busy for each in runs) > 0.9 else ""


def plot(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Grey on nothing: to be read on paper and on a dark screen."""
    grey, names = "#7f7f7f", list(dict.fromkeys(str(row["server"]) for row in rows))
    counts = list(dict.fromkeys(row["watchers"] for row in rows))
    plt.rcParams.update({"text.color": grey, "axes.labelcolor": grey, "xtick.color": grey, "ytick.color": grey})
    figure, axes = plt.subplots(
        1, len(counts), figsize=(4.2 * len(counts), 0.45 * len(names) + 1), sharey=True, squeeze=False
    )
    for axis, count in zip(axes[0], counts, strict=True):
        values = [row["deliveries_per_cpu_s"] for row in rows if row["watchers"] == count]
        bars = axis.barh(names, values, color=["#d9480f" if name == "chatr" else grey for name in names])
        axis.bar_label(bars, [f"{value:,}" for value in values], padding=3, color=grey)
        axis.set_title(f"{count:,} watchers", color=grey, fontsize=11)
        axis.margins(x=0.25)
        axis.set_xticks([])
        axis.spines[:].set_visible(False)
    axes[0][0].invert_yaxis()
    figure.supxlabel("deliveries for each second of the server's CPU", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, transparent=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    options = parser.parse_args()
    runs = measured(options.watchers, options.seconds, options.rounds)
    rows = table(runs)
    if options.plot:
        plot(rows, options.plot)
    print(
        json.dumps(
            {
                "rows": rows,
                "runs": [{"server": n, "watchers": c, **asdict(r)} for (n, c), rs in runs.items() for r in rs],
            }
        )
    )


if __name__ == "__main__":
    main()
