"""finpat: finds accounts worth a look in transaction exports, with reasons and evidence rows."""

__version__ = "0.1.0"
