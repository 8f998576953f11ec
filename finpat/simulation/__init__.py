"""A simulated world: ordinary people, innocent look-alikes, and episodes as the advisories describe them.

It measures the indicators; none of their parameters is set by it. Everything in it is invented, and the same
seed gives the same world. An episode's difficulty says how far it departs from the book: 0 as written, 1
hardly to be seen.
"""

from finpat.simulation.scenarios import SCENARIOS
from finpat.simulation.world import Simulated, World, simulate
from finpat.simulation.writing import write_world

__all__ = ["SCENARIOS", "Simulated", "World", "simulate", "write_world"]
