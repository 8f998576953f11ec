"""Ordinary life, and people who look like an episode and are none."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np

from finpat.simulation.book import CITIES, START, Account, Book

FAR = list(CITIES)
WORDS = (
    "amber avenue balcony bath blue breeze candle charm coffee corner curtain dance dawn dream early elegant "
    "evening fair feather flower friend garden gentle glass golden guest happy harbour heart hello honest "
    "hour island jazz joy kind lake lamp laugh lemon light linen little lovely lucky magic marble melody "
    "midnight mirror moon morning music near new night ocean orange parlour peach pearl piano picture quiet "
    "rain river rose ruby sea secret silk silver sky smile soft song spring star story summer sun sweet tea "
    "velvet violet visit voice warm weekend whisper white window winter wine"
).split()


def at(day: float, hour: float = 12.0) -> datetime:
    """Local time of a day of the world."""
    return START + timedelta(days=day, hours=hour)


def prose(dice: np.random.Generator, count: int = 18) -> str:
    """The words of an advert, of one poster's own choosing."""
    return " ".join(str(word) for word in dice.choice(WORDS, count, replace=False))


def live(
    book: Book,
    account: Account,
    dice: np.random.Generator,
    share: float = 1.0,
    away: Collection[int] = (),
) -> None:
    """Wage, rent, shops, cash and friends; `share` of what an ordinary month holds. away: days elsewhere."""
    wage = int(dice.normal(310_000, 60_000))
    employer, landlord = f"EMP{dice.integers(40)}", f"LL{dice.integers(200)}"
    for month in range(0, book.days, 30):
        if dice.random() < share:
            book.pay(
                account,
                at(month + 1, 9),
                wage,
                "credit",
                "transfer",
                counterparty_id=employer,
                description="Salary",
            )
        if dice.random() < share:
            book.pay(
                account,
                at(month + 3, 9),
                int(wage * 0.3),
                "debit",
                "transfer",
                counterparty_id=landlord,
                description="Rent",
            )
            book.buy(account, at(month + 5, 10), int(dice.normal(6_000, 900)), account.home, "4900", "POWER")
            book.buy(
                account, at(month + 6, 10), int(dice.normal(4_500, 500)), account.home, "4814", "PHONECO"
            )
    for day in (day for day in range(book.days) if day not in away):
        for category, shop, median, rate in (
            ("5411", "MARKET", 4_200, 0.35),
            ("5812", "DINER", 2_600, 0.15),
            ("5541", "FUEL", 3_800, 0.12),
            ("5912", "PHARMACY", 1_900, 0.04),
            ("5651", "CLOTHES", 5_500, 0.05),
        ):
            if dice.random() < rate * share:
                cents = int(median * dice.lognormal(0, 0.5))
                book.buy(
                    account,
                    at(day, dice.uniform(8, 21)),
                    cents,
                    account.home,
                    category,
                    f"{shop}{dice.integers(30)}",
                )
        if dice.random() < 0.06 * share:
            book.cash(
                account,
                at(day, dice.uniform(9, 22)),
                2_000 * int(dice.integers(1, 8)),
                "debit",
                account.home,
                str(dice.integers(6)),
            )


def befriend(book: Book, people: list[Account]) -> None:
    """Small payments among friends, now and then."""
    dice = book.dice("friends")
    for _ in range(len(people) * book.days // 40):
        one, other = dice.choice(len(people), 2, replace=False)
        book.move(
            people[one],
            people[other],
            at(int(dice.integers(book.days)), dice.uniform(10, 23)),
            100 * int(dice.integers(5, 80)),
            description="thanks",
        )


def independents(book: Book, number: int) -> None:
    """Somebody who advertises the own work, travels for it and lives from it."""
    dice = book.dice("independent", number)
    who = book.open("independent", number, FAR[number % len(FAR)])
    live(book, who, dice, 0.6, {day for day in range(book.days) if day % 7 <= 2})
    text = prose(dice)
    for week in range(0, book.days - 7, 7):
        city = FAR[int(dice.integers(len(FAR)))]
        for day in (week, week + 2):
            book.advertise(who, at(day, dice.uniform(9, 20)), city, who.phone, text, 1_900)
        book.buy(who, at(week + 2, 11), int(dice.normal(24_000, 4_000)), city, "7011", f"INN {city}")
        book.cash(who, at(week + 2, 15), 100 * int(dice.integers(200, 600)), "credit", city)


def travellers(book: Book, number: int) -> None:
    """A salesperson: rooms in many cities, paid back by the employer."""
    dice = book.dice("traveller", number)
    who = book.open("traveller", number, FAR[number % len(FAR)])
    live(book, who, dice, 1.0, {day for day in range(book.days) if day % 7 in (1, 2)})
    for week in range(0, book.days, 7):
        city = FAR[int(dice.integers(len(FAR)))]
        spent = int(dice.normal(38_000, 8_000))
        book.buy(who, at(week + 1, 20), spent, city, "7011", f"HOTEL {city}")
        book.buy(who, at(week + 2, 8), 3_000, city, "4121", "CABS")
        book.pay(
            who,
            at(week + 9, 9),
            spent + 3_000,
            "credit",
            "transfer",
            counterparty_id="FIRM",
            description="travel expenses",
        )


def shops(book: Book, number: int) -> None:
    """A shop that banks its takings in cash."""
    dice = book.dice("shop", number)
    shop = book.open("shop", number, FAR[number % len(FAR)], holder_type="business")
    for day in range(0, book.days, 2):
        book.cash(shop, at(day, 18), int(380_000 * dice.lognormal(0, 0.35)), "credit", shop.home)
        book.pay(
            shop,
            at(day, 20),
            int(120_000 * dice.lognormal(0, 0.3)),
            "credit",
            "card",
            counterparty_id="ACQ",
            merchant_category="5812",
        )
        book.pay(
            shop,
            at(day + 1, 10),
            int(300_000 * dice.lognormal(0, 0.3)),
            "debit",
            "transfer",
            counterparty_id=f"SUP{dice.integers(9)}",
            description="Invoice",
        )


def families(book: Book, number: int) -> None:
    """A parent who pays the children's rent and tops them up; a club whose treasurer collects dues."""
    dice = book.dice("family", number)
    parent = book.open("parent", number, FAR[number % len(FAR)])
    live(book, parent, dice)
    for child in range(3):
        student = book.open(f"child{child}", number, FAR[(number + child + 1) % len(FAR)])
        live(book, student, dice, 0.3)
        for month in range(0, book.days, 30):
            book.pay(
                parent,
                at(month + 2 + child, 9),
                62_000,
                "debit",
                "transfer",
                counterparty_id=f"DORM{number}{child}",
                description="Rent",
            )
            book.move(parent, student, at(month + 4, 18), 30_000, description="allowance")
    treasurer = book.open("treasurer", number, parent.home)
    live(book, treasurer, dice)
    for month in range(0, book.days, 30):
        for member in range(18):
            book.pay(
                treasurer,
                at(month + 1 + member % 5, 19),
                2_500,
                "credit",
                "p2p",
                counterparty_id=f"MEMBER{number}-{member}",
                description="dues",
            )


INNOCENTS = {"independent": independents, "traveller": travellers, "shop": shops, "family": families}
