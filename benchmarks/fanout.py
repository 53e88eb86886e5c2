"""Measures deliveries per second of a server's CPU, against peers: python -m benchmarks.fanout [--plot FILE.svg].

Eight publishers post as fast as they get responses, with at most 64 messages on their way to some watcher. chatr stores
each message on the disk before it is delivered; the others store nothing. Rounds are interleaved, and ratios are formed
within a round.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
from attrs import asdict

from benchmarks.load import Run, run_load
from benchmarks.servers import available_servers

Runs = Mapping[tuple[str, int], Sequence[Run]]
"""The runs of each server with each number of watchers, one for each round."""


def per_cpu(run: Run) -> float:
    """Return the deliveries per second of the server's CPU."""
    return run.deliveries / run.cpu


def measure(watchers: Sequence[int], seconds: float, rounds: int) -> Runs:
    """Measure every server with every number of watchers, once in each round."""
    servers = available_servers()
    measured: dict[tuple[str, int], list[Run]] = {(name, count): [] for count in watchers for name in servers}
    for _ in range(rounds):
        for (name, count), runs in measured.items():
            with servers[name]() as server:
                runs.append(run_load(server, count, seconds))
            print(f"{name}, {count} watchers: {per_cpu(runs[-1]):,.0f} deliveries/CPU-s", file=sys.stderr, flush=True)
    return measured


def print_rows(measured: Runs) -> list[dict[str, object]]:
    """Print a table of medians and return its rows."""
    print(f"{'server':28}{'watchers':>9}{'deliveries/CPU-s':>18}{'of chatr':>9}{'p50 ms':>8}{'lost':>6}{'orders':>7}")
    rows = []
    for (name, count), runs in measured.items():
        shares = [per_cpu(run) / per_cpu(ours) for run, ours in zip(runs, measured["chatr", count], strict=True)]
        row = {
            "server": name,
            "watchers": count,
            "deliveries_per_cpu_s": round(median(map(per_cpu, runs))),
            "of_chatr": round(median(shares), 2),
            "p50_ms": round(median(run.p50 for run in runs), 1),
            "lost": max(run.lost for run in runs),
            "orders": max(run.orders for run in runs),
        }
        rows.append(row)
        print(
            f"{name:28}{count:>9}{row['deliveries_per_cpu_s']:>18,}{row['of_chatr']:>9}{row['p50_ms']:>8}"
            f"{row['lost']:>6}{row['orders']:>7}" + bottleneck(runs)
        )
    return rows


def bottleneck(runs: Sequence[Run]) -> str:
    """Return a remark if this program was the bottleneck, which spoils latencies but not the server's CPU seconds."""
    return "   (the load generator was busy all the time)" if median(run.busy for run in runs) > 0.9 else ""


def plot(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Draw bars for each number of watchers, in grey on a transparent ground that suits paper and dark screens."""
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
    """Measure and print a table, then its rows and all runs as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    options = parser.parse_args()
    measured = measure(options.watchers, options.seconds, options.rounds)
    rows = print_rows(measured)
    if options.plot:
        plot(rows, options.plot)
    runs = [
        {"server": name, "watchers": count, **asdict(run)} for (name, count), runs in measured.items() for run in runs
    ]
    print(json.dumps({"rows": rows, "runs": runs}))


if __name__ == "__main__":
    main()
