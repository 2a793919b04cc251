"""Creators with names, addresses and numbers that nothing else in the world has: a leak can be found."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

_BEGIN = ("Zar", "Vex", "Myk", "Thraw", "Wob", "Jix", "Kruv", "Plyz", "Dwov", "Hes")
_MIDDLE = ("imel", "ovar", "untha", "elbri", "yrsto", "ankwi", "orphe", "ebuzo", "iddra", "uplim")
_MARKS = ("quaxvitz", "ztivxauq", "wumpelquast", "@letters.example", "15035550", "+1 503 555", "97205-3")
_ZONES = {"US": "America/Los_Angeles", "CH": "Europe/Zurich"}
COLUMNS = ["email", "name", "country", "language", "time_zone", "platform", "handle", "followers", "phone"]
NOTE = "My aunt Wumpelquast says hello"
"""What creators write into every field for notes."""


@dataclass(frozen=True)
class Person:
    """One creator. `handle` holds nothing of the name: posts show it to everybody."""

    number: int
    country: str

    @property
    def surname(self) -> str:
        n = self.number
        return _BEGIN[n % 10] + _MIDDLE[n // 10 % 10] + "en" * (n // 100) + "quaxvitz"

    @property
    def name(self) -> str:
        return f"Ottoline {self.surname}"

    @property
    def email(self) -> str:
        return f"{self.surname.lower()}@letters.example"

    @property
    def phone(self) -> str:
        return f"+1 503 555 {self.number:04}"

    @property
    def handle(self) -> str:
        return f"tea.and.light.{self.number:03}"

    @property
    def street(self) -> str:
        return f"{4000 + self.number} {self.surname[::-1].capitalize()} Passage"

    @property
    def postcode(self) -> str:
        return f"97205-{3000 + self.number}" if self.country == "US" else f"LS1 {self.number % 10}DY"

    def address(self) -> dict[str, str]:
        """The address as it is typed into the form of this country."""
        home = {"country": self.country, "street_address": self.street, "postal_code": self.postcode}
        if self.country == "US":
            return home | {"city": "Portland", "country_area": "OR"}
        return home | {"city": "Leeds"}

    def secrets(self) -> list[str]:
        """What of this person must stand nowhere in clear, in lower case."""
        digits = "".join(letter for letter in self.phone if letter.isdigit())
        return [
            text.lower()
            for text in (self.surname, self.email, self.phone, digits, self.street, self.surname[::-1])
        ] + ([self.postcode.lower()] if self.country == "US" else [])


class Search:
    """Looks for everything personal of these people. Fast where nothing is: each secret holds a mark."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.secrets = sorted({one for person in people for one in person.secrets()} | {NOTE.lower()})
        self._marks = [mark.encode() for mark in _MARKS]

    def finds(self, content: bytes) -> set[str]:
        """The secrets that stand in this content, whatever their case."""
        low = content.lower()
        if not any(mark in low for mark in self._marks):
            return set()
        return {secret for secret in self.secrets if secret.encode() in low}


def sheet(people: Sequence[Person]) -> str:
    """The people as the CSV file that a brand imports."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in people:
        zone = _ZONES[one.country]
        row = (one.email, one.name, one.country, "en", zone, "instagram", one.handle, 12_000, one.phone)
        writer.writerow(row)
    return text.getvalue()
