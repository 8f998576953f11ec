"""Look-alikes of export layouts, read with no more than the answers that only a person can give."""

from decimal import Decimal

import polars as pl
import pytest

from finpat.config import Settings
from finpat.errors import AmbiguousSourceError
from finpat.money import from_minor
from finpat.sources import detect_mapping, inspect_source, open_source, propose_mapping, read_batches

ACCOUNT = {"columns.account_id": "AC-1"}
EUROS = {**ACCOUNT, "columns.currency": "EUR"}


def ingest(path, mapping):
    batches = list(read_batches(open_source(path), mapping, Settings()))
    return pl.concat([b.rows for b in batches]), pl.concat([b.rejects for b in batches]), batches


def read_text(tmp_path, text, answers=None, encoding="utf-8"):
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    return ingest(path, inspect_source(path, "transactions").mapping(answers or {}))


def signed(rows):
    return [
        from_minor(amount if direction == "credit" else -amount, currency)
        for amount, direction, currency in rows.select("amount_minor", "direction", "currency").iter_rows()
    ]


LAYOUTS = {
    "German, semicolons, decimal comma, CP1252": (
        "Auftragskonto;Buchungstag;Verwendungszweck;Beguenstigter/Zahlungspflichtiger;Betrag;Waehrung\n"
        "DE01;22.02.18;Müsli;Bäcker;-1.036,99;EUR\nDE01;23.02.18;Lohn;Firma;2.500,00;EUR\n",
        {},
        "cp1252",
        ["-1036.99", "2500.00"],
        "2018-02-22",
    ),
    "French, two amount columns": (
        "Date opération;Libellé;Débit;Crédit;Devise\n2026-04-02;Loyer;1234,56;;EUR\n"
        "2026-04-05;Salaire;;3500,00;EUR\n",
        ACCOUNT,
        "utf-8",
        ["-1234.56", "3500.00"],
        "2026-04-02",
    ),
    "Spanish, UTF-16": (
        "Fecha;Concepto;Importe;Moneda;Cuenta\n2026-04-02;Alquiler;-1.234,56;EUR;ES91\n"
        "2026-04-09;Café;-4,50;EUR;ES91\n",
        {},
        "utf-16",
        ["-1234.56", "-4.50"],
        "2026-04-02",
    ),
    "Dutch card, signed amount beside credit and debit": (
        "kredietkaart;datum verrichting;bedrag;credit;debet;munt;Handelaar\n"
        "1111222233334444;13/02/2020;-16,52;;-16,52;EUR;X\n1111222233334444;24/01/2020;35,77;35,77;;EUR;Y\n",
        {},
        "utf-8",
        ["-16.52", "35.77"],
        "2020-01-24",
    ),
    "Singapore, letterhead, currency in the header, text in a second line": (
        "Account details for:,SAVER Account 123-456789-001\n"
        'Ledger Balance,"1,234.56"\n\nTransaction History\n'
        "Transaction date,Value date,Description,Withdrawals (SGD),Deposits (SGD)\n"
        "18/04/2018,18/04/2018,DEBIT PURCHASE,6.66,\n,,15/04/18 SHOP\n17/04/2018,17/04/2018,SALARY,,66.00\n",
        {},
        "utf-8",
        ["-6.66", "66.00"],
        "2018-04-17",
    ),
    "dollars in the cells, no header": (
        '24/12/2009,Check 122,-$76.00\n24/12/2009,Refund,"+$1,327.49"\n25/12/2009,Shop,($85.00)\n',
        {**ACCOUNT, "columns.currency": "USD", "amount.thousands": ","},
        "utf-8",
        ["-76.00", "1327.49", "-85.00"],
        "2009-12-24",
    ),
    "card with inverted signs, told by its type column": (
        "2013/01/17,DEBIT,PHONE AUCKLAND,30.00\n2013/01/19,CREDIT,PAYMENT RECEIVED,-500.00\n"
        "2013/01/20,DEBIT,SHOP,4.60\n",
        {**ACCOUNT, "columns.currency": "NZD"},
        "utf-8",
        ["-30.00", "500.00", "-4.60"],
        "2013-01-17",
    ),
    "totals below the table": (
        "Datum;Text;Betrag;Währung\n01.02.2026;A;-1,50;EUR\n15.02.2026;B;2,00;EUR\nSumme;;0,50;EUR\n",
        ACCOUNT,
        "utf-8",
        ["-1.50", "2.00"],
        "2026-02-01",
    ),
    "Czech, tabs, spaces as thousands": (
        "Datum zaúčtování\tPopis\tČástka\tMěna\tČíslo účtu\n18.09.2017\tNájem\t-12 500,00\tCZK\t1/0800\n"
        "19.09.2017\tMzda\t30 100,50\tCZK\t1/0800\n",
        {},
        "utf-8",
        ["-12500.00", "30100.50"],
        "2017-09-18",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(tmp_path, name):
    text, answers, encoding, amounts, first = LAYOUTS[name]
    rows, rejects, _ = read_text(tmp_path, text, answers, encoding)
    assert rejects.rows() == []
    assert signed(rows) == [Decimal(value) for value in amounts]
    assert str(rows["booked_at"].min().date()) == first
    assert rows["time_precision"].unique().to_list() == ["day"]
    assert rows["account_id"].null_count() == 0


def test_text_in_a_second_line_joins_the_description_of_its_row(tmp_path):
    text, answers, *_ = LAYOUTS["Singapore, letterhead, currency in the header, text in a second line"]
    rows, _, batches = read_text(tmp_path, text, answers)
    assert rows["description"].to_list() == ["DEBIT PURCHASE 15/04/18 SHOP", "SALARY"]
    assert rows["source_line"].to_list() == [6, 8]
    assert sum(batch.source_rows for batch in batches) == 2
    assert rows["account_id"].unique().to_list() == ["123-456789-001"]


def questions(tmp_path, text):
    path = tmp_path / "export.csv"
    path.write_text(text)
    return [question.option for question in inspect_source(path, "transactions").questions]


HEAD = "Date,Text,Amount,Currency,Account\n"


def test_dates_that_read_both_ways_over_the_whole_file_are_asked_about(tmp_path):
    assert questions(tmp_path, HEAD + "01/02/2026,A,-1.50,EUR,X1\n03/04/2026,B,2.00,EUR,X1\n") == [
        "time.formats"
    ]


def test_one_late_date_settles_the_order_for_the_file(tmp_path):
    rows = "01/02/2026,A,-1.50,EUR,X1\n" * 60_000 + "13/02/2026,B,2.00,EUR,X1\n"
    assert questions(tmp_path, HEAD + rows) == []


def test_the_account_column_of_a_long_file_is_taken_as_found(tmp_path):
    rows = "".join(f"13/02/2026,A,-1.50,EUR,X{number % 7}\n" for number in range(6_000))
    assert questions(tmp_path, HEAD + rows) == []


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ("2026-02-13,A,-1.234,KWD,X1\n", ["amount.decimal"]),
        ("2026-02-13,A,1.50,EUR,X1\n", ["amount.sign"]),
        ("2026-02-13 10:30:00,A,-1.50,EUR,X1\n", ["time.zone"]),
        ("2026-02-13,A,-1.50,,X1\n", ["columns.currency"]),
        ("2026-02-13,A,-1.50,EUR,\n", ["columns.account_id"]),
        ("2026-02-13T10:30:00Z,A,-1.50,EUR,X1\n", []),
    ],
)
def test_what_the_file_leaves_open_is_asked_and_nothing_else(tmp_path, row, asked):
    assert questions(tmp_path, HEAD + row) == asked


def test_reading_with_an_open_question_names_the_key_that_settles_it(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(HEAD + "01/02/2026,A,-1.50,EUR,X1\n")
    with pytest.raises(AmbiguousSourceError, match=r"day or the month.*time\.formats"):
        propose_mapping(open_source(path), "transactions")
    with pytest.raises(AmbiguousSourceError, match=r"time\.formats"):
        inspect_source(path).mapping({})


READY = {
    "amlworld": (
        "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,"
        "Payment Currency,"
        "Payment Format,Is Laundering\n"
        "2022/09/01 00:20,010,8000EBD30,010,8000EBD31,3697.34,US Dollar,3697.34,US Dollar,"
        "Wire,0\n2022/09/01 00:26,001,8000F4580,1,8000F5340,0.010000,Bitcoin,0.010000,Bitcoin,Bitcoin,0\n",
        ["8000EBD30", "8000F4580"],
        [369734, 1000000],
        ["transfer", "crypto"],
    ),
    "paysim": (
        "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,"
        "isFraud,"
        "isFlaggedFraud\n1,PAYMENT,9839.64,C12,1.0,2.0,M19,0.0,0.0,0,0\n"
        "1,CASH_IN,100.50,C13,1.0,2.0,C99,0.0,0.0,0,0\n"
        "2,TRANSFER,5.00,C13,1.0,2.0,C12,0.0,0.0,0,0\n",
        ["C12", "C13", "C13"],
        [983964, 10050, 500],
        ["wallet", "cash", "p2p"],
    ),
    "saml_d": (
        "Time,Date,Sender_account,Receiver_account,Amount,Payment_currency,Received_currency,"
        "Sender_bank_location,"
        "Receiver_bank_location,Payment_type,Is_laundering,Laundering_type\n"
        "10:35:19,2022-10-07,8724731955,2769355426,1459.15,UK pounds,UK pounds,UK,UK,Cash Deposit,0,Normal\n",
        ["8724731955"],
        [145915],
        ["cash"],
    ),
    "berka": (
        '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"\n'
        '695247;2378;930101;"PRIJEM";"VKLAD";700.00;700.00;"";"";\n'
        '171812;576;930102;"VYDAJ";"PREVOD NA UCET";900.00;100.00;"SIPO";"AB";"123"\n',
        ["2378", "576"],
        [70000, 90000],
        ["cash", "transfer"],
    ),
    "amlsim": (
        "tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id\n"
        "1,53,7,TRANSFER,245.66,2017-01-01T00:00:00Z,False,-1\n",
        ["53"],
        [24566],
        ["transfer"],
    ),
    "two_sided_ledger": (
        "tx_id,ts,from_account,to_account,amount,currency,channel,mcc,city,country\n"
        "0,2026-01-01T00:30:07.099143,A1,A2,104.43,CHF,wire,,Bern,CH\n",
        ["A1"],
        [10443],
        ["transfer"],
    ),
}


@pytest.mark.parametrize("name", READY)
def test_well_known_layouts_are_recognised_and_read(tmp_path, name):
    text, accounts, minor, channels = READY[name]
    path = tmp_path / "x.csv"
    path.write_text(text)
    mapping = detect_mapping(open_source(path), "transactions")
    assert mapping.name == name
    rows, rejects, _ = ingest(path, mapping)
    assert rejects.rows() == []
    assert rows["account_id"].to_list() == accounts
    assert rows["amount_minor"].to_list() == minor
    assert rows["channel"].to_list() == channels


def test_cash_in_of_paysim_flows_from_the_agent_to_the_client(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(READY["paysim"][0])
    rows, _, _ = ingest(path, detect_mapping(open_source(path), "transactions"))
    assert rows.select("direction", "counterparty_id", "mirrored").rows() == [
        ("debit", "M19", False),
        ("credit", "C99", False),
        ("debit", "C12", True),
    ]
    assert str(rows["booked_at"][2]) == "2016-01-01 02:00:00"


def test_a_proposal_written_as_toml_reads_back_to_the_same_mapping(tmp_path):
    from finpat.sources import load_mapping

    path = tmp_path / "x.csv"
    path.write_text(LAYOUTS["French, two amount columns"][0])
    found = inspect_source(path)
    assert found.to_toml().startswith("# To settle: nothing says whose statement this is")
    mapping = found.mapping(ACCOUNT)
    from finpat.sources import to_toml

    (tmp_path / "own.toml").write_text(to_toml(mapping))
    assert load_mapping(tmp_path / "own.toml", "transactions") == mapping
