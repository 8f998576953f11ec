"""The analysts' dashboard, a Dash application over the published read model.

It reads `finpat.readmodel` and writes casework; it never opens the store. Its pages are not built yet.
"""
