"""Header words of bank, wallet and card exports in several languages, and what they stand for."""

from __future__ import annotations

import re
import unicodedata

# Canonical column (or key of a mapping's [columns]) -> header words, the most telling first.
HEADERS: dict[str, tuple[str, ...]] = {
    "transaction_id": (
        "transaction id", "tx id", "txid", "trans id", "payment id", "transaction number", "reference number",
        "transaction reference", "referencia", "reference", "ref", "referenz", "id transakce",
        "cislo transakce", "transaktionsnummer", "buchungsreferenz", "identifiant", "id", "hash", "tx hash",
        "document number", "numero do documento", "numero documento", "no de reference", "referentie",
    ),
    "booked_at": (
        "booked at", "transaction date", "date time", "datetime", "timestamp", "booking date", "posting date",
        "buchungstag", "buchungsdatum", "date operation", "date d operation", "fecha operacion",
        "fecha de operacion", "data operazione", "data movimento", "datum verrichting", "transactiedatum",
        "boekdatum", "datum zauctovani", "datum provedeni", "datum transakce", "transaktionsdatum",
        "bogforingsdato", "bokforingsdag", "data transakcji", "data operacji", "data da transacao",
        "data movimentacao", "started date", "created", "created at", "date", "datum", "fecha", "data",
        "dato", "paivamaara", "post date", "posted date", "completed date", "datum uhrzeit", "fecha valor",
        "valutadatum", "value date", "wertstellung", "date valeur", "data valuta", "ts", "time stamp",
        "settlement date", "date comptable", "kirjauspaiva", "dag", "when",
    ),
    "time": (
        "time", "uhrzeit", "heure", "hora", "ora", "tijd", "cas", "tid", "tidspunkt", "time of day",
        "klokkeslaet",
    ),
    "amount": (
        "amount", "betrag", "montant", "importe", "importo", "bedrag", "castka", "belob", "belopp", "valor",
        "kwota", "sum", "gross", "total", "umsatz", "net", "transaction amount", "quantity", "monto",
        "ammontare", "summa", "suma", "objem", "zaksiegowana kwota", "amount original", "value",
    ),
    "credit": (
        "credit", "credits", "deposit", "deposits", "credit amount", "haben", "gutschrift", "avere",
        "entrate", "haber", "abono", "abonos", "ingresos", "credito", "bij", "paid in", "money in",
        "recettes", "kredit", "in", "ind", "entradas", "deposit amount", "deposit amt", "accrediti",
        "amount in", "incoming",
    ),
    "debit": (
        "debit", "debits", "withdrawal", "withdrawals", "debit amount", "soll", "lastschrift", "dare",
        "uscite", "debe", "cargo", "cargos", "gastos", "debito", "debet", "af", "paid out", "money out",
        "depenses", "belastung", "out", "ud", "saidas", "withdrawal amount", "withdrawal amt", "addebiti",
        "amount out", "outgoing",
    ),
    "direction": (
        "direction", "credit debit", "credit debit indicator", "dr cr", "cr dr", "debit credit", "soll haben",
        "s h", "af bij", "sens", "signo", "cd", "d c", "type of entry", "smer", "af of bij",
        "credit or debit",
    ),
    "currency": (
        "currency", "ccy", "currency code", "waehrung", "wahrung", "devise", "moneda", "divisa", "valuta",
        "munt", "mena", "moeda", "waluta", "mna", "muntsoort", "curr",
    ),
    "balance_after": (
        "balance", "running balance", "balance after", "saldo", "kontostand", "solde", "zustatek",
        "saldo contable", "account balance", "available balance", "saldo nach buchung", "nieuw saldo",
        "saldo disponible",
    ),
    "description": (
        "description", "details", "memo", "narrative", "verwendungszweck", "libelle", "concepto",
        "descripcion", "descrizione", "omschrijving", "popis", "tekst", "historico", "descricao", "opis",
        "causale", "particulars", "remittance information", "buchungstext", "motif", "toelichting", "text",
        "note", "notes", "transaction details", "mededelingen", "zprava pro prijemce", "poznamka", "subject",
        "message", "item title", "transaction description", "beskrivelse", "vorgang", "communication",
        "intitule", "title",
    ),
    "counterparty_name": (
        "counterparty name", "counterparty", "beneficiary", "payee", "merchant", "merchant name", "name",
        "empfaenger", "empfanger", "beguenstigter zahlungspflichtiger", "beneficiaire", "beneficiario",
        "ordenante", "tegenpartij", "handelaar", "nazev protistrany", "nazev protiuctu", "modtager",
        "naam tegenpartij", "auftraggeber", "name zahlungsbeteiligter", "payer", "contrepartie",
        "controparte", "to from", "sender name", "afsender",
    ),
    "counterparty_id": (
        "counterparty id", "counterparty account", "counterparty iban", "kontonummer iban",
        "iban zahlungsbeteiligter", "beneficiary account", "protiucet", "cislo protiuctu", "tegenrekening",
        "iban tegenpartij", "compte contrepartie", "cuenta destino", "conto controparte", "addresses",
        "address", "wallet address", "to address", "kontonummer", "modkonto", "rekening tegenpartij",
        "other account", "gegenkonto",
    ),
    "account_id": (
        "account id", "account", "account number", "account no", "iban", "auftragskonto", "konto", "kontonr",
        "compte", "numero de compte", "cuenta", "conto", "rekening", "rekeningnummer", "ucet", "cislo uctu",
        "vlastni ucet", "conta", "iban auftragskonto", "rachunek", "bezeichnung auftragskonto", "own account",
        "card number", "kaartnummer", "kreditkarte", "kredietkaart", "wallet", "wallet id", "user id",
        "customer account",
    ),
    "channel": (
        "channel", "transaction type", "type", "payment type", "payment format", "transaktionstyp", "typ",
        "type operation", "tipo", "tipo operazione", "soort", "mutatiesoort", "typ transakce", "transaction",
        "kind", "method", "product",
    ),
    "merchant_category": (
        "merchant category code", "mcc", "merchant category", "mcc code",
    ),
    "city": (
        "city", "merchant city", "town", "stadt", "ville", "ciudad", "citta", "plaats", "mesto", "locatie",
        "ort",
    ),
    "country": (
        "country", "country code", "merchant country", "land", "pays", "pais", "paese", "zeme", "kraj",
    ),
    "device_id": (
        "device id", "device", "device identifier",
    ),
    "branch_id": (
        "branch id", "branch", "branch code", "terminal", "terminal id", "filiale", "agence", "sucursal",
        "atm id",
    ),
    "conductor_id": (
        "conductor id", "conductor", "conducted by", "depositor id", "depositor", "einzahler", "deposited by",
    ),
    "status": (
        "status", "state", "transaction status", "payment status", "booking status", "zustand", "etat",
    ),
    "ip": (
        "ip", "ip address", "source ip", "login ip",
    ),
    "from_id": (
        "from id", "from account", "sender", "sender account", "payer account", "source account", "orig",
        "nameorig", "from", "src", "originator", "sender id", "from wallet", "orig acct", "source",
    ),
    "to_id": (
        "to id", "to account", "receiver", "receiver account", "beneficiary account id",
        "destination account", "dest", "namedest", "to", "dst", "recipient", "receiver id", "to wallet",
        "bene acct", "target", "destination",
    ),
}  # fmt: skip

# Booking words, folded, and the channel that they name.
CHANNEL_WORDS = {
    **dict.fromkeys(
        ("lastschrift", "sepa lastschrift", "basislastschrift", "direct debit", "prelevement", "uberweisung",
         "sepa uberweisung", "gutschrift", "sepa gutschrift", "dauerauftrag", "standing order", "transfer",
         "bank transfer", "wire", "wire transfer", "sepa transfer", "faster payment", "ach", "virement",
         "transferencia", "bonifico", "overboeking", "bank giro credit", "lohn gehalt"), "transfer"),
    **dict.fromkeys(
        ("atm", "atm withdrawal", "cash machine", "geldautomat", "bargeldauszahlung", "retrait dab",
         "geldautomaat", "cajero", "prelievo"), "atm"),
    **dict.fromkeys(
        ("cash", "cash deposit", "cash withdrawal", "bareinzahlung", "barauszahlung", "counter deposit",
         "versement especes", "ingreso efectivo"), "cash"),
    **dict.fromkeys(
        ("pos", "card", "card payment", "card purchase", "kartenzahlung", "debit card", "credit card",
         "contactless", "betaalautomaat", "paiement carte", "purchase"), "card"),
    **dict.fromkeys(("cheque", "check", "scheck", "cheque deposit", "check deposit"), "cheque"),
    **dict.fromkeys(("fee", "fees", "charge", "entgelt", "gebuhr", "commission", "frais"), "fee"),
}  # fmt: skip

# A row that begins with one of these, and has no date, is below the table.
TOTALS = (
    "total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "saldo", "endsaldo",
    "kontostand", "closing balance", "opening balance", "balance", "solde", "totale", "totaal", "celkem",
    "zustatek", "i alt", "end of report", "end of statement", "number of transactions", "suma", "subtotal",
    "zwischensumme",
)  # fmt: skip

_FOLD = {"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "œ": "oe"}


def folded(text: str) -> str:
    """Lower case, no accents, punctuation as one space: the form in which header words are compared."""
    text = "".join(_FOLD.get(letter, letter) for letter in text.casefold())
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def header_score(header: str, key: str) -> float:
    """How well a header names `key`: 1 for its first word, 0 for none."""
    words = HEADERS[key]
    name = (
        re.sub(r"\b[a-z]{3}$", "", folded(header)).strip()
        if re.search(r"\([A-Z]{3}\)|\b[A-Z]{3}$", header)
        else ""
    )
    best = 0.0
    for candidate in {folded(header), name} - {""}:
        if candidate in words:
            best = max(best, 1.0 - 0.4 * words.index(candidate) / len(words))
        else:
            inside = [w for w in words if len(w) > 3 and re.search(rf"\b{re.escape(w)}\b", candidate)]
            if inside:
                longest = max(inside, key=len)
                best = max(best, 0.5 * len(longest) / len(candidate))
    return best


def is_header(cells: list[str]) -> int:
    """How many of the cells are known header words."""
    return sum(any(folded(cell) in words for words in HEADERS.values()) for cell in cells if cell)
