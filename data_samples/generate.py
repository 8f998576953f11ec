"""Write the sample exports beside this file: `python data_samples/generate.py [FOLDER]`.

Everything in them is invented: people, accounts, merchants, employers and all that they do; only cities, countries
and category codes are real. One seed makes them, always to the same bytes: all chance comes from `random.Random.random`,
whose sequence Python guarantees across versions.

A book is what one institution keeps: its accounts, and payments at the wall clock of the place where they happen.
First people live their lives in it, then cases are planted among them, then it is written as such institutions write.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import polars as pl

SEED = "ordinary life, and a few who prey on it"
YEAR = (date(2025, 7, 1), date(2026, 6, 30))  # the ledger: long enough to see an account sleep
HALF = (date(2026, 1, 1), date(2026, 6, 30))  # the other exports
CASH = "CASH"
T = TypeVar("T")

ZONES = {
    "Chicago": "America/Chicago", "Milwaukee": "America/Chicago", "Minneapolis": "America/Chicago",
    "Dallas": "America/Chicago", "Houston": "America/Chicago", "Denver": "America/Denver",
    "Phoenix": "America/Phoenix", "Seattle": "America/Los_Angeles", "Detroit": "America/Detroit",
    "Atlanta": "America/New_York", "Philadelphia": "America/New_York", "Boston": "America/New_York",
    "Hamburg": "Europe/Berlin", "Bremen": "Europe/Berlin", "Hannover": "Europe/Berlin", "Kiel": "Europe/Berlin",
    "Lübeck": "Europe/Berlin", "Rostock": "Europe/Berlin",
    "Manchester": "Europe/London", "Leeds": "Europe/London", "Bristol": "Europe/London",
    "Birmingham": "Europe/London", "Sheffield": "Europe/London", "Liverpool": "Europe/London",
    "Glasgow": "Europe/London", "Cardiff": "Europe/London", "Newcastle upon Tyne": "Europe/London",
    "Nottingham": "Europe/London", "Paris": "Europe/Paris", "Barcelona": "Europe/Madrid", "Dublin": "Europe/Dublin",
}  # fmt: skip
COUNTRY = {"America": "US", "Europe/Berlin": "DE", "Europe/London": "GB", "Europe/Paris": "FR",
           "Europe/Madrid": "ES", "Europe/Dublin": "IE"}  # fmt: skip
US = [city for city, zone in ZONES.items() if zone.startswith("America")]
DE = [city for city, zone in ZONES.items() if zone == "Europe/Berlin"]
GB = [city for city, zone in ZONES.items() if zone == "Europe/London"]

GIVEN = ("Alva Amira Anouk Ansel Aris Bela Bo Carla Cem Clea Dara Deniz Edda Eli Emre Enzo Farah Fenja Finn Gil Hana Ida "
         "Ilay Ines Ivo Jana Jonas Juno Kai Kian Lale Lea Levi Lina Luca Mara Mats Mila Milo Nadia Nele Nico Noor Ole Pia "
         "Rafi Rosa Ruben Sami Selma Sina Talia Theo Tilda Timo Uma Vera Yara Yusuf Zoe").split()  # fmt: skip
FAMILY = ("Abendroth Ackerley Adomeit Almond Arbeck Aster Bachrain Barlow Beekhof Birkin Blomqvar Borovan Brandis Calder "
          "Castellar Corvin Dahlke Delmar Dornfeld Eastby Ebbing Elstrom Fairwood Falkenau Ferrow Gellert Glendon Grabow "
          "Hadley Halvers Hartung Hollin Ingram Iversby Jarosz Kestrin Kilburn Kovalen Lambrick Larsund Lindqvar Loxley "
          "Maddern Marchetto Merrin Mohring Nadeau Nordahl Obermoor Oakden Parrish Pelletor Quandt Radley Rastov Rheinau "
          "Sandvar Selwyn Siebold Solberg Tarrant Thornby Ulmer Varga Vestergrad Wendel Westlake Yarrow Zeller").split()  # fmt: skip


class Dice:
    """Chance, from `random.Random.random` alone."""

    def __init__(self, *name: object) -> None:
        self.draw = random.Random("/".join(map(str, (SEED, *name)))).random

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.draw() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self.draw() * len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items."""
        rest = list(items)
        return [rest.pop(int(self.draw() * len(rest))) for _ in range(count)]

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return self.draw() < share

    def normal(self) -> float:
        """A standard normal number (Box and Muller 1958)."""
        return math.sqrt(-2 * math.log(1 - self.draw())) * math.cos(2 * math.pi * self.draw())

    def about(self, median: float, spread: float = 0.3) -> int:
        """Cents around a median amount, log-normal."""
        return max(100, round(median * math.exp(spread * self.normal()) * 100))

    def tidy(self, median: float, spread: float = 0.3, step: int = 10) -> int:
        """Cents around a median, rounded to a whole step as people do when they choose an amount."""
        return max(step, round(median * math.exp(spread * self.normal()) / step) * step) * 100

    def clock(self, low: float, high: float) -> timedelta:
        """A time of day between two hours; an hour of 26 is two in the morning of the next day."""
        return timedelta(seconds=self.whole(int(low * 3600), int(high * 3600) - 1))

    def soon(self, low: float, high: float) -> timedelta:
        """A delay between two numbers of hours."""
        return timedelta(seconds=self.whole(int(low * 3600), int(high * 3600)))


@dataclass(frozen=True)
class Account:
    """One row of the accounts master, and where its holder is at home."""

    account_id: str
    holder_id: str
    name: str
    kind: str
    city: str
    opened_on: date
    phone: str
    email: str
    occupation: str
    income: int  # stated, whole units a month


@dataclass(frozen=True)
class Payment:
    """Money from payer to payee at the wall clock of `city`."""

    at: datetime
    payer: str
    payee: str
    cents: int
    kind: str
    text: str
    city: str
    located: bool = (
        False  # whether the source knows the place: counters, machines and shops, not online payments
    )
    terminal: str = ""
    mcc: str = ""
    conductor: str = ""
    device: str = ""
    status: str = "completed"


@dataclass
class Book:
    """An institution's accounts and payments."""

    name: str
    first: date
    last: date
    cities: list[str]
    scale: float  # prices relative to the dollar book
    accounts: dict[str, Account] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)

    def day(self, offset: int) -> datetime:
        """Midnight `offset` days after the book begins."""
        return datetime.combine(self.first, time()) + timedelta(days=offset)

    @property
    def days(self) -> int:
        """Days that the book covers."""
        return (self.last - self.first).days + 1

    def months(self, since: date | None = None) -> Iterator[datetime]:
        """First days of the months, from the month after `since`."""
        year, month = self.first.year, self.first.month
        while date(year, month, 1) <= self.last:
            if since is None or date(year, month, 1) > since:
                yield datetime(year, month, 1)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def pay(
        self,
        at: datetime,
        payer: str,
        payee: str,
        cents: int,
        kind: str,
        text: str,
        city: str = "",
        **more: object,
    ) -> datetime:
        """Book a payment inside the period; returns its time."""
        if self.first <= at.date() <= self.last and cents > 0:
            home = self.accounts.get(payer) or self.accounts.get(payee)
            located = bool(city)
            place = city or (home.city if home else self.cities[0])
            self.payments.append(Payment(at, payer, payee, cents, kind, text, place, located, **more))  # type: ignore[arg-type]
        return at


class World:
    """All books, the answers, and the numbers that must not repeat."""

    def __init__(self) -> None:
        self.ledger = Book("ledger", *YEAR, US, 1.0)
        self.bank = Book("bank", *HALF, DE, 0.9)
        self.wallet = Book("wallet", *HALF, US, 1.0)
        self.card = Book("card", *HALF, GB, 0.8)
        self.books = (self.ledger, self.bank, self.wallet, self.card)
        self.planted: list[dict[str, str]] = []
        self.look_alikes: list[dict[str, str]] = []
        self.taken: set[str] = set()

    def identify(self, dice: Dice, book: Book, name: str) -> str:
        """A new account number in the institution's own form, drawn at random so that it says nothing."""
        while True:
            number = dice.whole(10_000_000, 99_999_999)
            handle = (
                "@"
                + name.lower().replace(" ", ".").replace("&", "and").replace("ü", "ue")
                + str(number % 1000)
            )
            account = {
                "ledger": f"HU-{number}",
                "bank": f"30{number}",
                "wallet": handle,
                "card": f"AC{number}",
            }[book.name]
            if account not in self.taken:
                self.taken.add(account)
                return account

    def number_holder(self, dice: Dice) -> str:
        """A new customer number."""
        while (number := f"P{dice.whole(100_000_000, 999_999_999)}") in self.taken:
            pass
        self.taken.add(number)
        return number

    def open(self, book: Book, dice: Dice, kind: str = "person", name: str = "", opened_on: date | None = None,
             occupation: str = "", income: int = 0, holder: str = "", city: str = "") -> Account:  # fmt: skip
        """A new account with an invented holder."""
        name = name or f"{dice.pick(GIVEN)} {dice.pick(FAMILY)}"
        account_id = self.identify(dice, book, name)
        line = dice.whole(0, 999)
        # Number ranges set aside for fiction: +1 NPA 555 01xx (NANPA), +44 7700 900xxx (Ofcom), +49 30 23125 xxx and
        # +49 40 66969 xxx (Bundesnetzagentur).
        phone = {
            "bank": f"+49 40 66969 {line:03d}", "card": f"+44 7700 900{line:03d}",
        }.get(book.name, f"+1 {200 + dice.whole(1, 799)} 555 01{line % 100:02d}")  # fmt: skip
        account = Account(
            account_id, holder or self.number_holder(dice), name, kind, city or dice.pick(book.cities),
            opened_on or date(2012, 1, 1) + timedelta(days=dice.whole(0, 4300)), phone,
            name.lower().replace(" ", ".").replace("&", "and") + f"{line}@example.com", occupation, income,
        )  # fmt: skip
        book.accounts[account_id] = account
        return account

    def plant(
        self, account: Account | str, case: str, typology: str, role: str, indicators: str, note: str
    ) -> None:
        """Say what an account shows."""
        account_id = account if isinstance(account, str) else account.account_id
        self.planted.append({"account_id": account_id, "case_id": case, "typology": typology, "role": role,
                             "expected_indicators": indicators, "note": note})  # fmt: skip

    def resemble(self, account: Account, kind: str, note: str) -> None:
        """Say what an innocent account looks like."""
        self.look_alikes.append({"account_id": account.account_id, "kind": kind, "note": note})


# Parties outside the institutions -------------------------------------------------------------------------------

SHOPS = {  # what people buy: category code, merchants, median price, how many are invented
    "grocery": ("5411", "Corner Basket|Greenleaf Market|Daily Pantry|Korbladen|Nordkauf", 46.0),
    "fast_food": ("5814", "Burger Lantern|Noodle Cart|Grillhaus Eck|Bagel Stop", 13.0),
    "restaurant": ("5812", "Trattoria Mirto|The Copper Spoon|Zum Anker|Blue Lotus", 42.0),
    "fuel": ("5541", "Harbor Fuel|Tankpunkt|Mile Post Gas", 48.0),
    "transit": ("4111", "City Transit|Nahverkehr Nord|Metro Lines", 24.0),
    "pharmacy": ("5912", "Well Pharmacy|Elbapotheke|Cross Street Chemist", 19.0),
    "clothes": ("5651", "Thread and Needle|Modehaus Lenz|Plain Goods", 58.0),
    "beauty": ("7230", "Salon Ines|Studio Kamm|The Barber Next Door", 36.0),
    "taxi": ("4121", "City Cabs|RideNow|Taxi Hansa", 18.0),
    "hotel": ("7011", "Hotel Meridian Park|Harbour Inn|Pension Seeblick|The Wayside|Station Lodge", 96.0),
    "parking": ("7523", "ParkPoint|Parkhaus Mitte", 7.0),
    "airline": ("4511", "Aerolin|Northwing Air", 160.0),
    "jewellery": ("5944", "Goldner & Sohn|Marlow Jewels", 780.0),
    "bar": ("5813", "Night Heron Bar|Kontor 7", 34.0),
}  # fmt: skip


def shop(dice: Dice, kind: str, city: str) -> tuple[str, str, str, float]:
    """Merchant id, descriptor, category code and median price of a shop of this kind in a city."""
    mcc, names, price = SHOPS[kind]
    name = dice.pick(names.split("|"))
    branch = sum(map(ord, name + city)) * 7919 % 90_000 + 10_000
    return f"M-{branch}", name.upper(), mcc, price


def buy(
    book: Book, dice: Dice, account: Account, kind: str, at: datetime, city: str = "", price: float = 0.0
) -> datetime:
    """One purchase with the account's card."""
    place = city or account.city
    merchant, name, mcc, median = shop(dice, kind, place)
    cents = dice.about((price or median) * book.scale, 0.4)
    return book.pay(at, account.account_id, merchant, cents, "card", name, place, mcc=mcc)


def machine(dice: Dice, city: str, count: int = 9) -> str:
    """A branch or cash machine of a city."""
    return f"{city[:3].upper()}{dice.whole(1, count):02d}"


def outsider(dice: Dice) -> str:
    """An account at another institution."""
    return f"EXT-{dice.whole(100_000, 999_999)}"


def cash_in(book: Book, dice: Dice, account: Account, at: datetime, cents: int, city: str = "", kind: str = "cash_in",
            terminal: str = "", conductor: str = "") -> datetime:  # fmt: skip
    """A cash deposit at a counter (or a machine: kind atm_in)."""
    place = city or account.city
    return book.pay(at, CASH, account.account_id, cents, kind, "", place,
                    terminal=terminal or machine(dice, place), conductor=conductor or account.holder_id)  # fmt: skip


def cash_out(book: Book, dice: Dice, account: Account, at: datetime, cents: int, city: str = "", kind: str = "atm_out",
             terminal: str = "") -> datetime:  # fmt: skip
    """A cash withdrawal at a machine (or a counter: kind cash_out)."""
    place = city or account.city
    return book.pay(
        at, account.account_id, CASH, cents, kind, "", place, terminal=terminal or machine(dice, place)
    )


# Ordinary life --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Habits:
    """How a person lives: monthly pay, rent, and how many times a month."""

    pay: float = 2900
    rent: float = 950
    groceries: float = 3.5
    treats: float = 1.6
    cash: float = 0.9
    gifts: float = 0.25  # cash paid in: a birthday, a sold bicycle
    trips: float = 0.05
    payday: int = 27


def often(dice: Dice, rate: float) -> int:
    """How many times something happens that happens `rate` times on average (binomial of eight)."""
    return sum(dice.draw() < rate / 8 for _ in range(8))


def wage_text(account: Account) -> str:
    """What an ordinary employer writes: one in three names the employee's number, always the same."""
    number = zlib.crc32(account.account_id.encode())
    return f"PAYROLL {10_000 + number // 3 % 90_000}" if number % 3 == 0 else "PAYROLL"


def live(
    world: World, book: Book, account: Account, dice: Dice, habits: Habits, since: date | None = None
) -> None:
    """Everyday rows of a person: pay, rent, subscriptions, shopping, cash, friends, a holiday."""
    employer, landlord, phone, power, film = (outsider(dice) for _ in range(5))
    own_rent = dice.tidy(habits.rent * book.scale, 0.25, 5)
    own_pay = dice.about(habits.pay * book.scale, 0.3)
    friends = dice.some(
        [other for other in book.accounts.values() if other.kind == "person"], min(3, len(book.accounts))
    )
    for month in book.months(since):
        if habits.pay:
            at = month + timedelta(days=habits.payday + dice.whole(-1, 1)) + dice.clock(2, 7)
            wage = own_pay + dice.whole(-4000, 4000)
            book.pay(at, employer, account.account_id, wage, "ach", wage_text(account))
        if habits.rent:
            at = month + timedelta(days=dice.whole(0, 3)) + dice.clock(5, 9)
            book.pay(at, account.account_id, landlord, own_rent, "ach", "RENT")
        for payee, price, text in (
            (phone, 31.99, "PHONE"),
            (power, 74.0, "ELECTRICITY"),
            (film, 12.99, "SUBSCRIPTION"),
        ):
            at = month + timedelta(days=dice.whole(3, 12)) + dice.clock(4, 8)
            book.pay(at, account.account_id, payee, round(price * book.scale * 100), "ach", text)
        for _ in range(often(dice, habits.groceries)):
            buy(book, dice, account, "grocery", month + timedelta(days=dice.whole(0, 27)) + dice.clock(8, 20))
        for _ in range(often(dice, habits.treats)):
            kind = dice.pick(
                ("fast_food", "restaurant", "fuel", "transit", "pharmacy", "clothes", "beauty", "taxi", "bar")
            )
            hours = (19, 25) if kind in ("bar", "taxi", "restaurant") else (8, 20)
            buy(book, dice, account, kind, month + timedelta(days=dice.whole(0, 27)) + dice.clock(*hours))
        for _ in range(often(dice, habits.cash)):
            amount = dice.tidy(90 * book.scale, 0.6, 10)
            cash_out(
                book, dice, account, month + timedelta(days=dice.whole(0, 27)) + dice.clock(7, 23), amount
            )
        if dice.chance(habits.gifts):
            at = month + timedelta(days=dice.whole(0, 27)) + dice.clock(9, 17)
            cash_in(book, dice, account, at, dice.tidy(260, 0.9, 10))
        if dice.chance(0.6) and friends and book.name != "card":
            friend = dice.pick(friends)
            at = month + timedelta(days=dice.whole(0, 27)) + dice.clock(9, 25)
            pair = (
                (account.account_id, friend.account_id)
                if dice.chance(0.5)
                else (friend.account_id, account.account_id)
            )
            if pair[0] != pair[1] and since is None:
                book.pay(
                    at,
                    *pair,
                    dice.tidy(34, 0.8, 1) if dice.chance(0.6) else dice.about(27),
                    "p2p",
                    dice.pick(NOTES),
                )
        if dice.chance(habits.trips):
            travel(
                book,
                dice,
                account,
                month + timedelta(days=dice.whole(0, 20)),
                dice.whole(2, 6),
                dice.pick(book.cities),
            )
        if book.name != "card" and dice.chance(0.09):
            rarely(book, dice, account, month + timedelta(days=dice.whole(0, 27)))
        if dice.chance(0.04):  # a car repaired, a kitchen bought, money moved to savings
            at = month + timedelta(days=dice.whole(0, 27)) + dice.clock(9, 17)
            book.pay(
                at, account.account_id, outsider(dice), dice.about(1900 * book.scale, 0.7), "ach", "INVOICE"
            )


def rarely(book: Book, dice: Dice, account: Account, day: datetime) -> None:
    """What everybody does now and then: counter cash, a money order, a prepaid card, a few coins, a payment abroad."""
    kind = dice.pick(
        ("cash_out", "wire", "atm_in", "course")
        + (("check", "prepaid", "crypto") if book.name == "ledger" else ())
    )
    at = day + dice.clock(9.2, 16.8)
    if kind == "cash_out":
        cash_out(book, dice, account, at, dice.tidy(1400, 0.7, 50), kind="cash_out")
    elif kind == "atm_in":
        cash_in(book, dice, account, day + dice.clock(8, 24.5), dice.tidy(240, 0.7, 10), kind="atm_in")
    elif kind == "wire":
        book.pay(
            at,
            account.account_id,
            f"MT-{dice.whole(10_000, 99_999)}",
            dice.tidy(600, 0.6, 10),
            "wire",
            dice.pick(("FAMILY SUPPORT", "TRADE", "MONEY TRANSFER")),
            account.city,
        )
    elif kind == "check":
        book.pay(
            at,
            account.account_id,
            outsider(dice),
            dice.tidy(420, 0.8, 10),
            "check",
            "MONEY ORDER",
            account.city,
        )
    elif kind == "prepaid":
        book.pay(
            at,
            account.account_id,
            f"PP-{dice.whole(1000, 9999)}",
            dice.tidy(120, 0.5, 25),
            "prepaid",
            "PREPAID LOAD",
            account.city,
        )
    elif kind == "crypto":
        book.pay(
            at,
            account.account_id,
            f"CR-{dice.whole(1, 3):04d}",
            dice.tidy(130, 0.8, 10),
            "crypto",
            "COIN PURCHASE",
        )
    else:
        book.pay(at, account.account_id, "EXT-300717", dice.tidy(300, 0.3, 10), "p2p", dice.pick(COURSES))


COURSES = ("visa fee and training", "job placement fee", "work permit", "recruitment fee", "training fee")
NOTES = ("dinner", "thanks!", "pizza", "tickets", "birthday", "half of the cab", "groceries", "for the weekend", "gift",
         "lunch", "rent share", "concert", "fuel", "thank you", "see you soon", "ok", "")  # fmt: skip


def travel(book: Book, dice: Dice, account: Account, day: datetime, nights: int, city: str) -> None:
    """A stay: hotel, meals, rides, some cash."""
    merchant, name, mcc, price = shop(dice, "hotel", city)
    at = day + timedelta(days=nights) + dice.clock(8, 11)
    book.pay(
        at,
        account.account_id,
        merchant,
        dice.about(price * book.scale * nights, 0.2),
        "card",
        name,
        city,
        mcc=mcc,
    )
    for night in range(nights):
        for _ in range(dice.whole(1, 2)):
            kind = dice.pick(("restaurant", "fast_food", "taxi", "bar", "grocery"))
            buy(book, dice, account, kind, day + timedelta(days=night) + dice.clock(11, 24), city)
    if book.name != "card" and dice.chance(0.6):
        cash_out(book, dice, account, day + dice.clock(14, 22), dice.tidy(120 * book.scale, 0.4, 20), city)


JOBS = {
    "ledger": "nurse|clerk|teacher|driver|cook|mechanic|engineer|student|cashier|carpenter|carer|cleaner|retired".split("|"),
    "bank": "nurse|clerk|teacher|driver|cook|mechanic|engineer|student|cashier|carer|cleaner|retired|farm worker|foreman|waiter|"
            "event manager".split("|"),
    "wallet": [""],  # a wallet asks for no occupation
    "card": "nurse|clerk|teacher|driver|engineer|promoter|model|analyst|retired|sales representative".split("|"),
}  # fmt: skip


def populate(world: World, book: Book, count: int) -> list[Account]:
    """Open the accounts of ordinary people."""
    dice = Dice(book.name, "people")
    jobs = JOBS[book.name]
    accounts: list[Account] = []
    customers = (
        sorted(world.ledger.accounts.values(), key=lambda account: account.account_id)
        if book.name == "wallet"
        else []
    )
    for _ in range(count):
        opened = None
        if book.name == "ledger" and dice.chance(0.45):
            opened = book.first + timedelta(days=dice.whole(150, 270))
        twin = customers.pop() if customers and dice.chance(0.3) else None
        if twin is not None:  # the same person at another institution
            account = world.open(book, dice, name=twin.name, holder=twin.holder_id, city=twin.city)
            accounts.append(replace(account, phone=twin.phone, email=twin.email))
            book.accounts[account.account_id] = accounts[-1]
        else:
            income = 0 if book.name == "wallet" else dice.whole(14, 60) * 100
            accounts.append(
                world.open(book, dice, opened_on=opened, occupation=dice.pick(jobs), income=income)
            )
    return accounts


def live_all(world: World, book: Book, accounts: list[Account]) -> None:
    """Everyday rows of ordinary people, each with own habits."""
    for account in accounts:
        dice = Dice(book.name, "life", account.account_id)
        habits = Habits(
            pay=account.income if dice.chance(0.9) else 0, rent=account.income * 0.3 * (0.0 if dice.chance(0.2) else 1),
            groceries=2 + 3 * dice.draw(), treats=0.6 + 2.2 * dice.draw(), cash=0.3 + 1.4 * dice.draw(),
            gifts=0.05 + 0.35 * dice.draw(), trips=0.12 * dice.draw(), payday=dice.pick((0, 14, 24, 26, 27)),
        )  # fmt: skip
        live(
            world, book, account, dice, habits, account.opened_on if account.opened_on > book.first else None
        )


# Those who look like a case and are none ----------------------------------------------------------------------------


def shopkeepers(world: World, book: Book) -> None:
    """Shops that bank their takings: steady, busy, and now and then above the reporting amount."""
    trades = ("Bakery", "Kiosk", "Grill", "Florist", "Garage", "Laundry", "Market Stall", "Cafe", "Bookshop", "Greengrocer",
              "Butcher", "Barber")  # fmt: skip
    for number in range(12 if book.name == "ledger" else 9):
        dice = Dice(book.name, "shop", number)
        name = f"{dice.pick(FAMILY)} {trades[number]}"
        account = world.open(book, dice, "business", name, occupation=trades[number].lower())
        median = (700, 1400, 2500, 4300, 6100, 8300, 9100, 9800, 3000, 1900, 5200, 1100)[number]
        terminal = machine(dice, account.city)
        staff = [account.holder_id, f"P{dice.whole(100_000, 999_999)}{dice.whole(100, 999)}"]
        for day in range(book.days):
            at = book.day(day)
            if at.weekday() not in ((0, 3), (0, 2, 4), (1,), (0, 4))[number % 4]:
                continue
            cents = dice.about(median * (1.25 if at.month == 12 else 1), 0.22)
            late = number in (2, 7)  # a night safe
            clock = dice.clock(22, 25) if late else dice.clock(8.5, 10.5 if number % 2 else 18.5)
            cash_in(
                book,
                dice,
                account,
                at + clock,
                cents // 500 * 500,
                terminal=terminal,
                conductor=dice.pick(staff),
                kind="atm_in" if late else "cash_in",
            )
        suppliers = [outsider(dice) for _ in range(4)]
        for month in book.months():
            for supplier in suppliers:
                at = month + timedelta(days=dice.whole(2, 26)) + dice.clock(8, 16)
                abroad = number % 4 == 1 and supplier is suppliers[0]
                payee, kind, text = (
                    (f"MT-{supplier[4:]}", "wire", "TRADE") if abroad else (supplier, "ach", "INVOICE")
                )
                book.pay(at, account.account_id, payee, dice.about(median * 2.2, 0.4), kind, text)
            at = month + timedelta(days=1) + dice.clock(5, 8)
            book.pay(at, account.account_id, outsider(dice), dice.tidy(1500, 0.3, 50), "ach", "RENT")
            for worker in dice.some(sorted(book.accounts), 2):
                if book.accounts[worker].kind == "person":
                    book.pay(
                        month + timedelta(days=27) + dice.clock(4, 8),
                        account.account_id,
                        worker,
                        dice.about(1450),
                        "ach",
                        "PAYROLL",
                    )
        world.resemble(
            account,
            "shop that banks cash",
            f"takings around {median:,} on fixed weekdays, both sides of the reporting amount where near it",
        )


def movers(world: World, book: Book, city_count: int = 4) -> None:
    """Travelling salespeople and fitters: hotels in many cities, refunded by the employer."""
    for number in range(5):
        dice = Dice(book.name, "sales", number)
        account = world.open(book, dice, occupation="sales representative", income=4200)
        banked = book.name != "card"
        live(
            world,
            book,
            account,
            dice,
            Habits(pay=4200 * banked, rent=1100 * banked, treats=2.5, cash=banked, gifts=0, trips=0),
        )
        employer = outsider(dice)
        for day in range(3, book.days - 5, dice.whole(12, 16)):
            city = dice.pick([place for place in book.cities if place != account.city])
            travel(book, dice, account, book.day(day), dice.whole(1, 3), city)
            if dice.chance(0.5):
                travel(book, dice, account, book.day(day + 3), 2, dice.pick(book.cities))
            if book.name != "card":
                book.pay(
                    book.day(day + 10) + dice.clock(3, 7),
                    employer,
                    account.account_id,
                    dice.about(390),
                    "ach",
                    "EXPENSES",
                )
        world.resemble(
            account,
            "travelling salesperson",
            "short stays in many cities; pay and expenses from one employer",
        )


def students(world: World, book: Book) -> None:
    """Students who live on what the family sends, and spend it the same week."""
    for number in range(6):
        dice = Dice(book.name, "student", number)
        account = world.open(
            book,
            dice,
            occupation="student",
            income=0,
            opened_on=date(2024, 9, 1) + timedelta(days=dice.whole(0, 40)),
        )
        parents = [outsider(dice), outsider(dice)]
        live(world, book, account, dice, Habits(pay=0, rent=420, treats=3.2, cash=1.8, gifts=0.3))
        for month in book.months():
            for parent in parents:
                at = month + timedelta(days=dice.whole(0, 4)) + dice.clock(8, 21)
                book.pay(
                    at,
                    parent,
                    account.account_id,
                    dice.tidy(430, 0.15, 25),
                    "ach",
                    dice.pick(("for the month", "rent", "love, mum")),
                )
        world.resemble(account, "student", "lives on family transfers, account often near zero")


def remitters(world: World, book: Book) -> None:
    """People who send part of their pay home, some after paying in tips."""
    for number in range(6):
        dice = Dice(book.name, "remitter", number)
        account = world.open(book, dice, occupation=dice.pick(("waiter", "carer", "builder")), income=2100)
        live(world, book, account, dice, Habits(pay=1900, rent=600, gifts=0, payday=24))
        family = f"MT-{dice.whole(10_000, 99_999)}"
        for month in book.months():
            for _ in range(dice.whole(1, 2)):
                day = month + timedelta(days=dice.whole(1, 26))
                if number % 2:
                    cash_in(book, dice, account, day + dice.clock(9, 12), dice.tidy(300, 0.4, 5))
                    day += timedelta(days=dice.whole(1, 3))
                book.pay(
                    day + dice.clock(12, 18),
                    account.account_id,
                    family,
                    dice.tidy(280, 0.4, 10),
                    "wire",
                    "MONEY TRANSFER" if number > 3 else "FAMILY SUPPORT",
                )
        world.resemble(account, "remitter", "sends part of pay or tips to one family abroad every month")


def sellers(world: World, book: Book) -> None:
    """Marketplace sellers: many payers who never come back."""
    for number in range(4):
        dice = Dice(book.name, "seller", number)
        account = world.open(book, dice, occupation="online seller", income=1500)
        live(world, book, account, dice, Habits(pay=1500, rent=500, cash=0.4))
        for _ in range(book.days // 5):
            at = book.day(dice.whole(0, book.days - 1)) + dice.clock(8, 23)
            book.pay(
                at,
                outsider(dice),
                account.account_id,
                dice.about(38, 0.9),
                "p2p",
                dice.pick(("order", "item 4471", "vase", "bike lamp", "jacket")),
            )
            book.pay(
                at + dice.soon(5, 40),
                account.account_id,
                outsider(dice),
                dice.about(6.5, 0.2),
                "ach",
                "POSTAGE",
            )
        world.resemble(account, "marketplace seller", "many one-off payers, parcels posted the next day")


def independents(world: World, book: Book) -> None:
    """Self-employed adult workers, hairdressers, tutors: one person, own adverts, own money, spent on own life."""
    for number, trade in enumerate(("escort", "escort", "masseur", "hairdresser", "tutor", "escort")):
        dice = Dice(book.name, "independent", number)
        account = world.open(book, dice, occupation=f"self-employed {trade}", income=2800)
        live(world, book, account, dice, Habits(pay=0, rent=900, groceries=5, treats=3, cash=0.8))
        late = trade in ("escort", "masseur")
        regulars = [outsider(dice) for _ in range(14)]
        for day in range(0, book.days):
            if not dice.chance(0.3):
                continue
            at = book.day(day) + (dice.clock(17, 25) if late else dice.clock(10, 19))
            payer = dice.pick(regulars) if dice.chance(0.5) else outsider(dice)
            book.pay(
                at,
                payer,
                account.account_id,
                dice.pick((80, 100, 120, 150, 200)) * 100 if late else dice.tidy(45, 0.3, 5),
                "p2p",
                dice.pick(NOTES),
            )
            if late and dice.chance(0.25):
                book.pay(
                    book.day(day) + dice.clock(11, 16),
                    account.account_id,
                    "M-71180",
                    dice.pick((900, 1500, 2400)),
                    "card",
                    "CITYADS ONLINE",
                    mcc="7311",
                )
        if late and number % 2:
            for day in range(10, book.days - 10, 40):  # tours announced beforehand, two cities in a week
                for leg, city in enumerate(dice.some(book.cities, 2)):
                    travel(book, dice, account, book.day(day + 3 * leg), 2, city)
        world.resemble(account, f"self-employed {trade}", "pays own adverts, keeps and spends the income")


def schools(world: World, book: Book) -> None:
    """A language and training school: course fees from many people who come once, wages and rent paid from them."""
    dice = Dice(book.name, "school")
    school = world.open(book, dice, "business", f"{dice.pick(FAMILY)} Training Centre", occupation="school")
    for month in book.months():
        for _ in range(dice.whole(9, 15)):
            at = month + timedelta(days=dice.whole(0, 27)) + dice.clock(8, 22)
            book.pay(
                at,
                outsider(dice),
                school.account_id,
                dice.pick((300, 450, 900, 1500)) * 100,
                "p2p",
                dice.pick(COURSES),
            )
        for _ in range(3):
            book.pay(
                month + timedelta(days=27) + dice.clock(4, 8),
                school.account_id,
                outsider(dice),
                dice.about(2100, 0.1),
                "ach",
                "PAYROLL",
            )
        book.pay(
            month + timedelta(days=1) + dice.clock(5, 8),
            school.account_id,
            outsider(dice),
            dice.tidy(1900, 0.01, 10),
            "ach",
            "RENT",
        )
    world.resemble(school, "training school", "course fees from many people, spent on wages and rent")


def treasurers(world: World, book: Book) -> None:
    """A savings club, a landlord, a payroll bureau, a youth club: fan-in and fan-out with equal amounts."""
    people = [account for account in book.accounts.values() if account.kind == "person"]
    dice = Dice(book.name, "club")
    club = world.open(book, dice, occupation="bookkeeper", income=2600)
    live(world, book, club, dice, Habits(pay=2600, rent=800))
    members = dice.some(people, 10)
    for turn, month in enumerate(book.months()):
        for member in members:
            book.pay(
                month + timedelta(days=dice.whole(0, 4)) + dice.clock(8, 21),
                member.account_id,
                club.account_id,
                10_000,
                "ach",
                "savings club",
            )
        book.pay(
            month + timedelta(days=6) + dice.clock(9, 20),
            club.account_id,
            members[turn % 10].account_id,
            100_000,
            "ach",
            "savings club",
        )
    world.resemble(club, "savings club treasurer", "collects equal amounts and pays them out in turn")

    dice = Dice(book.name, "landlord")
    owner = world.open(book, dice, occupation="landlord", income=6000)
    live(world, book, owner, dice, Habits(pay=0, rent=0, treats=3))
    for tenant in dice.some(people, 7):
        rent = dice.tidy(780, 0.15, 10)
        for month in book.months():
            book.pay(
                month + timedelta(days=dice.whole(0, 3)) + dice.clock(6, 20),
                tenant.account_id,
                owner.account_id,
                rent,
                "ach",
                "RENT",
            )
    for month in book.months():
        book.pay(
            month + timedelta(days=9) + dice.clock(8, 12),
            owner.account_id,
            outsider(dice),
            dice.about(3900, 0.05),
            "ach",
            "MORTGAGE",
        )
    world.resemble(owner, "landlord", "the same rents from the same tenants every month")

    dice = Dice(book.name, "payroll")
    bureau = world.open(book, dice, "business", f"{dice.pick(FAMILY)} Payroll Services")
    staff = dice.some(people, 12)
    for month in book.months():
        day = month + timedelta(days=25)
        wages = [dice.about(1850, 0.15) for _ in staff]
        book.pay(
            day + dice.clock(1, 3), outsider(dice), bureau.account_id, sum(wages), "ach", "PAYROLL FUNDING"
        )
        for worker, wage in zip(staff, wages, strict=True):
            book.pay(day + dice.clock(4, 6), bureau.account_id, worker.account_id, wage, "ach", "PAYROLL")
        book.pay(
            day + timedelta(days=1) + dice.clock(9, 12),
            outsider(dice),
            bureau.account_id,
            dice.about(480, 0.1),
            "ach",
            "INVOICE",
        )
    world.resemble(bureau, "payroll bureau", "one large receipt, many wages within hours, every month")


# Planted cases ----------------------------------------------------------------------------------------------------


def subject(world: World, book: Book, dice: Dice, habits: Habits | None = None, **more: object) -> Account:
    """An account of a case; most of those in cases live an ordinary life as well."""
    job = dice.pick("cleaner cook clerk driver carer mechanic cashier".split())
    account = world.open(book, dice, occupation=job, income=dice.whole(14, 40) * 100, **more)  # type: ignore[arg-type]
    live(world, book, account, dice, habits or Habits(pay=account.income, rent=account.income * 0.3))
    return account


def structurers(world: World, book: Book, prefix: str) -> None:
    """Cash below the reporting amount: repeated, in pieces of one day, over many counters, by several people, out again."""
    for number in range(3):
        dice = Dice(book.name, "just below", number)
        account = subject(world, book, dice)
        start = dice.whole(30, book.days - 90)
        for week in range(9):
            for day in dice.some(range(6), 2 if number else 3):
                if week in (0, 3, 6) or dice.chance(0.8):
                    at = book.day(start + 7 * week + day) + dice.clock(9, 16.5)
                    cash_in(book, dice, account, at, dice.whole(164, 199) * 5000, kind="cash_in")
            book.pay(
                book.day(start + 7 * week + 6) + dice.clock(9, 17),
                account.account_id,
                outsider(dice),
                dice.about(15500, 0.1),
                "ach",
                "INVOICE",
            )
        world.plant(account, f"{prefix}-STRUCT-{number + 1}", "structuring", "possible_mule", "ST-STRUCT-01;ST-BUNCH-06;ST-STRUCT-03",
                    "two or three deposits a week just below the reporting amount, at several counters")  # fmt: skip
    for number in range(2):
        dice = Dice(book.name, "pieces", number)
        account = subject(world, book, dice)
        start = dice.whole(30, book.days - 60)
        for visit in range(4):
            day = book.day(start + 3 * visit)
            spots = dice.some(range(1, 10), 4)
            for piece in range(3 + visit % 2):
                cash_in(book, dice, account, day + timedelta(hours=piece * 1.7) + dice.clock(9, 10.4), dice.whole(68, 94) * 5000,
                        terminal=f"{account.city[:3].upper()}{spots[piece]:02d}")  # fmt: skip
        world.plant(account, f"{prefix}-PIECES-{number + 1}", "structuring", "possible_mule", "ST-STRUCT-02;ST-STRUCT-03;ST-STRUCT-04",
                    "three or four deposits on one day at as many counters, together above the reporting amount")  # fmt: skip
    dice = Dice(book.name, "smurfs")
    account = subject(world, book, dice)
    runners = [f"P{dice.whole(100_000, 999_999)}{dice.whole(100, 999)}" for _ in range(5)]
    for wave in range(3):
        start = dice.whole(20, 40) + 45 * wave
        for runner in dice.some(runners, 4):
            at = book.day(start + dice.whole(0, 1)) + dice.clock(9, 17)
            cash_in(book, dice, account, at, dice.whole(60, 96) * 5000, conductor=runner)
        book.pay(
            book.day(start + 2) + dice.clock(9, 12),
            account.account_id,
            f"MT-{dice.whole(10_000, 99_999)}",
            dice.about(14000, 0.1),
            "wire",
            "TRADE",
        )
    world.plant(account, f"{prefix}-SMURF-1", "structuring", "possible_controller", "ST-STRUCT-05",
                "four people pay cash into one account within two days")  # fmt: skip
    dice = Dice(book.name, "out in pieces")
    account = subject(world, book, dice)
    payer = outsider(dice)
    for week in range(6):
        start = 60 + 9 * week
        book.pay(
            book.day(start) + dice.clock(6, 9),
            payer,
            account.account_id,
            dice.about(28000, 0.05),
            "ach",
            "INVOICE",
        )
        for step in range(3):
            cash_out(
                book,
                dice,
                account,
                book.day(start + 1 + step) + dice.clock(9.5, 16),
                dice.whole(165, 199) * 5000,
                kind="cash_out",
            )
    world.plant(account, f"{prefix}-CASHOUT-1", "structuring", "possible_mule", "ST-OUT-09",
                "what comes in leaves as cash, each time just below the reporting amount")  # fmt: skip


def instruments(world: World) -> None:
    """Amounts below identification limits: wires, small transfers, several instruments on one day, remittances."""
    book = world.ledger
    dice = Dice("identification")
    account = subject(world, book, dice)
    payee = f"MT-{dice.whole(10_000, 99_999)}"
    for wave in range(4):
        start = 50 + 60 * wave
        for step in range(3):
            cash_in(
                book, dice, account, book.day(start + step) + dice.clock(9, 11), dice.whole(30, 33) * 10_000
            )
            at = book.day(start + step) + dice.clock(12, 16.5)
            book.pay(
                at,
                account.account_id,
                payee,
                dice.whole(2710, 2980) * 100,
                "wire",
                "FAMILY SUPPORT",
                account.city,
            )
    world.plant(account, "US-ID3K-1", "structuring", "possible_mule", "ST-ID3K-07;VE-DEPSEND-11",
                "cash, then three wires a week to one payee, each below 3,000")  # fmt: skip
    for place, prefix in ((world.bank, "EU"), (world.ledger, "US")):
        dice = Dice("sub 1000", prefix)
        account = subject(world, place, dice)
        payee = outsider(dice)
        for wave in range(4):
            start = 20 + 37 * wave
            for step in range(5):
                at = place.day(start + step) + dice.clock(8, 20)
                place.pay(
                    at,
                    account.account_id,
                    payee,
                    dice.whole(83, 99) * 1000,
                    "ach",
                    dice.pick(("INVOICE", "thanks!", "rent share")),
                )
            place.pay(
                place.day(start) - timedelta(days=1) + dice.clock(8, 12),
                outsider(dice),
                account.account_id,
                dice.about(4700, 0.05),
                "ach",
                "INVOICE",
            )
        world.plant(account, f"{prefix}-ID1K-1", "structuring", "possible_mule", "ST-ID1K-08",
                    "five transfers a week to one payee, each a little below 1,000")  # fmt: skip
    dice = Dice("split")
    account = subject(world, book, dice)
    for wave in range(5):
        day = book.day(70 + 31 * wave)
        cash_in(book, dice, account, day + dice.clock(9, 10), dice.whole(60, 85) * 10_000)
        for kind, payee, text, low, high in (("check", outsider(dice), "MONEY ORDER", 21, 29), ("wire", f"MT-{dice.whole(10_000, 99_999)}", "TRADE", 20, 29),
                                             ("prepaid", f"PP-{dice.whole(1000, 9999)}", "PREPAID LOAD", 4, 9)):  # fmt: skip
            book.pay(
                day + dice.clock(10.5, 16.5),
                account.account_id,
                payee,
                dice.whole(low, high) * 10_000,
                kind,
                text,
                account.city,
            )
        cash_in(book, dice, account, day + dice.clock(16.5, 17.5), dice.whole(30, 42) * 10_000)
    world.plant(account, "US-SPLIT-1", "structuring", "possible_mule", "ST-SPLIT-10",
                "one day: counter cash, money order, wire and prepaid load, each below its own limit")  # fmt: skip
    dice = Dice("remit together")
    village = f"MT-{dice.whole(10_000, 99_999)}"
    crew = [subject(world, book, dice) for _ in range(5)]
    for wave in range(4):
        start, amount = 40 + 70 * wave, dice.whole(118, 172) * 10
        for sender in crew:
            at = book.day(start) + dice.clock(9, 40)
            cents = amount * 100 + dice.whole(-25, 25) * 100
            cash_in(book, dice, sender, at - dice.soon(1, 3), cents + 2000)
            book.pay(at, sender.account_id, village, cents, "wire", "FAMILY SUPPORT", sender.city)
    for sender in crew:
        world.plant(sender, "US-REMIT-1", "structuring", "possible_victim", "ST-REMIT-14",
                    "five people wire nearly equal amounts to one payee within two days")  # fmt: skip


def mules(world: World, book: Book, prefix: str) -> None:
    """Money passed through: chains, fast cash, accounts woken up or opened for it, mirror amounts, bursts."""
    dice = Dice(book.name, "chain")
    recent = book.first + timedelta(days=book.days - 100)
    links = [
        subject(world, book, dice, Habits(pay=0, rent=0, groceries=1, treats=0.5, gifts=0)) for _ in range(3)
    ]
    fresh = world.open(book, dice, opened_on=recent, occupation="driver")
    links.append(fresh)
    sources = [outsider(dice) for _ in range(4)]
    for turn in range(13):
        at = book.day(book.days - 75 + 2 * turn + 14 * (turn // 7)) + dice.clock(9, 15)
        cents = dice.about(2600, 0.5)
        payer = dice.pick(sources)
        for link in links:
            book.pay(
                at, payer, link.account_id, cents, "p2p" if book.name != "bank" else "ach", dice.pick(NOTES)
            )
            payer, cents, at = (
                link.account_id,
                round(cents * (0.93 + 0.05 * dice.draw())),
                at + dice.soon(0.4, 9),
            )
        book.pay(at, payer, outsider(dice), cents, "wire", "TRADE")
    for place, link in enumerate(links):
        # The bank has too few new accounts to compare a new one with.
        expected = "VE-MIRROR-08" if link is fresh and prefix == "EU" else "VE-PASS-01;VE-MIRROR-08"
        world.plant(link, f"{prefix}-CHAIN-1", "pass_through", "possible_mule", expected,
                    f"link {place + 1} of 4: keeps a few percent, passes the rest on within hours")  # fmt: skip

    for number in range(2):
        dice = Dice(book.name, "cash-out", number)
        account = subject(world, book, dice, Habits(pay=0, rent=0, cash=0.5, gifts=0))
        start = dice.whole(40, book.days - 60)
        for turn in range(8):
            at = book.day(start + 4 * turn) + dice.clock(11, 20)
            cents = dice.tidy(420, 0.25, 20)
            book.pay(
                at,
                outsider(dice),
                account.account_id,
                cents + 500,
                "p2p" if book.name != "bank" else "ach",
                dice.pick(NOTES),
            )
            cash_out(
                book, dice, account, at + dice.soon(0.2, 1.6), cents, terminal=f"{account.city[:3].upper()}04"
            )
        world.plant(account, f"{prefix}-FASTCASH-{number + 1}", "pass_through", "possible_victim", "VE-LAT-02",
                    "what third parties send is drawn as cash within two hours at one machine")  # fmt: skip

    for number in range(2):
        dice = Dice(book.name, "deposit and send", number)
        account = subject(world, book, dice)
        start, payees = dice.whole(20, book.days - 50), [outsider(dice), outsider(dice)]
        for turn in range(6):
            at = book.day(start + 5 * turn) + dice.clock(10, 17)
            cents = dice.tidy(1500, 0.3, 50)
            cash_in(book, dice, account, at, cents)
            book.pay(
                at + dice.soon(0.5, 18),
                account.account_id,
                dice.pick(payees),
                round(cents * 0.96 / 1000) * 1000,
                "wire" if number else "ach",
                "TRADE",
            )
        world.plant(account, f"{prefix}-DEPSEND-{number + 1}", "pass_through", "possible_mule", "VE-DEPSEND-11",
                    "cash paid in leaves by transfer the same or the next day")  # fmt: skip

    dice = Dice(book.name, "jump")
    account = subject(world, book, dice)
    for turn in range(7):
        at = book.day(book.days - 24) + timedelta(days=turn) + dice.clock(9, 19)
        book.pay(
            at,
            outsider(dice),
            account.account_id,
            dice.about(3600, 0.3),
            "ach",
            dice.pick(("INVOICE", "thanks!")),
        )
        book.pay(
            at + dice.soon(2, 30), account.account_id, outsider(dice), dice.about(3300, 0.3), "wire", "TRADE"
        )
    world.plant(account, f"{prefix}-JUMP-1", "behaviour_change", "possible_mule", "VE-AMT-04;VE-PASS-01",
                "a quiet account turns over in one week what it otherwise does in half a year")  # fmt: skip


def sleepers(world: World) -> None:
    """Accounts that slept for more than half a year; funnel accounts; bursts; a new channel mix. Ledger only."""
    book = world.ledger
    for number in range(3):
        dice = Dice("dormant", number)
        account = world.open(book, dice, occupation=dice.pick(("clerk", "student", "retired")), income=1800)
        for week in range(7):  # a life that ends before the long pause
            for _ in range(dice.whole(1, 3)):
                buy(
                    book,
                    dice,
                    account,
                    dice.pick(("grocery", "fuel", "fast_food")),
                    book.day(7 * week + dice.whole(0, 6)) + dice.clock(8, 20),
                )
        start = 55 + dice.whole(195, 230)
        for turn in range(8):
            at = book.day(start + turn + dice.whole(0, 1)) + dice.clock(8, 20)
            cents = dice.about(980, 0.4)
            book.pay(at, outsider(dice), account.account_id, cents, "p2p", dice.pick(NOTES))
            book.pay(
                at + dice.soon(1, 20),
                account.account_id,
                outsider(dice),
                round(cents * 0.97),
                "p2p",
                dice.pick(NOTES),
            )
        world.plant(account, f"US-DORMANT-{number + 1}", "behaviour_change", "possible_mule", "VE-DORM-05",
                    "silent for over half a year, then money in and out every day")  # fmt: skip
    for number in range(2):
        dice = Dice("funnel", number)
        account = subject(world, book, dice)
        others = [city for city in US if city != account.city]
        for wave in range(3):
            start, cities = 80 + 50 * wave, dice.some(others, 5)
            for step, city in enumerate(cities[:4]):
                at = book.day(start + 2 * step) + dice.clock(9, 17)
                cents = dice.tidy(2400, 0.35, 50)
                cash_in(book, dice, account, at, cents, city)
                cash_out(
                    book,
                    dice,
                    account,
                    at + dice.soon(3, 30),
                    round(cents * 0.9 / 10_000) * 10_000,
                    cities[4],
                    kind="cash_out",
                )
        world.plant(account, f"US-FUNNEL-{number + 1}", "funnel_account", "possible_controller", "VE-FUNNEL-07",
                    "cash paid in in four cities, drawn in a fifth within two days")  # fmt: skip
    dice = Dice("new account")
    account = world.open(
        book, dice, opened_on=book.first + timedelta(days=book.days - 100), occupation="driver", income=1600
    )
    for turn in range(16):
        at = book.day(book.days - 92 + 2 * turn) + dice.clock(9, 17)
        cents = dice.about(4300, 0.35)
        book.pay(at, outsider(dice), account.account_id, cents, "ach", dice.pick(("INVOICE", "thanks!")))
        book.pay(
            at + dice.soon(1, 20), account.account_id, outsider(dice), round(cents * 0.96), "wire", "TRADE"
        )
    world.plant(
        account, "US-NEW-1", "pass_through", "possible_mule", "VE-NEW-06;VE-PASS-01",
        "opened, and within days large sums come in and leave for abroad",
    )  # fmt: skip
    dice = Dice("burst")
    account = subject(world, book, dice)
    for turn in range(4):
        start = book.day(200 + 7 * turn) + dice.clock(22, 25)
        payers = [outsider(dice) for _ in range(5)]
        for _ in range(dice.whole(12, 16)):
            at = start + timedelta(seconds=dice.whole(0, 5200))
            book.pay(
                at,
                dice.pick(payers),
                account.account_id,
                dice.about(46, 0.8),
                "p2p",
                dice.pick(NOTES),
                account.city,
            )
    world.plant(
        account,
        "US-BURST-1",
        "velocity",
        "possible_mule",
        "VE-SPIKE-03;VE-BURST-09",
        "a dozen and more receipts within an hour and a half at night, four times",
    )
    dice = Dice("mix")
    account = subject(world, book, dice)
    for turn in range(34):
        at = book.day(book.days - 29) + timedelta(hours=20 * turn) + dice.soon(0, 12)
        if turn % 2:
            book.pay(at, outsider(dice), account.account_id, dice.about(88, 0.7), "p2p", dice.pick(NOTES))
        else:
            book.pay(
                at,
                account.account_id,
                f"CR-{dice.whole(1, 3):04d}",
                dice.about(88, 0.7),
                "crypto",
                "COIN PURCHASE",
            )
    world.plant(
        account,
        "US-MIX-1",
        "behaviour_change",
        "possible_mule",
        "VE-MIX-10",
        "cards and pay until May, then receipts from strangers and coin purchases",
    )


def wage_sweep(world: World) -> None:
    """Wages of a crew go to one person on pay day; cash taken at night is passed on; one person rents several flats."""
    book = world.bank
    dice = Dice("wages")
    gang = world.open(book, dice, occupation="foreman", income=3100)
    live(world, book, gang, dice, Habits(pay=3100, rent=800, treats=3.5))
    employer = outsider(dice)
    opened = date(2025, 11, 10)
    crew = [
        world.open(
            book,
            dice,
            opened_on=opened + timedelta(days=dice.whole(0, 9)),
            occupation="farm worker",
            income=1900,
            city=gang.city,
        )
        for _ in range(6)
    ]
    for month in book.months():
        for worker in crew:
            at = month + timedelta(days=26) + dice.clock(3, 6)
            wage = dice.about(1760, 0.06)
            book.pay(at, employer, worker.account_id, wage, "ach", "PAYROLL")
            sweep = at + dice.soon(2, 9)
            book.pay(
                sweep,
                worker.account_id,
                gang.account_id,
                round(wage * 0.88 / 1000) * 1000,
                "ach",
                dice.pick(("rent share", "thanks!", "INVOICE")),
            )
            if dice.chance(0.7):
                buy(
                    book,
                    dice,
                    worker,
                    dice.pick(("grocery", "fast_food")),
                    at + timedelta(days=dice.whole(1, 9)) + dice.soon(6, 12),
                )
        for _ in range(3):
            cash_out(
                book,
                dice,
                gang,
                month + timedelta(days=28 + dice.whole(0, 2)) + dice.clock(9, 21),
                dice.tidy(800, 0.15, 50),
            )
        buy(
            book,
            dice,
            gang,
            dice.pick(("jewellery", "bar", "restaurant")),
            month + timedelta(days=3) + dice.clock(12, 22),
            price=320,
        )
    world.plant(
        gang,
        "EU-WAGES-1",
        "labour_exploitation",
        "possible_controller",
        "HT-CTL-04;HT-LAB-03",
        "receives most of the wages of six workers on their pay day",
    )
    for worker in crew:
        world.plant(worker, "EU-WAGES-1", "labour_exploitation", "possible_victim", "HT-LAB-02;HT-CTL-08",
                    "wage leaves to one person within hours; hardly any life on the account")  # fmt: skip

    dice = Dice("night")
    boss = world.open(book, dice, occupation="event manager", income=2200)
    live(world, book, boss, dice, Habits(pay=0, rent=1200, treats=5, cash=0.3))
    girls = [
        world.open(
            book,
            dice,
            opened_on=date(2025, 12, 1) + timedelta(days=dice.whole(0, 20)),
            occupation="waiter",
            income=0,
        )
        for _ in range(3)
    ]
    for person in girls:
        for day in range(8, book.days - 4):
            if not dice.chance(0.19):
                continue
            at = book.day(day) + (dice.clock(22.2, 25.9))
            cents = dice.tidy(330, 0.35, 10)
            cash_in(
                book,
                dice,
                person,
                at,
                cents,
                kind="atm_in",
                city=dice.pick((person.city, person.city, boss.city)),
            )
            book.pay(
                at + dice.soon(0.3, 10),
                person.account_id,
                boss.account_id,
                round(cents * 0.9 / 1000) * 1000,
                "ach",
                dice.pick(NOTES),
            )
            if dice.chance(0.5):
                buy(
                    book,
                    dice,
                    person,
                    dice.pick(("fast_food", "pharmacy", "taxi", "beauty")),
                    at + dice.soon(9, 14),
                    price=16,
                )
        world.plant(
            person,
            "EU-NIGHT-1",
            "sexual_exploitation",
            "possible_victim",
            "HT-NIT-01;HT-P2P-04;VE-DEPSEND-11",
            "cash paid in at night, passed on to one person by morning",
        )
    for month in book.months():
        for flat in range(4):
            book.pay(
                month + timedelta(days=dice.whole(0, 3)) + dice.clock(7, 12),
                boss.account_id,
                f"EXT-9917{flat}",
                dice.tidy(760, 0.02, 10),
                "ach",
                "RENT",
            )
        buy(book, dice, boss, "jewellery", month + timedelta(days=dice.whole(8, 20)) + dice.clock(12, 18))
    world.plant(
        boss,
        "EU-NIGHT-1",
        "sexual_exploitation",
        "possible_controller",
        "HT-CTL-04;HT-RES-01",
        "receives three people's night cash, rents four flats, spends on jewellery",
    )


def shared_wages(world: World) -> None:
    """Wages of several employees arrive in one account; a couple shares one; somebody lives on the cash of his wage."""
    book = world.bank
    dice = Dice("shared wages")
    leader = world.open(book, dice, occupation="team leader", income=2400)
    live(world, book, leader, dice, Habits(pay=2400, rent=750))
    employer = outsider(dice)
    crew = [dice.whole(10_000, 99_999) for _ in range(4)]
    for month in book.months():
        for number in crew:
            at = month + timedelta(days=26) + dice.clock(3, 6)
            book.pay(
                at, employer, leader.account_id, dice.about(1480, 0.08), "ach", f"PAYROLL {number}"
            )
        for _ in range(4):
            at = month + timedelta(days=27 + dice.whole(0, 2)) + dice.clock(9, 21)
            cash_out(book, dice, leader, at, dice.tidy(850, 0.2, 50))
    world.plant(
        leader,
        "EU-WAGES-2",
        "labour_exploitation",
        "possible_controller",
        "HT-LAB-01",
        "wages of four employees of one firm arrive in one account, much of them drawn in cash",
    )

    dice = Dice("shared wages", "couple")
    couple = world.open(book, dice, occupation="warehouse worker", income=2100)
    live(world, book, couple, dice, Habits(pay=0, rent=1100, groceries=6, treats=3))
    employer, numbers = outsider(dice), [dice.whole(10_000, 99_999) for _ in range(2)]
    for month in book.months():
        for number in numbers:
            at = month + timedelta(days=26) + dice.clock(3, 6)
            book.pay(
                at, employer, couple.account_id, dice.about(2050, 0.04), "ach", f"PAYROLL {number}"
            )
    world.resemble(couple, "couple at one employer", "two wages of one employer in the account they share")

    dice = Dice("shared wages", "cash")
    saver = world.open(book, dice, occupation="roofer", income=2300)
    live(world, book, saver, dice, Habits(pay=0, rent=520, treats=0.5, cash=0.3))
    employer, wage = outsider(dice), dice.about(2280, 0.1)
    for month in book.months():
        at = month + timedelta(days=26) + dice.clock(3, 6)
        book.pay(at, employer, saver.account_id, wage, "ach", wage_text(saver))
        drawn = round(wage * (0.45 + 0.2 * dice.draw()) / 5000) * 5000
        cash_out(book, dice, saver, at + dice.soon(6, 20), drawn)
    world.resemble(
        saver, "worker who prefers cash", "draws about half of the wage on pay day and lives on it"
    )


def recruitment(world: World) -> None:
    """A recruiter collects fees from many people, then the money leaves."""
    book = world.ledger
    dice = Dice("recruiter")
    agent = subject(world, book, dice)
    for wave in range(2):
        start = 110 + 90 * wave
        payers = [outsider(dice) for _ in range(13)]
        for payer in payers:
            at = book.day(start + dice.whole(0, 20)) + dice.clock(8, 22)
            cents = dice.pick((1500, 1500, 2400)) * 100
            book.pay(at, payer, agent.account_id, cents, "p2p", dice.pick(COURSES))
            book.pay(
                at + dice.soon(12, 90),
                agent.account_id,
                f"MT-{40_000 + wave}",
                round(cents * 0.7),
                "wire",
                "MONEY TRANSFER",
            )
    world.plant(
        agent,
        "US-RECRUIT-1",
        "labour_exploitation",
        "possible_controller",
        "HT-LAB-05;NW-FANIN-01",
        "placement fees from 26 people, most of it wired abroad within days",
    )


def tour(world: World) -> None:
    """Short stays city after city, meals for several people, refunds of hotels. Cards."""
    book = world.card
    for number in range(3):
        dice = Dice("tour", number)
        account = world.open(book, dice, occupation=dice.pick(("promoter", "driver", "model")), income=1500)
        live(
            world,
            book,
            account,
            dice,
            Habits(pay=0, rent=0, groceries=2.5, treats=3, cash=0, gifts=0, trips=0),
        )
        for wave in range(4):
            start = 12 + 40 * wave + dice.whole(0, 6)
            for stop, city in enumerate(dice.some([place for place in GB if place != account.city], 4)):
                day = book.day(start + 3 * stop)
                merchant, name, mcc, price = shop(dice, "hotel", city)
                rooms = 2 if number == 0 else 1
                for room in range(rooms):
                    book.pay(
                        day + dice.clock(15, 15.5) + timedelta(minutes=room),
                        account.account_id,
                        merchant,
                        dice.about(price * 0.8 * 2, 0.1),
                        "card",
                        name,
                        city,
                        mcc=mcc,
                    )
                if number == 1 and stop % 2:
                    last = book.payments[-1]
                    book.pay(
                        last.at + timedelta(days=2, hours=3),
                        merchant,
                        account.account_id,
                        last.cents,
                        "refund",
                        name,
                        city,
                        mcc=mcc,
                    )
                for meal in range(dice.whole(3, 5)):
                    buy(
                        book,
                        dice,
                        account,
                        dice.pick(("fast_food", "fast_food", "pharmacy", "taxi", "parking", "grocery")),
                        day + timedelta(hours=9 * meal) + dice.clock(11, 14),
                        city,
                    )
        world.plant(account, f"GB-TOUR-{number + 1}", "sexual_exploitation", "unclear", ("HT-MOV-01;HT-MOV-04", "HT-MOV-05", "HT-MOV-01")[number],
                    "two-night stays in four cities within a fortnight, again and again")  # fmt: skip


def wallet_stories(world: World) -> None:
    """Many payers to one person and on to a collector; prepaid, coins and adverts; a pass-through ring."""
    book = world.wallet
    for number in range(2):
        dice = Dice("clients", number)
        collector = world.open(book, dice, occupation="", income=0)
        for _ in range(number + 2):
            person = world.open(
                book,
                dice,
                opened_on=date(2025, 12, 5) + timedelta(days=dice.whole(0, 12)),
                city=dice.pick(US),
            )
            for day in range(6, book.days - 3):
                for _ in range(2 if dice.chance(0.18) else 0):
                    at = book.day(day) + dice.clock(18.5, 26.5)
                    cents = dice.pick((80, 100, 120, 150, 200)) * 100
                    book.pay(
                        at,
                        f"@guest{dice.whole(1000, 9999)}",
                        person.account_id,
                        cents,
                        "p2p",
                        dice.pick(NOTES),
                        person.city,
                    )
                    if dice.chance(0.85):
                        book.pay(
                            at + dice.soon(0.4, 14),
                            person.account_id,
                            collector.account_id,
                            round(cents * 0.8 / 500) * 500,
                            "p2p",
                            dice.pick(NOTES),
                            person.city,
                        )
            for _ in range(9):
                buy(
                    book,
                    dice,
                    person,
                    dice.pick(("fast_food", "pharmacy", "taxi")),
                    book.day(dice.whole(8, book.days - 2)) + dice.clock(11, 23),
                )
            world.plant(person, f"US-CLIENTS-{number + 1}", "sexual_exploitation", "possible_victim", "HT-P2P-01;HT-P2P-02;HT-P2P-04",
                        "evening receipts at list prices from people who do not come back, most passed on to one person")  # fmt: skip
        for day in range(10, book.days - 4, 6):
            at = book.day(day) + dice.clock(10, 20)
            book.pay(
                at,
                collector.account_id,
                "BANK-TRANSFER",
                dice.tidy(700, 0.3, 50),
                "cash_out_bank",
                "cash out",
            )
            if dice.chance(0.6):
                buy(
                    book,
                    dice,
                    collector,
                    dice.pick(("jewellery", "bar", "restaurant", "clothes")),
                    at + dice.soon(1, 9),
                    price=140,
                )
        world.plant(
            collector,
            f"US-CLIENTS-{number + 1}",
            "sexual_exploitation",
            "possible_controller",
            "HT-CTL-04",
            "receives the takings of several people, spends them on a good life",
        )

    for number in range(2):
        dice = Dice("coins", number)
        account = world.open(book, dice)
        for wave in range(9):
            start = book.day(9 + 19 * wave + dice.whole(0, 4)) + dice.clock(15, 21)
            total = 0
            for _ in range(dice.whole(3, 5)):
                cents = dice.tidy(90, 0.5, 10)
                total += cents
                book.pay(
                    start - dice.soon(0.5, 20),
                    f"@guest{dice.whole(1000, 9999)}",
                    account.account_id,
                    cents,
                    "p2p",
                    dice.pick(NOTES),
                    account.city,
                )
            card = f"PREPAID-{dice.whole(1000, 9999)}"
            load = total * 6 // 10 // 500 * 500
            book.pay(
                start + dice.soon(0.2, 3),
                account.account_id,
                card,
                load,
                "prepaid",
                "card load",
                account.city,
            )
            coin = start + dice.soon(4, 18)
            book.pay(
                coin,
                account.account_id,
                "COINDESKER",
                round(load * 0.94 / 100) * 100,
                "crypto",
                "buy coin",
                account.city,
            )
            for advert in range(3):
                book.pay(
                    coin + dice.soon(1, 40),
                    account.account_id,
                    "M-71180",
                    dice.pick((900, 1500, 2400)),
                    "merchant",
                    "CITYADS ONLINE",
                    account.city,
                    mcc="7311",
                )
        world.plant(
            account,
            f"US-COINS-{number + 1}",
            "online_adverts",
            "possible_controller",
            "HT-ADS-10;CR-ONRAMP-01",
            "receipts from strangers become prepaid loads, coins and adverts within days",
        )

    dice = Dice("wallet ring")
    ring = [world.open(book, dice) for _ in range(4)]
    for turn in range(16):
        at = book.day(12 + 2 * turn + 40 * (turn // 5)) + dice.clock(9, 18)
        cents = dice.about(1700, 0.4)
        payer = f"@guest{dice.whole(1000, 9999)}"
        for member in ring:
            book.pay(at, payer, member.account_id, cents, "p2p", dice.pick(NOTES))
            payer, cents, at = (
                member.account_id,
                round(cents * (0.92 + 0.06 * dice.draw())),
                at + dice.soon(0.2, 5),
            )
        book.pay(at, payer, "BANK-TRANSFER", cents, "cash_out_bank", "cash out")
    live_wallets(world, ring)
    for member in ring:
        world.plant(
            member,
            "US-RING-1",
            "pass_through",
            "possible_mule",
            "VE-MIRROR-08",
            "passes each receipt on within hours, keeping a few percent",
        )


STEPS = (10_000, 5_000, 1_000, 500, 100, 1)  # how round an amount is


def doubles(world: World, book: Book, count: int) -> None:
    """Innocent people whose amounts are those of the cases: without them the amounts alone would tell who is planted.

    Each has the amounts of one planted account, a little changed and as round, with the same sign, but at other
    times and for other reasons: regular clients, suppliers and shops in place of cash, strangers and relays.
    """
    planted = [row["account_id"] for row in world.planted if row["account_id"] in book.accounts]
    rows: dict[str, list[Payment]] = {account: [] for account in planted}
    for payment in book.payments:
        for account in (payment.payer, payment.payee):
            if account in rows:
                rows[account].append(payment)
    for original in planted:
        for number in range(count):
            dice = Dice(book.name, "double", original, number)
            job = "" if book.name == "wallet" else dice.pick(JOBS[book.name])
            income = book.accounts[original].income
            account = world.open(book, dice, occupation=job, income=income)
            regulars = [
                f"@guest{dice.whole(1000, 9999)}" if book.name == "wallet" else outsider(dice)
                for _ in range(5)
            ]
            for payment in rows[original]:
                step = next(step for step in STEPS if payment.cents % step == 0)
                cents = max(step, round(payment.cents * math.exp(0.06 * dice.normal()) / step) * step)
                at = book.day(dice.whole(0, book.days - 1)) + dice.clock(8.2, 19.8)
                receives = payment.payee == original
                other = payment.payer if receives else payment.payee
                ordinary = payment.kind in ("card", "refund", "bill", "top_up", "cash_out_bank") or (
                    payment.kind == "atm_out" and cents <= 60_000
                )
                if ordinary:
                    pair = (other, account.account_id) if receives else (account.account_id, other)
                    place = account.city if payment.located else ""
                    book.pay(
                        at,
                        *pair,
                        cents,
                        payment.kind,
                        payment.text,
                        place,
                        mcc=payment.mcc,
                        terminal=payment.terminal and machine(dice, place),
                    )
                else:
                    regular = dice.pick(regulars[:3] if receives else regulars[3:])
                    pair = (regular, account.account_id) if receives else (account.account_id, regular)
                    wallet = book.name == "wallet"
                    # A personal number belongs to one person: a double's wages name none.
                    said = "PAYROLL" if payment.text.startswith("PAYROLL ") else payment.text
                    text = (
                        said if payment.kind == "ach" else dice.pick(NOTES) if wallet else "INVOICE"
                    )
                    book.pay(
                        at, *pair, cents, "p2p" if wallet else "ach", text, account.city if wallet else ""
                    )
            world.resemble(
                account, "regular clients", "amounts of a case, earned and spent in an ordinary way"
            )


def live_wallets(world: World, accounts: list[Account]) -> None:
    """What people do with a wallet: split bills, top up, cash out, buy; sellers, hosts and treasurers among them."""
    book = world.wallet
    for account in accounts:
        dice = Dice("wallet life", account.account_id)
        circle = dice.some(accounts, min(6, len(accounts)))
        sells, hosts = (dice.chance(0.1), dice.chance(0.06)) if len(accounts) > 6 else (False, False)
        for _ in range(dice.whole(14, 34)):
            at = book.day(dice.whole(0, book.days - 1)) + dice.clock(8, 26)
            friend = dice.pick(circle)
            if friend is account:
                continue
            cents = dice.tidy(42, 1.0, 5) if dice.chance(0.6) else dice.about(33, 0.9)
            status = "failed" if dice.chance(0.015) else "completed"
            pair = (account, friend) if dice.chance(0.5) else (friend, account)
            book.pay(
                at,
                pair[0].account_id,
                pair[1].account_id,
                cents,
                "p2p",
                dice.pick(NOTES),
                pair[0].city,
                status=status,
            )
        for _ in range(dice.whole(2, 6)):
            at = book.day(dice.whole(0, book.days - 1)) + dice.clock(7, 22)
            book.pay(at, "BANK-TRANSFER", account.account_id, dice.tidy(110, 0.7, 10), "top_up", "top up")
        for _ in range(dice.whole(1, 5)):
            at = book.day(dice.whole(0, book.days - 1)) + dice.clock(9, 22)
            book.pay(
                at, account.account_id, "BANK-TRANSFER", dice.tidy(180, 0.8, 10), "cash_out_bank", "cash out"
            )
        for _ in range(dice.whole(1, 7)):
            kind = dice.pick(
                ("fast_food", "restaurant", "taxi", "grocery", "bar", "pharmacy", "clothes", "jewellery")
            )
            buy(
                book,
                dice,
                account,
                kind,
                book.day(dice.whole(0, book.days - 1)) + dice.clock(9, 24),
                price=90 if kind == "jewellery" else 0,
            )
        if dice.chance(0.12):
            at = book.day(dice.whole(0, book.days - 1)) + dice.clock(9, 22)
            book.pay(
                at,
                account.account_id,
                f"PREPAID-{dice.whole(1000, 9999)}",
                dice.tidy(100, 0.5, 25),
                "prepaid",
                "card load",
                account.city,
            )
        if dice.chance(0.12):
            for _ in range(dice.whole(2, 7)):
                at = book.day(dice.whole(0, book.days - 1)) + dice.clock(9, 23)
                book.pay(
                    at,
                    account.account_id,
                    "COINDESKER",
                    dice.tidy(120, 0.9, 10),
                    "crypto",
                    "buy coin",
                    account.city,
                )
        if sells or hosts:
            for _ in range(dice.whole(24, 55)):
                at = book.day(dice.whole(0, book.days - 1)) + (
                    dice.clock(17, 25) if hosts else dice.clock(8, 22)
                )
                cents = dice.tidy(120, 0.35, 10) if hosts else dice.about(55, 0.8)
                book.pay(
                    at,
                    f"@guest{dice.whole(1000, 9999)}",
                    account.account_id,
                    cents,
                    "p2p",
                    dice.pick(NOTES),
                    account.city,
                )
            for _ in range(dice.whole(2, 9)):
                at = book.day(dice.whole(0, book.days - 1)) + dice.clock(9, 23)
                book.pay(
                    at,
                    account.account_id,
                    "M-71180",
                    dice.pick((900, 1500, 2400)),
                    "merchant",
                    "CITYADS ONLINE",
                    account.city,
                    mcc="7311",
                )
            for day in range(20, book.days, 14):
                book.pay(
                    book.day(day) + dice.clock(9, 21),
                    account.account_id,
                    "BANK-TRANSFER",
                    dice.tidy(380, 0.4, 10),
                    "cash_out_bank",
                    "cash out",
                )
            world.resemble(
                account,
                "marketplace seller" if sells else "host or hairdresser",
                "many payers who do not come back; cashes out now and then",
            )


def live_cards(world: World, accounts: list[Account]) -> None:
    """What people put on a credit card, and the payment of the bill."""
    book = world.card
    for account in accounts:
        dice = Dice("card life", account.account_id)
        habits = Habits(
            pay=0,
            rent=0,
            groceries=3.5 + 3 * dice.draw(),
            treats=3 + 4 * dice.draw(),
            cash=0,
            gifts=0,
            trips=0.25 * dice.draw(),
        )
        live(world, book, account, dice, habits)
    for account in book.accounts.values():
        dice = Dice("card bill", account.account_id)
        for month in book.months():
            spent = sum(
                p.cents
                for p in book.payments
                if p.payer == account.account_id and (p.at.year, p.at.month) == (month.year, month.month)
            )
            book.pay(
                month + timedelta(days=34 + dice.whole(0, 4)) + dice.clock(3, 7),
                "PAYMENT",
                account.account_id,
                spent if dice.chance(0.8) else spent // 2,
                "bill",
                "PAYMENT RECEIVED - THANK YOU",
            )


def make() -> World:
    """The whole world: people, look-alikes, cases."""
    world = World()
    ledger, bank, wallet, card = world.books
    people = {
        book.name: populate(world, book, count)
        for book, count in ((ledger, 120), (bank, 64), (wallet, 72), (card, 36))
    }
    for book in (ledger, bank):
        live_all(world, book, people[book.name])
        shopkeepers(world, book)
        movers(world, book)
        students(world, book)
        remitters(world, book)
        sellers(world, book)
        independents(world, book)
        treasurers(world, book)
        schools(world, book)
    live_wallets(world, people["wallet"])
    structurers(world, ledger, "US")
    structurers(world, bank, "EU")
    instruments(world)
    mules(world, ledger, "US")
    mules(world, bank, "EU")
    sleepers(world)
    wage_sweep(world)
    shared_wages(world)
    recruitment(world)
    wallet_stories(world)
    movers(world, card)
    tour(world)
    for book, count in ((ledger, 3), (bank, 1), (wallet, 1), (card, 2)):
        doubles(world, book, count)
    live_cards(world, people["card"])
    return world


# Writing as the sources write ----------------------------------------------------------------------------------------


def in_order(book: Book) -> list[tuple[datetime, Payment]]:
    """UTC instant and payment, in order of time; ties by content, so that the order of making leaves no trace."""
    rows = []
    for payment in book.payments:
        aware = payment.at.replace(tzinfo=ZoneInfo(ZONES[payment.city])).astimezone(ZoneInfo("UTC"))
        if book.first <= aware.date() <= book.last:
            rows.append((aware, payment))
    return sorted(rows, key=lambda row: (row[0], row[1].payer, row[1].payee, row[1].cents))


def country(city: str) -> str:
    """Country code of a city."""
    zone = ZONES[city]
    return COUNTRY.get(zone, COUNTRY.get(zone.split("/")[0], ""))


def german(cents: int) -> str:
    """1.234,56"""
    return f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))


BANK_WORDS = {"cash_in": "Bareinzahlung", "atm_in": "Einzahlautomat", "cash_out": "Barauszahlung", "atm_out": "Geldautomat",
              "card": "Kartenzahlung", "wire": "Auslandszahlung", "ach": "Überweisung", "p2p": "Echtzeitüberweisung",
              "check": "Scheck"}  # fmt: skip
BANK_TEXTS = {"PAYROLL": "Lohn/Gehalt", "RENT": "Miete", "PHONE": "Mobilfunk", "ELECTRICITY": "Abschlag Strom",
              "SUBSCRIPTION": "Abo", "INVOICE": "Rechnung", "TRADE": "Handelsware", "EXPENSES": "Reisekosten",
              "FAMILY SUPPORT": "Unterstützung Familie", "POSTAGE": "Porto", "MORTGAGE": "Darlehensrate",
              "PAYROLL FUNDING": "Lohnlauf", "savings club": "Sparclub", "rent share": "Mietanteil", "thanks!": "danke",
              "thank you": "danke dir", "dinner": "Essen", "birthday": "Geburtstag", "tickets": "Karten"}  # fmt: skip
IBAN = "DE00{:>018}"  # check digits 00 never occur: no such account can exist


def bank_text(text: str) -> str:
    """A payment's text as the bank's customers write it; the number behind a wage is kept."""
    first, _, number = text.partition(" ")
    if number.isdigit() and first == "PAYROLL":
        return f"{BANK_TEXTS[first]} Pers.-Nr. {number}"
    return BANK_TEXTS.get(text, text)


def write_bank(book: Book, folder: Path) -> None:
    """Bank export: CP1252, semicolons, decimal comma, letterhead above, totals below, one row per account and booking."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, delimiter=";", lineterminator="\r\n")
    lines.writerow(["Musterbank Nord eG"])
    lines.writerow(["Umsatzauskunft über mehrere Konten"])
    lines.writerow(["Zeitraum", f"{book.first:%d.%m.%Y} - {book.last:%d.%m.%Y}"])
    lines.writerow(["Konten", str(len(book.accounts))])
    lines.writerow([])
    lines.writerow(["Konto", "Buchungstag", "Uhrzeit", "Buchungstext", "Auftraggeber/Empfänger", "Gegenkonto",
                    "Verwendungszweck", "Betrag", "Währung", "S/H", "Saldo", "Ort", "Automat/Filiale", "Einzahler"])  # fmt: skip
    start = Dice("bank balances")
    balances = {account: start.about(2600, 0.8) for account in sorted(book.accounts)}
    for utc, payment in in_order(book):
        local = utc.astimezone(ZoneInfo("Europe/Berlin"))
        for account, other, side in (
            (payment.payer, payment.payee, "S"),
            (payment.payee, payment.payer, "H"),
        ):
            if account not in book.accounts:
                continue
            balances[account] += payment.cents if side == "H" else -payment.cents
            cash = other == CASH
            held = book.accounts.get(other)
            outside = IBAN.format(other.replace("EXT-", "77").replace("MT-", "88").replace("M-", "99"))
            number = "" if cash else other if held else outside
            name = held.name if held else payment.text.title() if payment.kind == "card" else ""
            purpose = (
                bank_text(payment.text)
                if payment.kind != "card"
                else f"{local:%d.%m.} Karte 1"
            )
            lines.writerow([account, f"{local:%d.%m.%Y}", f"{local:%H:%M:%S}", BANK_WORDS[payment.kind], name, number, purpose,
                            german(payment.cents), "EUR", side, german(balances[account]), payment.city if payment.located else "",
                            payment.terminal, payment.conductor if payment.kind == "cash_in" else ""])  # fmt: skip
    body = list(in_order(book))
    credit = sum(payment.cents for _, payment in body if payment.payee in book.accounts)
    debit = sum(payment.cents for _, payment in body if payment.payer in book.accounts)
    lines.writerow([])
    lines.writerow(["Summe Haben", german(credit)])
    lines.writerow(["Summe Soll", german(debit)])
    lines.writerow(["Ende der Liste"])
    (folder / "bank_umsaetze.csv").write_bytes(out.getvalue().encode("cp1252"))


LEDGER_WORDS = {"cash_in": "CASH DEPOSIT", "atm_in": "ATM DEPOSIT", "cash_out": "CASH WITHDRAWAL", "atm_out": "ATM WITHDRAWAL",
                "card": "CARD", "wire": "WIRE", "ach": "ACH", "p2p": "P2P", "check": "MONEY ORDER", "crypto": "CRYPTO",
                "prepaid": "PREPAID"}  # fmt: skip


def write_ledger(book: Book, folder: Path) -> None:
    """Core-banking extract: Parquet, payer and payee in one row, UTC."""
    rows = []
    for number, (utc, payment) in enumerate(in_order(book)):
        rows.append({
            "tx_id": f"T{7_000_000 + number}", "ts": utc.replace(tzinfo=None), "from_account": payment.payer,
            "to_account": payment.payee, "amount": payment.cents, "currency": "USD", "channel": LEDGER_WORDS[payment.kind],
            "mcc": payment.mcc or None, "memo": payment.text or None, "city": payment.city if payment.located else None,
            "country": country(payment.city) if payment.located else None, "branch": payment.terminal or None,
            "conductor_id": payment.conductor or None,
        })  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        amount=(pl.col("amount").cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(18, 2)),
        ts=pl.col("ts").cast(pl.Datetime("us", "UTC")),
    )
    frame.write_parquet(folder / "ledger.parquet", compression="zstd", compression_level=19, statistics=False)


WALLET_WORDS = {"p2p": "payment", "top_up": "top_up", "cash_out_bank": "cash_out", "card": "merchant", "merchant": "merchant",
                "prepaid": "prepaid_load", "crypto": "coin_purchase"}  # fmt: skip


def write_wallet(book: Book, folder: Path) -> None:
    """Wallet export: first quarter as CSV, second as NDJSON; times with the offset of the sender's clock."""
    phones: dict[str, str] = {}
    rows = []
    for number, (utc, payment) in enumerate(in_order(book)):
        local = utc.astimezone(ZoneInfo(ZONES[payment.city]))
        fee = payment.cents * 15 // 1000 if payment.kind == "cash_out_bank" else 0
        dice = Dice("device", payment.payer)
        device = phones.setdefault(payment.payer, f"dev-{dice.whole(16**7, 16**8 - 1):08x}")
        rows.append({
            "id": f"pp_{Dice('wallet id', number).whole(16**9, 16**10 - 1):010x}", "created_at": local.isoformat(), "type": WALLET_WORDS[payment.kind],
            "status": payment.status, "sender": payment.payer, "recipient": payment.payee, "amount": f"{payment.cents / 100:.2f}",
            "currency": "USD", "fee": f"{fee / 100:.2f}", "note": payment.text, "sender_device": device if payment.payer in book.accounts else "",
            "mcc": payment.mcc, "city": payment.city if payment.located else "", "country": country(payment.city) if payment.located else "",
        })  # fmt: skip
    split = next(number for number, row in enumerate(rows) if row["created_at"] >= "2026-04")
    with (folder / "wallet_2026q1.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows[:split])
    with (folder / "wallet_2026q2.ndjson").open("w", encoding="utf-8", newline="\n") as file:
        for row in rows[split:]:
            said = {name: value for name, value in row.items() if value != ""}
            file.write(json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_card(book: Book, folder: Path) -> None:
    """Card statement: what is owed is positive, payments and refunds negative; thousands marked by commas."""
    with (folder / "card_statement.csv").open("w", encoding="utf-8-sig", newline="") as file:
        lines = csv.writer(file, lineterminator="\r\n")
        lines.writerow(
            [
                "Account",
                "Reference",
                "Date",
                "Time",
                "Description",
                "Merchant ID",
                "MCC",
                "City",
                "Country",
                "Amount (GBP)",
            ]
        )
        for number, (utc, payment) in enumerate(in_order(book)):
            local = utc.astimezone(ZoneInfo("Europe/London"))
            spends = payment.payer in book.accounts
            account, merchant = (payment.payer, payment.payee) if spends else (payment.payee, payment.payer)
            if merchant.startswith("EXT-"):
                merchant = merchant.replace("EXT-", "M-2")
            amount = f"{'' if spends else '-'}{payment.cents / 100:,.2f}"
            lines.writerow([account, f"{26_000_000 + number}", f"{local:%d/%m/%Y}", f"{local:%H:%M:%S}", payment.text, "" if merchant == "PAYMENT" else merchant,
                            payment.mcc or ("4814" if payment.text == "PHONE" else ""), payment.city if payment.located else "",
                            country(payment.city) if payment.located else "", amount])  # fmt: skip


def write_csv(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """A plain CSV with header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


def write_accounts(world: World, folder: Path) -> None:
    """Accounts master of all institutions, by account number."""
    rows = []
    for book in world.books:
        for account in book.accounts.values():
            rows.append({
                "account_id": account.account_id, "institution": book.name, "holder_id": account.holder_id, "holder_name": account.name,
                "type": "company" if account.kind == "business" else "private", "opened_on": account.opened_on.isoformat(), "phone": account.phone,
                "email": account.email, "home_city": account.city, "country": country(account.city), "occupation": account.occupation,
                "stated_monthly_income": account.income or "",
            })  # fmt: skip
    write_csv(folder / "accounts.csv", sorted(rows, key=lambda row: str(row["account_id"])))


def write_all(folder: Path) -> World:
    """Make everything and write it into `folder`."""
    world = make()
    folder.mkdir(parents=True, exist_ok=True)
    write_bank(world.bank, folder)
    write_ledger(world.ledger, folder)
    write_wallet(world.wallet, folder)
    write_card(world.card, folder)
    write_accounts(world, folder)
    write_csv(
        folder / "planted.csv", sorted(world.planted, key=lambda row: (row["case_id"], row["account_id"]))
    )
    write_csv(
        folder / "look_alikes.csv",
        sorted(world.look_alikes, key=lambda row: (row["kind"], row["account_id"])),
    )
    return world


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
