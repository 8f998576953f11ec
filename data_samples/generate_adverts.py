"""Write the sample adverts beside this file: `python data_samples/generate_adverts.py [FOLDER]`.

Everything in them is invented, like the rest: texts say nothing but city, hours and a telephone number reserved for
fiction. They go with the wallet's payments to CITYADS ONLINE (`wallet_2026q1.csv`, `wallet_2026q2.ndjson`): minutes
after each of them an advert appears. Self-employed people advertise themselves, in their city, with their number. Two
accounts pay for other people's adverts, in one city after another, the same text again on a second site. Most adverts
are of posters whose bank nobody here sees.

- `adverts.ndjson`: what a crawler of classifieds collected.
- `cityads_invoices.csv`: what the first site charged; its payers are card tokens, not accounts.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import zlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

MERCHANT = "M-71180"
SITES = ("cityads.example", "localpage.example")
PAID_FOR_OTHERS = {  # the planted cases COINS: account -> cities of the circuit
    "@bo.jarosz282": ("Detroit", "Milwaukee", "Chicago", "Minneapolis"),
    "@ole.eastby693": ("Philadelphia", "Boston", "Atlanta"),
}
AREA = {"Chicago": 312, "Milwaukee": 414, "Minneapolis": 612, "Dallas": 214, "Houston": 713, "Denver": 303,
        "Phoenix": 602, "Seattle": 206, "Detroit": 313, "Atlanta": 404, "Philadelphia": 215, "Boston": 617}  # fmt: skip
NAMES = "Lia Mona Rina Tess Vala Nova Suri Anni Dea Kaya Jo Mia Noa Ria Zia Ela".split()
OPENINGS = (
    "{name} is in {city} this week", "New in {city}: {name}", "{city}, ask for {name}", "Visiting {city}, {name}",
    "{name}, quiet place in {city}", "Massage and rest with {name} in {city}",
)  # fmt: skip
BODIES = (
    "calm and friendly, clean rooms near the centre", "by appointment, parking behind the house",
    "relaxing hour after work, tea and soft music", "trained hands, warm oil, no hurry",
    "day and evening, please call before you come", "well kept flat, second floor, discreet entrance",
    "for people who sit all day: shoulders, neck and back", "on weekends too, short notice is fine",
)  # fmt: skip
HOURS = ("from 10 to 22", "11 am to 9 pm", "noon till late", "24 h", "after 4 pm")
PHONES = ("{a}-555-{b}", "({a}) 555 {b}", "{a}.555.{b}", "+1 {a} 555 {b}", "1{a}555{b}")


class Person:
    """Somebody who is advertised: name, number, and the words that their adverts keep."""

    def __init__(self, draw: random.Random, city: str) -> None:
        """Draw one."""
        self.name = NAMES[int(draw.random() * len(NAMES))]
        self.area, self.line = AREA[city], f"01{int(draw.random() * 100):02d}"
        self.opening = OPENINGS[int(draw.random() * len(OPENINGS))]
        self.bodies = [BODIES[int(draw.random() * len(BODIES))] for _ in range(3)]
        self.hours = HOURS[int(draw.random() * len(HOURS))]

    def text(self, draw: random.Random, city: str) -> tuple[str, str, str]:
        """Title, text and telephone number as one advert writes them."""
        phone = PHONES[int(draw.random() * len(PHONES))].format(a=self.area, b=self.line)
        title = self.opening.format(name=self.name, city=city)
        body = f"{title}. {self.bodies[0]}, {self.bodies[1]}, {self.hours}. {self.bodies[2]}. Call {phone}"
        return title, body if draw.random() < 0.6 else f"{body} !!", phone


def read_payments(folder: Path) -> list[dict[str, str]]:
    """The wallet's completed payments to the advert site, in order of time."""
    with (folder / "wallet_2026q1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "wallet_2026q2.ndjson").open(encoding="utf-8") as file:
        rows += [json.loads(line) for line in file]
    paid = [row for row in rows if row["recipient"] == MERCHANT and row.get("status") == "completed"]
    return sorted(paid, key=lambda row: (datetime.fromisoformat(row["created_at"]), row["id"]))


def make(folder: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The adverts and the invoices."""
    draw = random.Random("adverts minutes after the payments")
    adverts: list[dict[str, object]] = []
    invoices: list[dict[str, object]] = []
    payments = read_payments(folder)
    people: dict[str, list[Person]] = defaultdict(list)
    for at, row in enumerate(payments):
        payer, home = row["sender"], row["city"]
        circuit = PAID_FOR_OTHERS.get(payer, (home,))
        if not people[payer]:
            people[payer] = [Person(draw, circuit[0]) for _ in range(4 if len(circuit) > 1 else 1)]
        paid_at = datetime.fromisoformat(row["created_at"])
        week = paid_at.isocalendar().week
        city = circuit[week // 2 % len(circuit)]
        person = people[payer][at % len(people[payer])]
        posted = paid_at + timedelta(minutes=3 + int(draw.random() * 9), seconds=int(draw.random() * 60))
        token = f"tok-{zlib.crc32(payer.encode()):08x}"
        _post(draw, adverts, invoices, SITES[0], city, person, posted, paid_at, str(row["amount"]), token)
        if len(circuit) > 1 and draw.random() < 0.7:  # the same again on another site, some hours later
            again = posted + timedelta(hours=1 + int(draw.random() * 20))
            _post(draw, adverts, [], SITES[1], city, person, again, again, "12.00", token)
    cities = sorted(AREA)
    for number in range(60):  # posters whose bank nobody here sees
        city = cities[int(draw.random() * len(cities))]
        person = Person(draw, city)
        for _ in range(4 + int(draw.random() * 26)):
            day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=int(draw.random() * 181))
            paid_at = day + timedelta(minutes=int(draw.random() * 1440), seconds=int(draw.random() * 60))
            posted = paid_at + timedelta(minutes=3 + int(draw.random() * 9))
            amount = ("9.00", "24.00", "15.00")[int(draw.random() * 3)]
            site = SITES[int(draw.random() * 2)]
            kept = invoices if site == SITES[0] else []
            _post(draw, adverts, kept, site, city, person, posted, paid_at, amount, f"tok-x{number:03d}")
    adverts.sort(key=lambda advert: (str(advert["posted"]), str(advert["post_id"])))
    invoices.sort(key=lambda invoice: (str(invoice["Invoice Date"]), str(invoice["Ad ID"])))
    for number, invoice in enumerate(invoices, start=1):
        invoice["Invoice No"] = f"CA-2026-{number:05d}"
    return adverts, invoices


def _post(
    draw: random.Random, adverts: list[dict[str, object]], invoices: list[dict[str, object]], site: str, city: str,
    person: Person, posted: datetime, paid_at: datetime, amount: str, token: str,
) -> None:  # fmt: skip
    title, body, phone = person.text(draw, city)
    post_id = f"{site.split('.')[0][:2]}{int(draw.random() * 1e9):09d}"
    adverts.append(
        {
            "post_id": post_id, "site": site, "posted": posted.isoformat(), "location": city, "country": "US",
            "phones": phone,
            "url": f"https://{site}/{city.lower()}/{post_id}", "title": title, "body": body,
            "placement_price": float(amount),
        }
    )  # fmt: skip
    utc = paid_at.astimezone(UTC)
    invoices.append(
        {
            "Invoice No": "", "Invoice Date": f"{utc:%Y-%m-%d %H:%M:%S}", "Site": site, "Ad ID": post_id,
            "Payment Method": "wallet", "Payment Reference": token, "Total": amount, "Currency": "USD",
        }
    )  # fmt: skip


def write_all(folder: Path) -> None:
    """Write both files into `folder`, from the wallet exports that lie there."""
    adverts, invoices = make(folder)
    with (folder / "adverts.ndjson").open("w", encoding="utf-8", newline="\n") as file:
        for advert in adverts:
            file.write(json.dumps(advert, ensure_ascii=False) + "\n")
    with (folder / "cityads_invoices.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(invoices[0]), lineterminator="\n")
        lines.writeheader()
        lines.writerows(invoices)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
