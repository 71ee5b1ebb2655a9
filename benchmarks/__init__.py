"""Measurements of quality, planning and cost; each module runs as `python -m benchmarks.NAME`."""
