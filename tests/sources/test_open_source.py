import gzip

import polars as pl
import pyarrow as pa
import pytest

from finpat.errors import SourceError
from finpat.sources import open_source

TEXT = "date,text,amount\n2026-01-02,café,1.50\n"


def put(path, data):
    path.write_bytes(data)
    return path


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


BAD = {
    "empty": (b"", "the file is empty"),
    "only blank lines": (b"\n\n  \n", "the file is empty"),
    "truncated gzip": (gzip.compress(TEXT.encode() * 500)[:-9], "cut off or damaged"),
    "gzip of nothing": (gzip.compress(b""), "the file is empty"),
    "binary": (bytes(range(256)) * 20, "a binary file"),
    "ZIP archive": (b"PK\x03\x04" + bytes(100), "ZIP archive"),
    "Excel workbook that is damaged": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "Excel workbook cannot be read",
    ),
    "PDF": (b"%PDF-1.7\n" + bytes(range(255)), "a PDF"),
    "truncated Parquet": (b"PAR1" + bytes(200), "the Parquet file is cut off"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_refused_in_one_line_with_its_name(tmp_path, case):
    data, message = BAD[case]
    path = put(tmp_path / "export.csv", data)
    with pytest.raises(SourceError, match=message) as refused:
        open_source(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_truncated_zstd_file_is_refused(tmp_path):
    with pytest.raises(SourceError, match="cut off"):
        open_source(put(tmp_path / "x.csv.zst", zstd(TEXT.encode() * 5000)[:-7]))


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        open_source(tmp_path / "nothing.csv")
    with pytest.raises(SourceError, match="is a folder"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_encodings_are_found_and_read_without_loss(tmp_path, codec, found):
    source = open_source(put(tmp_path / "x.csv", TEXT.encode(codec)))
    assert source.encoding == found
    assert b"".join(source.text()).decode() == TEXT


def test_the_whole_file_decides_the_encoding(tmp_path):
    rows = b"2026-01-02,shop,1.50\n" * 100_000
    source = open_source(put(tmp_path / "x.csv", rows + "2026-01-03,café,1.50\n".encode("cp1252")))
    assert source.encoding == "cp1252"


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_compressed_files_read_like_plain_ones(tmp_path, pack):
    source = open_source(put(tmp_path / "x.csv", pack(TEXT.encode())))
    assert source.kind == "delimited"
    assert b"".join(source.blocks(7)).decode() == TEXT


def test_kinds_are_told_by_content_not_by_name(tmp_path):
    assert open_source(put(tmp_path / "a.txt", b'[{"a": 1}]')).kind == "json"
    assert open_source(put(tmp_path / "b.txt", b'{"a": 1}\n{"a": 2}\n')).kind == "ndjson"
    assert open_source(put(tmp_path / "c.txt", b'{\n "rows": [{"a": 1}]}')).kind == "json"
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "d.csv")
    assert open_source(tmp_path / "d.csv").kind == "parquet"


def test_equal_bytes_have_equal_fingerprints(tmp_path):
    one, two = (open_source(put(tmp_path / name, TEXT.encode())) for name in ("a", "b"))
    assert one.sha256 == two.sha256 != open_source(put(tmp_path / "c", TEXT.encode() + b"x,y,z\n")).sha256
