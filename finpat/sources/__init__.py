"""Export files -> canonical rows and rejects.

`open_source` looks at a file, `detect_mapping` or `load_mapping` says what its columns mean, `read_batches`
reads it.
"""

from finpat.sources.convert import Batch
from finpat.sources.inspection import Inspection, Question, inspect_source, propose_mapping, with_answers
from finpat.sources.mapping import Mapping, load_mapping, ready_mappings, to_toml
from finpat.sources.reading import detect_mapping, read_batches
from finpat.sources.source import Source, open_source

__all__ = [
    "Batch",
    "Inspection",
    "Mapping",
    "Question",
    "Source",
    "detect_mapping",
    "inspect_source",
    "load_mapping",
    "open_source",
    "propose_mapping",
    "read_batches",
    "ready_mappings",
    "to_toml",
    "with_answers",
]
