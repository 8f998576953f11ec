"""Write the generated documents; `python run.py docs` runs it, tests/test_docs.py compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from finpat.config import settings_table
from finpat.readmodel.dictionary import data_dictionary
from finpat.scheduled.document import queries_page

HERE = Path(__file__).resolve().parent

# Document -> what renders it.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "settings.md": settings_table,
    "data_dictionary.md": data_dictionary,
    "queries.md": queries_page,
}


def main() -> None:
    """Write every document whose text has changed."""
    for name, render in DOCUMENTS.items():
        path, text = HERE / name, render()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written {path}")  # noqa: T201


if __name__ == "__main__":
    main()
