"""The data dictionary says what a published file holds; tests/test_docs.py compares the document itself."""

from __future__ import annotations

import duckdb

from finpat.config import Settings
from finpat.features import build_features
from finpat.readmodel import schema
from finpat.readmodel.dictionary import data_dictionary, feature_columns
from tests import factory
from tests.readmodel.published import publish_sample


def test_the_published_features_are_the_declared_ones_with_their_types(tmp_path):
    features = build_features(factory.ledger({}, {"direction": "debit"}), Settings(threads=1))
    with duckdb.connect(
        str(publish_sample(tmp_path, account_features=features)), read_only=True
    ) as connection:
        published = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE table_name = 'account_features' ORDER BY column_index"
        ).fetchall()
    assert published == [("account_id", "VARCHAR"), *((c.name, c.type) for c in feature_columns())]


def test_every_table_has_its_key_and_order_among_its_columns():
    for table in schema.TABLES:
        assert {*table.key, *table.order} <= set(table.names), table.name


def test_the_document_has_a_line_for_every_column():
    text = data_dictionary()
    for table in schema.TABLES:
        assert f"## rm.{table.name}\n" in text
        for column in table.columns:
            assert f"| `{column.name}` | `{column.type}` | {column.doc} |" in text
    for column in feature_columns():
        assert f"| `{column.name}` | `{column.type}` |" in text
