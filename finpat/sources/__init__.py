"""Export files -> canonical rows and rejects.

`open_source` looks at a file, `detect_mapping` or `load_mapping` says what its columns mean, `read_batches`
reads it.
"""

from finpat.sources.convert import Batch
from finpat.sources.mapping import Mapping, load_mapping, ready_mappings, to_toml
from finpat.sources.reading import detect_mapping, read_batches
from finpat.sources.source import Source, open_source

__all__ = [
    "Batch",
    "Mapping",
    "Source",
    "detect_mapping",
    "load_mapping",
    "open_source",
    "read_batches",
    "ready_mappings",
    "to_toml",
]
