"""Casework: alerts, notes, decisions and the audit trail, in a transactional database beside the read model.

It is written from the command line and the dashboard through this room and nothing else; it never opens a
run: what it needs of one is handed to it. `database.py` says how anything is changed, `tables.py` how a table
is added.
"""
