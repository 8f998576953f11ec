"""The book that a simulated world is written into: accounts, payments, adverts, episodes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

START = datetime(2026, 1, 5)  # a Monday
# City and the hours of its winter clock behind UTC (in summer a row is an hour late); names settle places.
CITIES = {
    "New York": 5,
    "Philadelphia": 5,
    "Boston": 5,
    "Atlanta": 5,
    "Chicago": 6,
    "Houston": 6,
    "Dallas": 6,
    "Denver": 7,
    "Phoenix": 7,
    "Seattle": 8,
    "San Diego": 8,
    "Los Angeles": 8,
}
CASH = "CASH"


@dataclass
class Account:
    """A held account: its holder, home, and what the ordinary part of its life needs."""

    account_id: str
    holder_id: str
    home: str
    holder_type: str = "person"
    opened_on: datetime = START - timedelta(days=900)
    phone: str = ""
    device: str = ""


@dataclass
class Book:
    """What is simulated so far. Amounts are whole cents; `at` is local time in the row's city."""

    seed: int
    days: int
    difficulty: float
    accounts: list[Account] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    adverts: list[dict[str, Any]] = field(default_factory=list)
    advert_payments: list[dict[str, Any]] = field(default_factory=list)
    episodes: list[dict[str, Any]] = field(default_factory=list)

    def dice(self, *names: object) -> np.random.Generator:
        """Chance of its own for each name, so that a further scenario leaves the others as they are."""
        return np.random.default_rng([self.seed, zlib.crc32("/".join(map(str, names)).encode())])

    def open(self, kind: str, number: int, home: str, **more: Any) -> Account:
        """A new account; its ids tell nothing about what it is for."""
        name = f"{zlib.crc32(f'{self.seed}/{kind}/{number}'.encode()):010d}"
        phone = f"+1212{zlib.crc32(name.encode()) % 10**7:07d}"
        account = Account(f"U{name}", f"C{name}", home, phone=phone, device=f"D{name}", **more)
        self.accounts.append(account)
        return account

    def pay(self, account: Account, at: datetime, cents: int, way: str, channel: str, **more: Any) -> None:
        """One row of an account's statement; a city is where the row happened."""
        city = more.get("city")
        shift = timedelta(hours=CITIES[city or account.home])
        self.payments.append(
            {
                "account_id": account.account_id,
                "booked_at": at + shift,
                "amount": max(cents, 1),
                "direction": way,
                "channel": channel,
                "country": "US" if city else None,
                **more,
            }
        )

    def move(
        self, payer: Account, payee: Account, at: datetime, cents: int, channel: str = "p2p", **more: Any
    ) -> None:
        """Money from one held account to another: a row on both statements."""
        number = f"m{len(self.payments)}"
        shift = timedelta(hours=CITIES[payer.home])
        for account, other, way in ((payer, payee, "debit"), (payee, payer, "credit")):
            self.payments.append(
                {
                    "transaction_id": number,
                    "account_id": account.account_id,
                    "booked_at": at + shift,
                    "amount": max(cents, 1),
                    "direction": way,
                    "channel": channel,
                    "counterparty_id": other.account_id,
                    "device_id": payer.device,
                    **more,
                }
            )

    def buy(
        self, account: Account, at: datetime, cents: int, city: str, category: str, shop: str, **more: Any
    ) -> None:
        """A card used on the spot."""
        self.pay(
            account,
            at,
            cents,
            "debit",
            "card",
            city=city,
            merchant_category=category,
            counterparty_id=shop,
            counterparty_name=shop,
            **more,
        )

    def cash(
        self, account: Account, at: datetime, cents: int, way: str, city: str, branch: str = "1"
    ) -> None:
        """Cash at a machine or counter of a city."""
        self.pay(
            account, at, cents, way, "atm", city=city, counterparty_id=CASH, branch_id=f"{city}-{branch}"
        )

    def advertise(
        self, account: Account | None, at: datetime, city: str, phone: str, text: str, cents: int, **more: Any
    ) -> None:
        """An advert, and where an account pays for it, the payment minutes before."""
        number = f"ad{len(self.adverts):06d}"
        platform = str(more.get("platform", "citylist"))
        posted = at + timedelta(hours=CITIES[city])
        self.adverts.append(
            {
                "ad_id": number,
                "platform": platform,
                "posted_at": posted,
                "city": city,
                "country": "US",
                "phone": phone,
                "text": text,
                "price": cents,
            }
        )
        if account is not None:
            self.pay(
                account,
                at - timedelta(minutes=1),
                cents,
                "debit",
                "card",
                merchant_category="7311",
                counterparty_id=platform.upper(),
                counterparty_name=platform,
            )
            self.advert_payments.append({"ad_id": number, "account_id": account.account_id})

    def tell(self, scenario: str, number: int, roles: Sequence[tuple[Account, str]]) -> None:
        """An episode and who plays which part in it."""
        for account, role in roles:
            self.episodes.append(
                {
                    "episode_id": f"{scenario}-{number}",
                    "scenario": scenario,
                    "account_id": account.account_id,
                    "role": role,
                    "difficulty": self.difficulty,
                }
            )
