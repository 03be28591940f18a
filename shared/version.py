"""The product's version; the only place that has it."""

VERSION = "1.0.0"
