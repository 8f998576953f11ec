"""Networks: who belongs together, and the patterns that money makes between persons."""
