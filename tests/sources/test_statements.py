"""Statement formats: camt, MT940 and MT942, OFX, BAI2, QIF."""

from datetime import datetime
from textwrap import dedent

import polars as pl
import pytest

from finpat.config import Settings
from finpat.errors import AmbiguousSourceError, SourceError
from finpat.sources import detect_mapping, load_mapping, open_source, read_batches
from finpat.sources.inspection import inspect_source
from finpat.sources.mapping import parse_mapping, read_mapping, to_toml
from finpat.sources.statements import read_statement
from finpat.sources.statements.entries import is_iban


class Read:
    """A file as read: rows as dictionaries (extra columns among them), rejects, notes."""

    def __init__(self, path, mapping=None):
        source = open_source(path)
        batches = list(read_batches(source, mapping or detect_mapping(source, "transactions"), Settings()))
        frame = pl.concat([batch.rows for batch in batches])
        self.rows = [{**(row.pop("extra", None) or {}), **row} for row in frame.to_dicts()]
        self.rejects = pl.concat([batch.rejects for batch in batches]).to_dicts()
        self.notes = [note for batch in batches for note in batch.notes]
        assert sum(batch.source_rows for batch in batches) == len(self.rows) + len(self.rejects)

    def column(self, name):
        return [row[name] for row in self.rows]


def read(path, text, mapping=None):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Read(path, mapping)


# ------------------------------------------------------------------------------------------------- camt

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def camt(*entries, version="053.001.08", root="BkToCstmrStmt", statement="Stmt", balances="", account=None):
    account = account or "<IBAN>DE02120300000000202051</IBAN>"
    return (
        f'{HEAD}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}"><{root}>'
        f"<GrpHdr><MsgId>M1</MsgId></GrpHdr><{statement}><Id>S1</Id><Acct><Id>{account}</Id><Ccy>EUR</Ccy></Acct>"
        f"{balances}\n" + "\n".join(entries) + f"\n</{statement}></{root}></Document>\n"
    )


def entry(amount="10.00", side="CRDT", details="", more="", booked="<Dt>2026-03-05</Dt>", currency="EUR"):
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}'
        f"<BookgDt>{booked}</BookgDt>{details}</Ntry>"
    )


def payment(amount=None, reference=None, side=None, dbtr="", cdtr="", text=""):
    refs = f"<Refs><AcctSvcrRef>{reference}</AcctSvcrRef></Refs>" if reference else ""
    amt = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    ind = f"<CdtDbtInd>{side}</CdtDbtInd>" if side else ""
    parties = "".join(
        f"<{role}><Pty><Nm>{name}</Nm></Pty></{role}>"
        + (f"<{role}Acct><Id><IBAN>{iban}</IBAN></Id></{role}Acct>" if iban else "")
        for role, (name, _, iban) in (("Dbtr", dbtr.partition("|")), ("Cdtr", cdtr.partition("|")))
        if name
    )
    return (
        f"<TxDtls>{refs}{amt}{ind}<RltdPties>{parties}</RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    )


def batch(*payments):
    return f"<NtryDtls>{''.join(payments)}</NtryDtls>"


MULLER, SHOP = "FR1420041010050500013M02606", "NL91ABNA0417164300"


def test_a_camt_entry_is_a_row_with_its_account_side_party_and_line(tmp_path):
    details = batch(
        payment(dbtr=f"Ana Muller|{MULLER}", cdtr="Holder|DE02120300000000202051", text="rent  may")
    )
    more = "<Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>BANK-000001</AcctSvcrRef>"
    found = read(tmp_path / "a.xml", camt(entry("1250.5", details=details, more=more)))
    (row,) = found.rows
    assert row["booked_at"] == datetime(2026, 3, 5)
    assert row["time_precision"] == "day"
    assert (row["account_id"], row["direction"], row["amount_minor"], row["currency"]) == (
        "DE02120300000000202051", "credit", 125050, "EUR",
    )  # fmt: skip
    assert (row["counterparty_id"], row["counterparty_name"]) == (MULLER, "Ana Muller")
    assert row["description"] == "rent may"
    assert row["transaction_id"] == "BANK-000001"
    assert row["source_line"] == 3


@pytest.mark.parametrize(
    ("version", "root", "statement"),
    [
        ("052.001.02", "BkToCstmrAcctRpt", "Rpt"),
        ("053.001.02", "BkToCstmrStmt", "Stmt"),
        ("053.001.13", "BkToCstmrStmt", "Stmt"),
        ("054.001.04", "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    ],
)
def test_reports_statements_and_notifications_of_any_version_read_alike(tmp_path, version, root, statement):
    text = camt(entry(), version=version, root=root, statement=statement)
    assert read(tmp_path / "a.xml", text).column("amount_minor") == [1000]


def test_the_party_of_a_debit_is_who_is_paid_and_old_versions_name_it_without_pty(tmp_path):
    parties = payment(dbtr=f"Ana|{MULLER}", cdtr=f"Shop|{SHOP}").replace("<Pty>", "").replace("</Pty>", "")
    text = camt(entry(side="DBIT", details=batch(parties)), version="053.001.02")
    (row,) = read(tmp_path / "a.xml", text).rows
    assert (row["direction"], row["counterparty_id"], row["counterparty_name"]) == ("debit", SHOP, "Shop")


def test_a_reversal_keeps_its_direction_and_names_the_party_of_the_payment_it_takes_back(tmp_path):
    parties = batch(payment(dbtr="Holder|DE02120300000000202051", cdtr=f"Shop|{SHOP}"))
    text = camt(entry(side="CRDT", more="<RvslInd>true</RvslInd>", details=parties))
    (row,) = read(tmp_path / "a.xml", text).rows
    assert (row["direction"], row["counterparty_id"], row["reversal"]) == ("credit", SHOP, "true")


def test_a_batch_entry_is_split_into_its_payments_which_keep_the_entry_s_id(tmp_path):
    parts = batch(
        payment("4.00", "PART-0001", dbtr=f"Ana|{MULLER}"),
        payment("6.50", "PART-0002", dbtr=f"Bo|{SHOP}"),
        payment("0.50", "PART-0003", side="DBIT", cdtr="Bank"),
    )
    text = camt(entry("10.00", details=parts, more="<AcctSvcrRef>BATCH-77</AcctSvcrRef>"))
    found = read(tmp_path / "a.xml", text)
    assert found.column("amount_minor") == [400, 650, 50]
    assert found.column("direction") == ["credit", "credit", "debit"]
    assert found.column("transaction_id") == ["PART-0001", "PART-0002", "PART-0003"]
    assert found.column("counterparty_id") == [MULLER, SHOP, None]
    assert set(found.column("entry_id")) == {"BATCH-77"}


def test_payments_that_do_not_make_up_their_entry_leave_it_whole_and_stay_named(tmp_path):
    parts = batch(payment("4.00", dbtr=f"Ana|{MULLER}"), payment("5.00", dbtr=f"Bo|{SHOP}"))
    (row,) = read(tmp_path / "a.xml", camt(entry("10.00", details=parts))).rows
    assert (row["amount_minor"], row["counterparty_id"], row["payments_in_entry"]) == (1000, None, "2")
    assert row["parties_in_entry"] == f"{MULLER} Ana; {SHOP} Bo"


def test_the_amount_of_a_single_payment_is_the_entry_s_and_the_original_currency_is_kept(tmp_path):
    details = (
        '<NtryDtls><TxDtls><AmtDtls><InstdAmt><Amt Ccy="USD">120.00</Amt><CcyXchg><XchgRate>1.2</XchgRate>'
        "</CcyXchg></InstdAmt></AmtDtls></TxDtls></NtryDtls>"
    )
    (row,) = read(tmp_path / "a.xml", camt(entry("100.00", details=details))).rows
    assert (row["amount_minor"], row["currency"]) == (10000, "EUR")
    assert (row["original_amount"], row["original_currency"], row["exchange_rate"]) == (
        "120.00",
        "USD",
        "1.2",
    )


def test_statements_of_several_accounts_and_currencies_in_one_file_stay_apart(tmp_path):
    one = camt(entry())
    usd = camt(entry(currency="USD", side="DBIT"), account="<Othr><Id>US-1</Id></Othr>")
    inner = usd[usd.index("<Stmt>") : usd.index("</BkToCstmrStmt>")]
    found = read(tmp_path / "a.xml", one.replace("</BkToCstmrStmt>", inner + "</BkToCstmrStmt>"))
    assert found.column("account_id") == ["DE02120300000000202051", "US-1"]
    assert found.column("currency") == ["EUR", "USD"]


def test_booking_instants_become_utc_and_those_without_offset_are_on_the_mapping_s_clock(tmp_path):
    text = camt(
        entry(booked="<DtTm>2026-07-01T13:15:00+02:00</DtTm>"),
        entry(booked="<DtTm>2026-07-01T13:15:00</DtTm>"),
        entry(booked="<DtTm>2026-07-01T11:15:00.250Z</DtTm>"),
        entry(booked="<Dt>2026-07-01</Dt>"),
    )
    mapping = load_mapping("camt")
    time = {**mapping.time.model_dump(exclude_defaults=True), "zone": "Europe/Berlin"}
    berlin = parse_mapping({**mapping.model_dump(exclude_defaults=True), "time": time}, "berlin")
    found = read(tmp_path / "a.xml", text, berlin)
    noon = datetime(2026, 7, 1, 11, 15)
    assert found.column("booked_at") == [noon, noon, noon.replace(microsecond=250_000), datetime(2026, 7, 1)]
    assert found.column("time_precision") == ["second", "second", "second", "day"]


@pytest.mark.parametrize("status", ["<Sts>PDNG</Sts>", "<Sts><Cd>FUTR</Cd></Sts>"])
def test_entries_that_are_announced_are_pending_and_leave_their_reference_to_the_booking(tmp_path, status):
    reference = "<AcctSvcrRef>2026-REF-9</AcctSvcrRef>"
    found = read(tmp_path / "a.xml", camt(entry(more=reference), entry("7.00", more=status + reference)))
    assert found.column("amount_minor") == [1000, 700]
    assert found.column("status") == [None, "pending"]
    assert found.column("transaction_id") == ["2026-REF-9", None]
    assert found.rejects == []


def test_entries_that_only_inform_are_set_aside_with_their_text(tmp_path):
    found = read(tmp_path / "a.xml", camt(entry(), entry("7.00", more="<Sts><Cd>INFO</Cd></Sts>")))
    assert found.column("amount_minor") == [1000]
    (reject,) = found.rejects
    assert reject["reason"] == "not_booked"
    assert reject["source_line"] == 4
    assert ">7.00</Amt>" in reject["raw"]


def test_an_entry_with_a_bad_amount_is_rejected_and_the_others_are_read(tmp_path):
    found = read(
        tmp_path / "a.xml", camt(entry("1.00123"), entry("NaN"), entry("3.00000"), entry(currency="ZZQ"))
    )
    assert found.column("amount_minor") == [300]
    assert [r["reason"] for r in found.rejects] == ["too_many_decimals", "not_finite", "unknown_currency"]
    assert "1.00123" in found.rejects[0]["raw"]


def test_a_reference_is_an_id_only_where_it_is_long_enough_and_alone_in_the_file(tmp_path):
    refs = ["SAME-REF-1", "SAME-REF-1", "00017", "NOTPROVIDED", "OWN-REF-1"]
    text = camt(
        *[entry(f"{n + 1}.00", more=f"<AcctSvcrRef>{ref}</AcctSvcrRef>") for n, ref in enumerate(refs)]
    )
    found = read(tmp_path / "a.xml", text)
    assert found.column("transaction_id") == [None, None, None, None, "OWN-REF-1"]
    assert found.column("reference") == ["SAME-REF-1", "SAME-REF-1", "00017", None, "OWN-REF-1"]


@pytest.mark.parametrize(
    ("family", "sub", "channel"),
    [("CCRD", "POSD", "card"), ("CCRD", "CWDL", "atm"), ("CNTR", "CDPT", "cash"), ("RCHQ", "OTHR", "cheque"),
     ("ICDT", "ESCT", "transfer"), ("ICDT", "CHRG", "fee"), ("MISC", "OTHR", "other")],
)  # fmt: skip
def test_the_bank_transaction_code_tells_the_channel(tmp_path, family, sub, channel):
    code = f"<Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly>"
    code = f"<BkTxCd><Domn><Cd>PMNT</Cd>{code}</Domn></BkTxCd>"
    (row,) = read(tmp_path / "a.xml", camt(entry(more=code))).rows
    assert row["channel"] == channel
    assert row["counterparty_id"] == ("CASH" if channel in ("cash", "atm") else None)
    assert row["bank_transaction_code"] == f"PMNT/{family}/{sub}"


def balance(code, amount, side="CRDT"):
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd></Bal>'
    )


@pytest.mark.parametrize(("closing", "said"), [("3.00", False), ("13.00", True)])
def test_a_statement_whose_entries_do_not_lead_to_its_closing_balance_is_told(tmp_path, closing, said):
    balances = balance("OPBD", "2.00", "DBIT") + balance("CLBD", closing)
    found = read(tmp_path / "a.xml", camt(entry("15.00"), entry("10.00", side="DBIT"), balances=balances))
    told = [note for note in found.notes if "closing balance" in note]
    assert bool(told) == said
    assert all("statement S1" in note and "10.00 EUR" in note for note in told)


def test_lines_are_right_far_down_a_long_file_and_pieces_do_not_change_the_rows(tmp_path):
    text = camt("\n" * 70_000 + entry(), entry("2.00").replace("<Amt", "\n\n<Amt"), entry("3.00"))
    path = tmp_path / "a.xml"
    assert read(path, text).column("source_line") == [70_003, 70_004, 70_007]
    pieces = list(read_statement(open_source(path), rows=1))
    assert [piece.frame["amount"].to_list() for piece in pieces if piece.frame.height] == [
        ["10.00"],
        ["2.00"],
        ["3.00"],
    ]


def test_files_in_other_encodings_and_compressed_ones_are_read(tmp_path):
    import gzip

    text = camt(entry(details=batch(payment(dbtr=f"Zoë|{MULLER}"))))
    for name, data in {
        "latin.xml": text.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        "wide.xml": text.replace("UTF-8", "UTF-16").encode("utf-16"),
        "small.xml.gz": gzip.compress(text.encode()),
    }.items():
        assert read(tmp_path / name, data).column("counterparty_name") == ["Zoë"]


HOSTILE = {
    "entities that multiply": '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    "an entity from a file": '<!DOCTYPE d [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
    "an outside document type": '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd">',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_xml_with_a_document_type_is_refused(tmp_path, kind):
    body = camt(entry(details=batch(payment(text="&c;" if "ENTITY" in HOSTILE[kind] else ""))))
    with pytest.raises(SourceError, match="declares a document type"):
        read(tmp_path / "a.xml", body.replace(HEAD, HEAD + HOSTILE[kind]))


def test_a_cut_off_file_is_one_clear_error(tmp_path):
    text = camt(entry(), entry())
    with pytest.raises(SourceError, match=r"a\.xml line \d+: the XML is cut off or damaged") as refused:
        read(tmp_path / "a.xml", text[: text.rindex("</Ntry>")])
    assert "\n" not in str(refused.value)


def test_other_xml_and_web_pages_are_refused(tmp_path):
    path = tmp_path / "a.xml"
    for text in (HEAD + "<invoice/>", "<html><body>Please log in</body></html>"):
        path.write_text(text)
        with pytest.raises(SourceError, match="no bank statement"):
            open_source(path)


# ------------------------------------------------------------------------------------------------- MT940

MT940 = dedent("""\
    {1:F01BANKDEFFAXXX0000000000}{2:I940BANKDEFFXXXXN}{4:
    :20:STARTUMS
    :25:12030000/0000202051
    :28C:00012/001
    :60F:C260228EUR1000,00
    :61:2603020302CR27,5NTRFNONREF//BANKREF0001
    :86:166?00GUTSCHRIFT?20EREF+E2E-4711?21SVWZ+Rent for the flat in?22 May
    ?30BANKFRPP?31FR1420041010050500013M02606?32Ana Muller
    :61:2603030302DR100,00NCHKCHEQUE 17
    second line
    :86:paid by cheque
    :61:260305RC0000000004,NMSCNONREF
    :61:260306RD1,25NCHGNONREF//X1
    :62F:C260306EUR924,75
    -}
    """)


def test_a_statement_line_is_a_row_with_booking_day_side_party_and_line(tmp_path):
    found = read(tmp_path / "a.sta", MT940)
    first = found.rows[0]
    assert first["booked_at"] == datetime(2026, 3, 2)
    assert (first["account_id"], first["currency"], first["amount_minor"]) == (
        "12030000/0000202051",
        "EUR",
        2750,
    )
    assert (first["counterparty_id"], first["counterparty_name"]) == (MULLER, "Ana Muller")
    assert first["description"] == "Rent for the flat in May"
    assert first["end_to_end_id"] == "E2E-4711"
    assert first["transaction_id"] == "BANKREF0001"
    assert found.column("source_line") == [6, 9, 12, 13]
    assert found.column("channel") == ["transfer", "cheque", "other", "fee"]
    assert found.rows[1]["description"] == "second line paid by cheque"
    assert found.rows[1]["value_date"] == "2026-03-03"


def test_a_reversed_credit_takes_money_out_and_the_balances_agree(tmp_path):
    found = read(tmp_path / "a.sta", MT940)
    assert found.column("direction") == ["credit", "debit", "debit", "credit"]
    assert found.column("reversal") == [None, None, "true", "true"]
    assert not [note for note in found.notes if "balance" in note]
    broken = read(tmp_path / "b.sta", MT940.replace("924,75", "924,85"))
    assert [note for note in broken.notes if "0.10 EUR are missing" in note]


def test_a_booking_day_lies_in_the_year_next_to_its_value_day(tmp_path):
    text = MT940.replace(":61:2603020302CR", ":61:2601021231CR").replace(
        ":61:2603030302DR", ":61:2512310102DR"
    )
    assert read(tmp_path / "a.sta", text).column("booked_at")[:2] == [
        datetime(2025, 12, 31),
        datetime(2026, 1, 2),
    ]


def test_lines_that_cannot_be_read_are_rejected_with_what_belongs_to_them(tmp_path):
    text = MT940.replace("DR100,00NCHK", "DR1oo,00NCHK").replace("2603020302CR", "2602300230CR")
    found = read(tmp_path / "a.sta", text)
    assert sorted((r["source_line"], r["reason"]) for r in found.rejects) == [
        (6, "impossible_date"), (9, "malformed_entry"),
    ]  # fmt: skip
    assert len(found.rows) == 2
    assert any("paid by cheque" in reject["raw"] for reject in found.rejects)


def test_an_interim_report_takes_its_currency_from_the_floor_limit_and_sets_expected_money_aside(tmp_path):
    text = dedent("""\
        \x01
        :20:ST1
        :25:PL61109010140000071219812874
        :28C:1/1
        :34F:PLND0,
        :13D:2603051815+0100
        :61:2603050305C10,NTRFNONREF
        :61:2603060306EC20,NTRFNONREF
        -\x03
        """)
    found = read(tmp_path / "a.sta", text)
    assert found.column("currency") == ["PLN"]
    assert [r["reason"] for r in found.rejects] == ["not_booked"]


def test_dutch_words_and_plain_text_are_told_apart(tmp_path):
    words = ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J. de Vries"
    words += "/REMI/Huur mei/EREF/E-1"
    text = MT940.replace(":86:paid by cheque", words[:65] + "\n" + words[65:])
    row = read(tmp_path / "a.sta", text).rows[1]
    assert (row["counterparty_id"], row["counterparty_name"]) == ("NL91ABNA0417164300", "J. de Vries")
    assert row["description"] == "second line Huur mei"
    assert row["end_to_end_id"] == "E-1"


# ------------------------------------------------------------------------------------------------- OFX

OFX_SGML = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
ENCODING:USASCII
CHARSET:1252

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>111000025<ACCTID>44 5566<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST>
<STMTTRN><TRNTYPE>POS<DTPOSTED>20260305122017.000[-5:EST]<TRNAMT>-6.60<FITID>26-001<NAME>A &amp; B</STMTTRN>
<STMTTRN><TRNTYPE>XFER<DTPOSTED>20260306<TRNAMT>100,5<FITID>2026030600001
<BANKACCTTO><BANKID>111<ACCTID>778899<ACCTTYPE>SAVINGS</BANKACCTTO><NAME>Ana</STMTTRN>
<STMTTRN><TRNTYPE>ATM<DTPOSTED>20260307<TRNAMT>-2O<FITID>2026030700001</STMTTRN>
<STMTTRN><TRNTYPE>CASH<DTPOSTED>20260308<TRNAMT>-40<FITID>2026030800001</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>382.34<DTASOF>20260308</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def test_ofx_transactions_are_read_with_account_side_and_line(tmp_path):
    found = read(tmp_path / "a.ofx", OFX_SGML)
    first, second, cash = found.rows
    assert first["booked_at"] == datetime(2026, 3, 5, 17, 20, 17)
    assert (first["account_id"], first["currency"], first["direction"], first["amount_minor"]) == (
        "44 5566", "USD", "debit", 660,
    )  # fmt: skip
    assert first["counterparty_name"] == "A & B"
    assert first["transaction_id"] == "26-001"
    assert found.column("source_line") == [10, 11, 14]
    assert (second["counterparty_id"], second["amount_minor"], second["direction"]) == (
        "778899",
        10050,
        "credit",
    )
    assert second["account_id"] == "44 5566"
    assert found.column("channel") == ["card", "transfer", "cash"]
    assert cash["counterparty_id"] == "CASH"


def test_one_bad_amount_does_not_refuse_the_file(tmp_path):
    (reject,) = read(tmp_path / "a.ofx", OFX_SGML).rejects
    assert (reject["source_line"], reject["column"], reject["reason"]) == (13, "amount", "not_a_number")
    assert "<TRNAMT>-2O" in reject["raw"]


def test_ofx_as_xml_with_pending_trades_and_other_currencies(tmp_path):
    text = dedent("""\
        <?xml version="1.0" encoding="UTF-8"?>
        <?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE"?>
        <OFX><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>EUR</CURDEF>
        <CCACCTFROM><ACCTID>4111</ACCTID></CCACCTFROM><BANKTRANLIST>
        <STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260305101500[+5.5:IST]</DTPOSTED><TRNAMT>-9.00</TRNAMT>
        <FITID>1</FITID><CURRENCY><CURRATE>0.01</CURRATE><CURSYM>INR</CURSYM></CURRENCY></STMTTRN>
        <STMTTRNP><TRNTYPE>DEBIT</TRNTYPE><TRNAMT>-3.00</TRNAMT></STMTTRNP>
        </BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1>
        <INVSTMTRS><INVTRANLIST><BUYSTOCK><INVBUY><INVTRAN><FITID>9</FITID></INVTRAN></INVBUY></BUYSTOCK>
        </INVTRANLIST></INVSTMTRS></OFX>
        """)
    found = read(tmp_path / "a.ofx", text)
    (row,) = found.rows
    assert row["booked_at"] == datetime(2026, 3, 5, 4, 45)
    assert (row["currency"], row["account_id"], row["transaction_id"]) == ("INR", "4111", None)
    assert [r["reason"] for r in found.rejects] == ["not_booked", "not_a_payment"]


def test_an_ofx_file_without_its_end_is_cut_off(tmp_path):
    with pytest.raises(SourceError, match="without </OFX>"):
        read(tmp_path / "a.ofx", OFX_SGML[: OFX_SGML.index("<LEDGERBAL>")])


# ------------------------------------------------------------------------------------------------- BAI2

BAI2 = dedent("""\
    01,122099999,123456789,260305,0200,1,80,1,2/
    02,123456789,122099999,1,260304,2359,USD,2/
    03,0012345,,010,500000,,,100,150075,2,Z/
    88,400,2500,1,/
    16,195,150000,V,260305,,BANKREF01,CUST1,WIRE FROM ANA, PARIS
    88,SECOND LINE OF TEXT/
    16,142,75,Z,,,ACH/ 16,475,2500,Z,,,CHECK 17/
    49,805150,6/
    03,778,JPY,010,5/
    16,495,1200,0,BANKREF02,,/
    16,890,0,0,,,MESSAGE/
    16,475,12.50,0,,,HALF/
    49,5,3/
    98,805155,2,12/
    99,805155,1,14/
    """)


def test_bai2_details_are_rows_on_the_as_of_day_with_exact_minor_units(tmp_path):
    found = read(tmp_path / "a.bai", BAI2)
    assert found.column("booked_at") == [datetime(2026, 3, 4)] * 4
    assert found.column("account_id") == ["0012345"] * 3 + ["778"]
    assert found.column("amount_minor") == [150_000, 75, 2_500, 120_000]
    assert found.column("currency") == ["USD"] * 3 + ["JPY"]
    assert found.column("direction") == ["credit", "credit", "debit", "debit"]
    assert found.column("channel") == ["transfer", "transfer", "cheque", "transfer"]
    assert found.column("source_line") == [5, 7, 7, 10]
    assert found.rows[0]["description"] == "WIRE FROM ANA, PARIS SECOND LINE OF TEXT"
    assert (found.rows[0]["transaction_id"], found.rows[0]["value_date"]) == ("BANKREF01", "2026-03-05")
    assert not [note for note in found.notes if "may be" in note]


def test_bai2_details_without_a_side_or_in_fractions_are_rejected(tmp_path):
    found = read(tmp_path / "a.bai", BAI2)
    assert [(r["source_line"], r["reason"]) for r in found.rejects] == [
        (11, "unknown_direction"), (12, "malformed_entry"),
    ]  # fmt: skip


def test_a_bai2_file_that_contradicts_its_totals_or_lacks_its_trailer_is_told(tmp_path):
    notes = read(tmp_path / "a.bai", BAI2.replace("16,142,75,", "16,142,76,").split("99,805155")[0]).notes
    assert any("account 0012345: its credit entries differ by 1 minor units" in note for note in notes)
    assert any("record 99" in note for note in notes)


# ------------------------------------------------------------------------------------------------- QIF

QIF = dedent("""\
    !Account
    NChecking
    TBank
    ^
    !Type:Bank
    D{first}
    T-1,000.00
    PLandlord
    Mrent
    L[Savings]
    SHousing
    $-900.00
    SPower
    Eelectricity
    $-100.00
    ^
    D{second}
    U25.5
    ^
    !Type:Cat
    NFood
    ^
    """)


def euros(**more):
    ready = load_mapping("qif").model_dump(exclude_defaults=True)
    return parse_mapping(
        {**ready, **more, "columns": {**ready["columns"], "currency": {"constant": "EUR"}}}, "euros"
    )


def test_a_qif_record_is_one_row_with_its_splits(tmp_path):
    found = read(tmp_path / "a.qif", QIF.format(first="1/13'26", second=" 2/ 1'26"), euros())
    first, second = found.rows
    assert (first["booked_at"], second["booked_at"]) == (datetime(2026, 1, 13), datetime(2026, 2, 1))
    assert (first["account_id"], first["direction"], first["amount_minor"]) == ("Checking", "debit", 100_000)
    assert (first["counterparty_id"], first["counterparty_name"]) == ("Savings", "Landlord")
    assert first["splits"] == "Housing -900.00; Power electricity -100.00"
    assert (second["direction"], second["amount_minor"], second["source_line"]) == ("credit", 2550, 17)


def test_where_day_and_month_could_be_either_the_reader_is_asked(tmp_path):
    with pytest.raises(AmbiguousSourceError, match=r"time\.formats"):
        read(tmp_path / "a.qif", QIF.format(first="1/2/26", second="3/4/26"), euros())
    stated = euros(time={"formats": ["%d/%m/%y"]})
    found = read(tmp_path / "a.qif", QIF.format(first="1/2/26", second="3/4/26"), stated)
    assert found.column("booked_at") == [datetime(2026, 2, 1), datetime(2026, 4, 3)]


def test_what_a_qif_file_does_not_state_is_asked_for_and_can_be_answered(tmp_path):
    path = tmp_path / "a.qif"
    path.write_text(QIF.format(first="1/2/26", second="3/4/26"))
    found = inspect_source(path)
    assert [question.option for question in found.questions] == ["time.formats", "columns.currency"]
    with pytest.raises(AmbiguousSourceError, match="day or the month first"):
        found.mapping()
    mapping = found.mapping({"time.formats": '["%d/%m/%y"]', "columns.currency": "EUR"})
    rows = Read(path, mapping).rows
    assert [row["booked_at"] for row in rows] == [datetime(2026, 2, 1), datetime(2026, 4, 3)]
    path.write_text(QIF.format(first="1/13/26", second="3/4/26").split("^\n", 1)[1])
    assert [question.option for question in inspect_source(path).questions] == [
        "columns.currency", "columns.account_id",
    ]  # fmt: skip


def test_a_qif_file_that_ends_inside_a_record_is_cut_off(tmp_path):
    with pytest.raises(SourceError, match="inside a record"):
        read(tmp_path / "a.qif", QIF.format(first="1/13/26", second="3/4/26").split("U25.5")[0], euros())


# ------------------------------------------------------------------------------------------------- all


def test_statement_mappings_are_written_out_and_read_back(tmp_path):
    for name in ("camt", "mt940", "ofx", "bai2", "qif"):
        path = tmp_path / f"{name}.toml"
        path.write_text(to_toml(load_mapping(name)))
        assert read_mapping(path) == load_mapping(name)


def test_an_iban_is_told_by_its_check_digits():
    assert is_iban(MULLER)
    assert not is_iban(MULLER.replace("0500", "0501"))
    assert not is_iban("50070010/0175526300")
