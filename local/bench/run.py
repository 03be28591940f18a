"""Runs the benchmark and prints its tables in Markdown."""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
from collections.abc import Mapping, Sequence

from local.bench import ledger
from local.bench.machine import BUSY, load, machine_class
from local.bench.measure import Comparison, compare, running_bench
from local.bench.results import Figure, as_json, commit, compared, first_line
from shared.connector import CALLS_AT_ONCE


def main(arguments: list[str]) -> int:
    """Measure and print. Returns 0."""
    parser = argparse.ArgumentParser("python3 -m local bench")
    parser.add_argument("--documents", type=int, default=600, help="documents per run of the pipeline")
    parser.add_argument("--latencies", default="0,50,300", help="milliseconds that TaxJar takes, by commas")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each")
    parser.add_argument("--memory", default="1000", help="numbers of documents at which peak memory is taken")
    parser.add_argument("--commit", action="store_true", help="keep the result in docs/bench.json")
    parser.add_argument("--ledger", type=int, help="instead: what reads cost with a history of so many documents")
    parser.add_argument("--day", type=int, help="instead: what polls cost with so many documents of today")
    options = parser.parse_args(arguments)
    if options.ledger:
        return ledger.main("ledger_reads", options.ledger)
    if options.day:
        return ledger.main("ledger_day", options.day)
    latencies = [int(part) for part in options.latencies.split(",")]
    loads = [load()]
    if loads[0] is not None and loads[0] > BUSY:
        _say(f"The machine is busy (load {loads[0]}): the ratios hold roughly, the rates do not.")
    runs = {latency: _repeated(options.documents, latency, options.repeat) for latency in latencies}
    best = min((found.cpu for found in runs[latencies[0]]), key=lambda cpu: cpu.ratio)
    _say(first_line(best, options.repeat))
    _tell_setting(options.documents)
    figures = _tell_rates(runs)
    _tell_costs(runs)
    figures["event to TaxJar, s"] = _tell_delays()
    for size in [int(part) for part in options.memory.split(",") if part]:
        with running_bench() as bench:
            peak = bench.pipeline(size).peak
        _say(f"Peak memory of the worker after {size} documents in one poll: {peak:.0f} MB.")
    loads.append(load())
    result = as_json(machine_class(), loads, best, figures)
    _say(f"Load before {loads[0]}, after {loads[-1]} (the benchmark's own included). {machine_class()}.")
    for line in compared(result):
        _say(line)
    _say(f"bench-result {json.dumps(result)}")
    if options.commit:
        commit(result)
    return 0


def _repeated(documents: int, latency: int, times: int) -> list[Comparison]:
    found = []
    for _ in range(times):
        with running_bench() as bench:
            found.append(compare(bench, documents, latency))
    return found


def _tell_setting(documents: int) -> None:
    _say(f"{documents} documents a run; host, Azurite and the simulators share the machine;")
    client = "TaxJar's own client" if importlib.util.find_spec("taxjar") else "httpx (taxjar is not installed)"
    _say(f"the script is sequential, with {client}; the ceiling is httpx alone, {CALLS_AT_ONCE} calls at once.")
    _say("Medians of the runs, with the lowest and the highest.\n")


def _tell_rates(runs: Mapping[int, Sequence[Comparison]]) -> dict[str, Figure]:
    _say("| TaxJar latency | pipeline : script | pipeline : ceiling | pipeline | script | ceiling |")
    _say("|---:|---:|---:|---:|---:|---:|")
    figures = {}
    for latency, found in runs.items():
        to_script = Figure.of([each.run.rate / each.script for each in found])
        to_ceiling = Figure.of([each.run.rate / each.ceiling for each in found])
        rates = (Figure.of([each.run.rate for each in found]), Figure.of([each.script for each in found]))
        ceilings = Figure.of([each.ceiling for each in found])
        _say(
            f"| {latency} ms | {to_script:.1f} | {to_ceiling:.2f}"
            f" | {rates[0]:.0f}/s | {rates[1]:.0f}/s | {ceilings:.0f}/s |"
        )
        figures[f"pipeline : script at {latency} ms"] = to_script
        figures[f"pipeline : ceiling at {latency} ms"] = to_ceiling
    return figures


def _tell_costs(runs: Mapping[int, Sequence[Comparison]]) -> None:
    _say("\n| TaxJar latency | TaxJar calls | OData calls | table calls | worker CPU | bare POST | simulators CPU |")
    _say("|---:|---:|---:|---:|---:|---:|---:|")
    for latency, found in runs.items():
        each = [comparison.run for comparison in found]
        calls = [
            Figure.of([value / run.documents for run, value in zip(each, values, strict=True)])
            for values in ([r.taxjar for r in each], [r.odata for r in each], [r.tables for r in each])
        ]
        worker, bare = Figure.of([c.cpu.worker for c in found]), Figure.of([c.cpu.bare for c in found])
        simulators = Figure.of([1000 * run.simulators_cpu / run.documents for run in each])
        _say(
            f"| {latency} ms | {calls[0]:.2f} | {calls[1]:.2f} | {calls[2]:.2f}"
            f" | {worker:.1f} ms | {bare:.1f} ms | {simulators:.1f} ms |"
        )


def _tell_delays() -> Figure:
    with running_bench() as bench:
        bench.taxjar_latency(50)
        delays = bench.delays(20)
        first = bench.first(300)
    _say("\nCalls and CPU are per document. From the business event of one document until TaxJar, at 50 ms, has it:")
    _say(f"median {statistics.median(delays):.2f} s, 95 % {statistics.quantiles(delays, n=20)[-1]:.2f} s.")
    _say(f"From the start of a poll of 300 documents until TaxJar has the first: {first:.2f} s.\n")
    return Figure.of(delays)


def _say(text: str) -> None:
    print(text, flush=True)
