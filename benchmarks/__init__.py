"""Measurements of quality, planning and cost; each module runs as `python -m benchmarks.NAME`.

A calibration that the user keeps plays no part: figures are of the models' own defaults.
"""

import os
import tempfile

os.environ["RPG_CONFIG"] = os.path.join(tempfile.gettempdir(), "rpg-benchmarks", "no-calibration")
