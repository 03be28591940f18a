"""The benchmark: the pipeline against a sequential script and against the bare TaxJar calls, as ratios in one run."""

from __future__ import annotations

from local.bench.run import main

__all__ = ["main"]
