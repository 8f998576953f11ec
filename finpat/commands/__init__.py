"""What each command does: parse, call one function, print. `finpat.cli` puts them under their names.

Nothing heavy is imported at module level: `finpat --help` and every usage error answer at once.
"""
