"""Episodes as advisories and court records describe them; no number is taken from an indicator's parameters.

Difficulty fades an episode: fewer of its payments happen, they come later and with more scatter, and more
ordinary life runs over the same accounts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from finpat.simulation.book import Book
from finpat.simulation.people import FAR, at, live, prose


@dataclass
class Fading:
    """What difficulty takes away."""

    difficulty: float
    dice: np.random.Generator

    def happens(self) -> bool:
        """Whether one payment of the episode happens."""
        return bool(self.dice.random() > 0.7 * self.difficulty)

    def after(self, hours: float) -> float:
        """Hours that pass where the book says `hours`."""
        return hours * (1 + 8 * self.difficulty * self.dice.random())

    def share(self, share: float) -> float:
        """Part of the money that is passed on where the book says `share`."""
        return share * (1 - 0.6 * self.difficulty * self.dice.random())

    def life(self, share: float) -> float:
        """How much of an ordinary life runs over the account where the book says `share`."""
        return share + (1 - share) * self.difficulty


def _start(book: Book, name: str, number: int) -> tuple[np.random.Generator, Fading]:
    dice = book.dice(name, number)
    return dice, Fading(book.difficulty, dice)


def touring(book: Book, number: int) -> None:
    """Advertised on tour: one pays adverts and rooms for several, who are moved on and swept every night."""
    dice, fading = _start(book, "touring", number)
    payer = book.open("touring", number, FAR[number % len(FAR)])
    live(book, payer, dice, 0.5)
    moved = [book.open(f"touring-{n}", number, payer.home) for n in range(3)]
    texts = [prose(dice) for _ in moved]
    for one in moved:
        live(book, one, dice, fading.life(0.0))
    for step, day in enumerate(range(10, book.days - 5, 4)):
        city = FAR[(number + step**2) % len(FAR)]
        for n, one in enumerate(moved):
            for extra in (0, 1, 2):
                if fading.happens():
                    book.advertise(
                        payer,
                        at(day + extra, dice.uniform(10, 20)),
                        city,
                        one.phone,
                        texts[n],
                        1_200 * (1 + n),
                    )
            for extra in (0, 1, 2):
                taken = 0
                for guest in range(int(dice.integers(2, 6))):
                    if fading.happens():
                        cents = 2_000 * int(dice.integers(4, 12))
                        taken += cents
                        book.pay(
                            one,
                            at(day + extra, dice.uniform(20, 23.5)),
                            cents,
                            "credit",
                            "p2p",
                            counterparty_id=f"G{number}-{step}-{n}-{extra}-{guest}",
                        )
                if taken:
                    book.move(
                        one, payer, at(day + extra, 23.6 + fading.after(4)), int(taken * fading.share(0.9))
                    )
        for night in (0, 2):
            if fading.happens():
                for room in (0, 1):
                    book.buy(
                        payer, at(day + night, 14 + room / 9), 11_900 + room, city, "7011", f"MOTEL {city}"
                    )
        if fading.happens():
            book.buy(moved[0], at(day + 1, 13), 1_900, city, "5814", f"BURGERS {city}")
            book.cash(moved[0], at(day + 1, 22.5), 20_000, "debit", city)
    book.tell(
        "touring", number, [(payer, "possible_controller"), *((one, "possible_victim") for one in moved)]
    )


def flats(book: Book, number: int) -> None:
    """Private residences: one rents several flats, advertises there, and takes what is earned in cash."""
    dice, fading = _start(book, "flats", number)
    tenant = book.open("flats", number, FAR[number % len(FAR)])
    live(book, tenant, dice, fading.life(0.1))
    texts = [prose(dice) for _ in range(4)]
    phones = [f"+1646{number % 1000:03d}{n:04d}" for n in range(4)]
    for month in range(0, book.days, 30):
        for flat in range(4):
            if fading.happens():
                book.pay(
                    tenant,
                    at(month + 1 + fading.after(12) / 24, 10),
                    140_000 + 7_000 * flat,
                    "debit",
                    "transfer",
                    counterparty_id=f"FLAT{number}-{flat}",
                    description="Rent",
                    city=tenant.home,
                )
    for day in range(2, book.days):
        for n, phone in enumerate(phones):
            if dice.random() < 0.3 and fading.happens():
                book.advertise(
                    tenant, at(day, dice.uniform(8, 22)), tenant.home, phone, texts[n], 900 + 300 * n
                )
        if dice.random() < 0.4 and fading.happens():
            book.cash(
                tenant,
                at(day, dice.uniform(22, 24)),
                5_000 * int(dice.integers(6, 30)),
                "credit",
                tenant.home,
            )
    book.tell("flats", number, [(tenant, "possible_controller")])


def labour(book: Book, number: int) -> None:
    """Labour exploitation: wages of one employer leave for one overseer within a day, month after month."""
    dice, fading = _start(book, "labour", number)
    overseer = book.open("labour", number, FAR[number % len(FAR)])
    live(book, overseer, dice, 0.6)
    workers = [book.open(f"labour-{n}", number, overseer.home) for n in range(6)]
    for one in workers:
        live(book, one, dice, fading.life(0.0) * 0.5)
    for week in range(0, book.days - 7, 14):
        for one in workers:
            wage = int(dice.normal(118_000, 6_000))
            book.pay(
                one,
                at(week + 4, 9),
                wage,
                "credit",
                "transfer",
                counterparty_id=f"FARM{number}",
                description="Wages",
            )
            if fading.happens():
                book.move(
                    one,
                    overseer,
                    at(week + 4, 9 + fading.after(dice.uniform(1, 8))),
                    int(wage * fading.share(0.8)),
                )
            elif fading.happens():
                book.cash(one, at(week + 4, 18), 20_000 * (wage // 40_000), "debit", one.home, "7")
    book.tell(
        "labour", number, [(overseer, "possible_controller"), *((one, "possible_victim") for one in workers)]
    )


def recruitment(book: Book, number: int) -> None:
    """Fees for jobs that do not exist: many pay one account, which is emptied by remittance and in cash."""
    dice, fading = _start(book, "recruitment", number)
    agency = book.open("recruitment", number, FAR[number % len(FAR)])
    live(book, agency, dice, fading.life(0.2))
    for day in range(5, book.days - 5):
        if dice.random() < 0.5 and fading.happens():
            fee = int(dice.choice([45_000, 90_000])) + int(20_000 * book.difficulty * dice.random())
            words = dice.choice(["visa fee", "training fee", "job placement"])
            book.pay(
                agency,
                at(day, dice.uniform(8, 20)),
                fee,
                "credit",
                "transfer",
                counterparty_id=f"APPLICANT{number}-{day}",
                description=str(words),
            )
            out = int(fee * fading.share(0.9))
            when = at(day, 20 + fading.after(20))
            if dice.random() < 0.5:
                book.pay(
                    agency,
                    when,
                    out,
                    "debit",
                    "transfer",
                    counterparty_id="MTO",
                    counterparty_name="money transfer",
                    description="remittance",
                )
            else:
                book.cash(agency, when, out, "debit", agency.home)
    book.tell("recruitment", number, [(agency, "possible_controller")])


def parlour(book: Book, number: int) -> None:
    """An illicit parlour: card takings at night, staff who are swept, takings banked just below 10,000."""
    dice, fading = _start(book, "parlour", number)
    house = book.open("parlour", number, FAR[number % len(FAR)], holder_type="business")
    keeper = book.open("parlour-keeper", number, house.home)
    live(book, keeper, dice, fading.life(0.3))
    staff = [book.open(f"parlour-{n}", number, house.home) for n in range(4)]
    for one in staff:
        live(book, one, dice, fading.life(0.0))
    for day in range(1, book.days):
        for _ in range(int(dice.integers(2, 7))):
            hour = dice.uniform(22, 27) if fading.happens() else dice.uniform(10, 20)
            book.pay(
                house,
                at(day, hour),
                2_000 * int(dice.integers(4, 12)),
                "credit",
                "card",
                counterparty_id="ACQ",
                merchant_category="7297",
                city=house.home,
            )
        if day % 3 == 0 and fading.happens():
            book.cash(
                house, at(day, 11), int(dice.uniform(820_000, 990_000)), "credit", house.home, str(day % 5)
            )
            book.move(
                house, keeper, at(day, 11 + fading.after(10)), int(700_000 * fading.share(1.0)), "transfer"
            )
        for one in staff:
            if dice.random() < 0.35 and fading.happens():
                tips = 1_000 * int(dice.integers(8, 30))
                book.pay(
                    one, at(day, 21), tips, "credit", "p2p", counterparty_id=f"T{number}-{dice.integers(400)}"
                )
                book.move(one, keeper, at(day, 21 + fading.after(8)), int(tips * fading.share(0.9)))
    roles = [(house, "possible_front_business"), (keeper, "possible_controller")]
    book.tell("parlour", number, [*roles, *((one, "possible_victim") for one in staff)])


def livestream(book: Book, number: int) -> None:
    """Live distribution: small payments from far-away senders around the clock, turned into crypto-assets."""
    dice, fading = _start(book, "livestream", number)
    host = book.open("livestream", number, FAR[number % len(FAR)])
    live(book, host, dice, fading.life(0.3))
    for day in range(3, book.days):
        taken = 0
        for _ in range(int(dice.integers(0, 6))):
            if fading.happens():
                cents = int(dice.choice([1_500, 2_500, 4_000]))
                taken += cents
                book.pay(
                    host,
                    at(day, dice.uniform(0, 24)),
                    cents,
                    "credit",
                    "wallet",
                    counterparty_id=f"V{number}-{dice.integers(60)}",
                )
        if taken:
            book.pay(
                host,
                at(day + 1, fading.after(6)),
                int(taken * fading.share(0.9)),
                "debit",
                "card",
                counterparty_id="COINBASE",
                counterparty_name="Coinbase",
                merchant_category="6051",
            )
    book.tell("livestream", number, [(host, "possible_controller")])


def mules(book: Book, number: int) -> None:
    """Mule layers: what a collector gathers runs through two layers within hours, less a small cut each."""
    dice, fading = _start(book, "mules", number)
    collector = book.open("mules", number, FAR[number % len(FAR)])
    first = [book.open(f"mules-a{n}", number, FAR[(number + n) % len(FAR)]) for n in range(3)]
    second = [book.open(f"mules-b{n}", number, FAR[(number + n + 3) % len(FAR)]) for n in range(3)]
    for one in (collector, *first, *second):
        live(book, one, dice, fading.life(0.1))
    for day in range(4, book.days - 4, 3):
        if not fading.happens():
            continue
        total = 0
        for source in range(6):
            cents = int(dice.uniform(40_000, 180_000))
            total += cents
            book.pay(
                collector,
                at(day, dice.uniform(8, 12)),
                cents,
                "credit",
                "transfer",
                counterparty_id=f"S{number}-{day}-{source}",
            )
        for one, other in zip(first, second, strict=True):
            part = int(total / 3 * fading.share(0.95))
            hour = 12 + fading.after(2)
            book.move(collector, one, at(day, hour), part, "transfer")
            hour += fading.after(3)
            book.move(one, other, at(day, hour), int(part * fading.share(0.95)), "transfer")
            book.cash(other, at(day, hour + fading.after(5)), 2_000 * (part // 2_200), "debit", other.home)
    book.tell("mules", number, [(one, "possible_mule") for one in (collector, *first, *second)])


def depositors(book: Book, number: int) -> None:
    """Structured deposits: cash just under 10,000 at several branches, sent on together."""
    dice, fading = _start(book, "depositors", number)
    one = book.open("depositors", number, FAR[number % len(FAR)])
    live(book, one, dice, fading.life(0.5))
    for week in range(1, book.days // 7):
        total = 0
        for day in range(4):
            if fading.happens():
                low = 0.85 - 0.6 * book.difficulty
                cents = int(dice.uniform(low, 0.99) * 1_000_000)
                total += cents
                book.cash(one, at(7 * week + day, dice.uniform(9, 17)), cents, "credit", one.home, str(day))
        if total:
            book.pay(
                one,
                at(7 * week + 4, 12 + fading.after(6)),
                int(total * fading.share(0.95)),
                "debit",
                "transfer",
                counterparty_id=f"ABROAD{number}",
            )
    book.tell("depositors", number, [(one, "possible_mule")])


SCENARIOS: dict[str, Callable[[Book, int], None]] = {
    "touring": touring,
    "flats": flats,
    "labour": labour,
    "recruitment": recruitment,
    "parlour": parlour,
    "livestream": livestream,
    "mules": mules,
    "depositors": depositors,
}
