"""Networks: who belongs together, and the patterns that money makes between persons."""

from finpat.networks.networks import Networks, build_networks, network_tables

__all__ = ["Networks", "build_networks", "network_tables"]
