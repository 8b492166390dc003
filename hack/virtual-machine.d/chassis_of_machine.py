"""The power button of the virtual machine, as ipmi_sim presses it; lab.d/chassis.py says how it is called."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'lab.d'))
import chassis  # noqa: E402
import mainboard  # noqa: E402

chassis.main(mainboard, *sys.argv[1:])
