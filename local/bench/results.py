"""What the benchmark found: medians and spread, as text, as JSON, and beside the last committed result."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.bootstrap import ROOT

COMMITTED = ROOT / "docs" / "bench.json"
"""The last committed results, by class of machine."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Several measurements of one thing."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """The figure of ``values``, at least one."""
        return cls(*(round(value, 3) for value in (statistics.median(values), min(values), max(values))))

    def __format__(self, spec: str) -> str:
        spread = f"{self.lowest:{spec}} to {self.highest:{spec}}"
        return f"{self.median:{spec}}" if self.lowest == self.highest else f"{self.median:{spec}} ({spread})"


@dataclass(frozen=True, slots=True)
class CpuRatio:
    """CPU of the worker for one document, and of one bare POST of the same payload, in one run. Milliseconds."""

    worker: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.worker / self.bare if self.bare else 0.0


def first_line(best: CpuRatio, of: int) -> str:
    """The benchmark's first figure."""
    return (
        f"Worker CPU per document : CPU of one bare httpx POST = {best.ratio:.2f}"
        f" ({best.worker:.2f} ms : {best.bare:.2f} ms, best of {of})"
    )


def as_json(machine: str, loads: Sequence[float | None], best: CpuRatio, figures: dict[str, Figure]) -> dict[str, Any]:
    """The result for programs; rates are documents per second, CPU is milliseconds."""
    return {
        "machine": machine,
        "load_before": loads[0],
        "load_after": loads[-1],
        "cpu_ratio": round(best.ratio, 2),
        "worker_cpu_ms": round(best.worker, 2),
        "bare_cpu_ms": round(best.bare, 2),
        "figures": {name: asdict(figure) for name, figure in figures.items()},
    }


def compared(result: dict[str, Any], committed: Path = COMMITTED) -> list[str]:
    """Sentences on how ``result`` differs from the last committed one of the same class of machine."""
    known = json.loads(committed.read_text(encoding="utf-8")) if committed.exists() else {}
    before = known.get(result["machine"])
    if before is None:
        return [f"No result of this class of machine ({result['machine']}) is committed."]
    lines = [f"Last committed on this class of machine: CPU ratio {before['cpu_ratio']}, now {result['cpu_ratio']}."]
    for name, figure in result["figures"].items():
        if name in before["figures"]:
            lines.append(f"{name}: {before['figures'][name]['median']} before, {figure['median']} now.")
    return lines


def commit(result: dict[str, Any], committed: Path = COMMITTED) -> None:
    """Keep ``result`` as the last one of its class of machine."""
    known = json.loads(committed.read_text(encoding="utf-8")) if committed.exists() else {}
    text = json.dumps({**known, result["machine"]: result}, indent=2, sort_keys=True)
    committed.write_text(f"{text}\n", encoding="utf-8")
