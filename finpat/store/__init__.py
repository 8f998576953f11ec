"""The workspace and what it keeps: a DuckDB catalogue and one immutable Parquet segment per loaded file.

`workspace` finds and locks the folder, `load` takes files in, `payments` gives rows to a run, `quarantine`
gives bad rows back to be corrected, `quality` and `doctor` judge data and folder, `sql` shows the rows to
people who write SQL.
"""
