"""Movement: where persons and clusters of adverts were, day by day, and what cities look like week by week.

`build_movement` makes the circuits of one run: days, stays, how adverts and spending agree, and money paid in
here and spent there. Frames in, frames out.
"""

from finpat.movement.circuits import Movement, build_movement
from finpat.movement.hotspots import NOT_MEANT, SERIES, Hotspots, build_hotspots
from finpat.movement.tables import movement_tables

__all__ = [
    "NOT_MEANT", "SERIES", "Hotspots", "Movement", "build_hotspots", "build_movement", "movement_tables",
]  # fmt: skip
