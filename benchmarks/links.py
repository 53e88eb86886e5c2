"""Measures how many texts of each corpus `contains_url` takes for links, and its cost: python benchmarks/links.py."""

import json
import re
from pathlib import Path
from statistics import quantiles
from time import perf_counter_ns

from chatr.domain.limits import CONTENT_LENGTH
from chatr.domain.links import contains_url

CORPORA = Path(__file__).parent.parent / "tests" / "domain" / "corpora"
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


def texts_of(corpus: Path) -> list[str]:
    """Return the texts in a corpus: every line but the first, which describes it."""
    _, *lines = corpus.read_text(encoding="utf-8").splitlines()
    return [ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), line) for line in lines]


def microseconds(text: str) -> float:
    """Return how long `contains_url` takes for a text."""
    start = perf_counter_ns()
    contains_url(text)
    return (perf_counter_ns() - start) / 1000


def main() -> None:
    """Measure and print a table, then its shares and the costs as JSON."""
    print(f"{'corpus':24} {'samples':>7} {'refused':>7} {'share':>7}")
    messages, shares = [], {}
    for corpus in sorted(CORPORA.glob("*.txt")):
        texts = texts_of(corpus)
        rejected = sum(map(contains_url, texts))
        # The cost is that of the longest messages: texts are repeated to the length that is allowed.
        messages += [(text * CONTENT_LENGTH)[:CONTENT_LENGTH] for text in texts]
        shares[corpus.stem] = round(rejected / len(texts), 4)
        print(f"{corpus.stem:24} {len(texts):7} {rejected:7} {shares[corpus.stem]:7.1%}")
    costs = quantiles([microseconds(message) for message in messages * 10], n=100)
    print(f"\n{CONTENT_LENGTH} characters: median {costs[49]:.0f} us, p99 {costs[98]:.0f} us")
    print(json.dumps({"refused": shares, "median_us": round(costs[49], 1), "p99_us": round(costs[98], 1)}))


if __name__ == "__main__":
    main()
