"""Measurements of quality, planning and cost: `python -m benchmarks.quality --help` and siblings."""
