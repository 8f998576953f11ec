"""Generated documents are those of this very commit."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


@pytest.mark.parametrize("name", build.DOCUMENTS)
def test_a_generated_document_equals_the_file(name):
    path = ROOT / "docs" / name
    assert path.read_text(encoding="utf-8") == build.DOCUMENTS[name](), "run: python run.py docs"
