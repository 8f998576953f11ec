"""What each red flag argues about who holds the account, in plain words, and which document would tell.

The words say what the holder does or has done to them, so that the same words can stand on either side:
what speaks for a possible controller speaks against a possible victim. They go before the finding's own fact,
which has the numbers. `settled_by` names the one record, mostly with somebody else, that would show whether
the innocent reading holds. Roles as on the indicator's card: PC, PV, BIZ, and NET where money is passed on.
"""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """What one indicator says, found in one role."""

    words: str
    settled_by: str


_ACCESS = "log-in and device records, with the identification of who used the device"
_ADVERT = "the platform's record of the advertiser: its telephone number, its log-ins, whom the adverts show"
_AUTHORITY = "the authority's record of who may receive the payment for whom"
_BOOKING = "the booking: who ordered and paid, and whose name the guest or passenger list has"
_CARD = "the card application, with the list of those who may use the card"
_CONDUCTOR = "the identification of who stood at the counter, or the machine's camera record"
_CONTRACT = "the contracts and receipts of the payers, and the licence of the agency"
_EXCHANGE = "the exchange's customer file: who ordered the purchase, and which wallet it went to"
_LOAN = "the loan application, with the record of who gave its instructions"
_MANDATE = "the mandate or power of attorney over the accounts"
_OPENING = "the account-opening file: who introduced the holder, who was there, whose number was given"
_PAYEE = "the payee's account file, with what the payee and the payer each say the money was for"
_PAYROLL = "the employer's payroll list: whose wage went to which account, and by whose order"
_PLATFORM = "the record of sales or services behind the receipts: orders, invoices, tax return"
_REGISTER = "the company register with the beneficial owner, and the staff and rent in the books"
_SUBSCRIBER = "the telephone company's record of who uses the numbers"
_TENANCY = "the tenancy contracts: who signed, and who lives there"
_TILL = "the till records and the merchant contract with the declared hours"
_WAGES = "the employment contract, with what the employee says in private about who uses the wage"

ARGUMENTS: dict[tuple[str, str], Argument] = {
    # Adverts
    ("HT-ADS-03", "PC"): Argument("pays adverts for several advertised people", _ADVERT),
    ("HT-ADS-07", "PC"): Argument("pays for the dearest places of adverts", _ADVERT),
    ("HT-ADS-09", "PV"): Argument("pays adverts with money that others have just sent", _ADVERT),
    ("HT-ADS-10", "PC"): Argument("pays adverts along a way that hides the payer", _EXCHANGE),
    ("HT-ADS-11", "PV"): Argument("is reached at an address that an advert names", _ADVERT),
    ("HT-ADS-12", "PC"): Argument("pays when a group of adverts appears", _ADVERT),
    ("HT-ADS-13", "PC"): Argument("places adverts in masses or as evenly as a machine", _ADVERT),
    ("HT-ADS-16", "PC"): Argument("pays adverts that offer jobs and adverts of people", _ADVERT),
    # Accommodation and movement
    ("HT-MOV-02", "PV"): Argument("stays where and when adverts appear", _BOOKING),
    ("HT-MOV-04", "PC"): Argument("pays several rooms at once", _BOOKING),
    ("HT-MOV-07", "PC"): Argument("buys long journeys for several people", _BOOKING),
    ("HT-MOV-10", "PV"): Argument("has cards that somebody else uses elsewhere", _CARD),
    ("HT-MOV-12", "PC"): Argument("pays rooms or journeys for others", _BOOKING),
    ("HT-MOV-12", "PV"): Argument("travels and stays at the cost of somebody far away", _BOOKING),
    # Upkeep
    ("HT-SPD-04", "PC"): Argument("loads prepaid cards for several people", _CARD),
    ("HT-SPD-05", "PV"): Argument("lives on a card that one other person loads", _CARD),
    ("HT-SPD-05", "PC"): Argument("loads the card that somebody else lives on", _CARD),
    ("HT-SPD-06", "PC"): Argument("pays for many telephones", _SUBSCRIBER),
    ("HT-SPD-07", "PC"): Argument("spends the money of others on luxury", _PLATFORM),
    ("HT-SPD-09", "PV"): Argument("has an account that nobody lives on and that is emptied", _MANDATE),
    # Third-party receipts
    ("HT-P2P-02", "PV"): Argument("is paid by strangers as from a price list", _PLATFORM),
    ("HT-P2P-03", "NET"): Argument("collects money of others and sends it on", _PAYEE),
    ("HT-P2P-03", "PC"): Argument("collects money of others and sends it on", _PAYEE),
    ("HT-P2P-04", "PV"): Argument("loses what comes in to one payee within a day", _PAYEE),
    ("HT-P2P-04", "PC"): Argument("receives what comes in at somebody else's account", _PAYEE),
    ("HT-P2P-05", "PV"): Argument("lives on the money of one person whom many pay", _PAYEE),
    # Control
    ("HT-CTL-01", "PV"): Argument("has an account that is used from a device of several holders", _ACCESS),
    ("HT-CTL-01", "PC"): Argument("shares one device with the accounts of several holders", _ACCESS),
    ("HT-CTL-03", "PV"): Argument("has a hotel as address, as other holders have", _OPENING),
    ("HT-CTL-04", "PC"): Argument("receives what several others earn or are paid", _PAYEE),
    ("HT-CTL-04", "PV"): Argument("loses wages or receipts to a payee who has those of others too", _PAYEE),
    ("HT-CTL-05", "PV"): Argument("has a card that is drawn together with those of others", _CONDUCTOR),
    ("HT-CTL-05", "PC"): Argument("draws cash with the cards of several holders", _CONDUCTOR),
    ("HT-CTL-06", "PC"): Argument("may use the accounts of many others", _MANDATE),
    ("HT-CTL-07", "PV"): Argument("has an account that many telephone numbers try to reach", _SUBSCRIBER),
    ("HT-CTL-08", "PV"): Argument("had the account opened with those of others, and emptied", _OPENING),
    ("HT-CTL-09", "PV"): Argument("has a credit that was gone as soon as it was paid out", _LOAN),
    ("HT-CTL-10", "PC"): Argument("receives the welfare payments of several holders", _AUTHORITY),
    ("HT-CTL-10", "PV"): Argument("loses welfare payments to one who has those of others too", _AUTHORITY),
    # Wages and recruitment
    ("HT-LAB-01", "PC"): Argument("receives the wages of several employees", _PAYROLL),
    ("HT-LAB-02", "PV"): Argument("loses the own wage on payday", _WAGES),
    ("HT-LAB-03", "PC"): Argument("is paid by several employees of one employer after payday", _TENANCY),
    ("HT-LAB-03", "PV"): Argument("pays part of the wage to somebody whom colleagues pay too", _WAGES),
    ("HT-LAB-04", "PC"): Argument("gets wages back from those who earned them", _PAYROLL),
    ("HT-LAB-04", "BIZ"): Argument("pays wages that come back from those who earned them", _PAYROLL),
    ("HT-LAB-04", "PV"): Argument("gives part of the wage back to the employer", _PAYROLL),
    ("HT-LAB-05", "PC"): Argument("takes recruitment fees of many who are new, and moves them on", _CONTRACT),
    ("HT-LAB-05", "PV"): Argument("paid a recruitment fee as many others did", _CONTRACT),
    ("HT-LAB-06", "PC"): Argument("is paid instalments by those who were recruited", _CONTRACT),
    ("HT-LAB-06", "PV"): Argument("pays instalments to a recruiter without an end", _CONTRACT),
    ("HT-LAB-07", "BIZ"): Argument("takes money as a business and pays no wages, taxes or rates", _REGISTER),
    ("HT-LAB-08", "BIZ"): Argument("houses and feeds people, which is not its trade", _REGISTER),
    ("HT-LAB-09", "PC"): Argument("is sent small sums by many who are not related", _PAYEE),
    ("HT-LAB-11", "PV"): Argument("bought a journey in advance, and loses what is earned there", _CONTRACT),
    # Premises and fronts
    ("HT-RES-01", "PC"): Argument("pays rent for several flats", _TENANCY),
    ("HT-RES-02", "PC"): Argument("pays rates of places that are no address of the holder", _TENANCY),
    ("HT-RES-03", "PC"): Argument("rents flats where adverts appear, and lives elsewhere", _TENANCY),
    ("HT-FRT-01", "BIZ"): Argument("takes cards when businesses of its kind are closed", _TILL),
    ("HT-FRT-03", "BIZ"): Argument("takes more than its staff and premises let expect", _REGISTER),
    ("HT-FRT-04", "PC"): Argument("moves what persons and cash bring in through a business", _REGISTER),
    ("HT-FRT-04", "BIZ"): Argument("lets money of persons through in hours", _REGISTER),
    ("HT-FRT-05", "BIZ"): Argument("sends money round among accounts of one owner", _REGISTER),
    # What the other families add; it counts for no role by itself.
    ("VE-PASS-01", "NET"): Argument("passes money on soon after it comes", _PAYEE),
    ("VE-MIRROR-08", "NET"): Argument("passes on almost exactly what comes in", _PAYEE),
    ("VE-DEPSEND-11", "NET"): Argument("sends cash on as soon as it is paid in", _CONDUCTOR),
    ("NW-GS-03", "NET"): Argument("gathers from several and scatters to others", _PAYEE),
    ("NW-SG-04", "NET"): Argument("is one of several through whom money is passed on", _PAYEE),
    ("NW-CHAIN-08", "NET"): Argument("is a link of a chain by which money is passed on", _PAYEE),
    ("VE-LAT-02", "PV"): Argument("has what comes in drawn in cash at once", _CONDUCTOR),
    ("VE-NEW-06", "PV"): Argument("has a new account through which much money is passed", _OPENING),
    ("VE-FUNNEL-07", "PC"): Argument("draws in one town the cash paid in in several others", _CONDUCTOR),
    ("CR-BROKER-03", "PC"): Argument("turns the money of several people into crypto-assets", _EXCHANGE),
}  # fmt: skip
