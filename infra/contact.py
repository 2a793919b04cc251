"""How names, e-mail addresses, countries, languages and phone numbers are written here.

One set of types for the API, the CSV import and the creator's pages, so that all refuse the same things.
A text with a line break or another control character never passes: it could end up in a mail header.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Annotated, Final

from babel import Locale
from pydantic import AfterValidator, Field

_LOCAL: Final = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$")
_LABEL: Final = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")
_NO_COUNTRIES: Final = {"ZZ", "EU", "EZ", "UN", "XA", "XB", "QO"}
"""Two-letter codes of CLDR that are no country."""
_PHONE: Final = re.compile(r"^\+?[0-9][0-9 ()./-]{4,28}$")


def one_line(text: str) -> str:
    """The text without blanks around it. Raises ValueError when it holds control characters."""
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs", "Co", "Zl", "Zp") for char in text
    ):
        raise ValueError("a line break or another control character is not allowed here")
    return text.strip()


def _not_blank(text: str) -> str:
    if not text:
        raise ValueError("this must not be blank")
    return text


def email_address(text: str) -> str:
    """The address with its domain in lower case and ASCII. Raises ValueError when it is none."""
    local, at, domain = one_line(text).rpartition("@")
    if not at or not _LOCAL.match(local) or local[0] == "." or local[-1] == "." or ".." in local:
        raise ValueError("this is not an e-mail address")
    try:
        plain = domain.lower() if domain.isascii() else domain.encode("idna").decode().lower()
    except UnicodeError as error:
        raise ValueError("the domain of this e-mail address is not valid") from error
    labels = plain.split(".")
    if len(labels) < 2 or len(plain) > 190 or not all(_LABEL.match(label) for label in labels):
        raise ValueError("the domain of this e-mail address is not valid")
    return f"{local}@{plain}"


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, as CLDR knows them."""
    known = [str(code) for code in Locale("en").territories]
    return frozenset(code for code in known if len(code) == 2 and code.isalpha()) - _NO_COUNTRIES


def country_code(text: str) -> str:
    """The code in capitals. Raises ValueError for an unknown one."""
    code = text.strip().upper()
    if code not in countries():
        raise ValueError("this is not an ISO country code; write for example US, DE or GB")
    return code


def language_tag(text: str) -> str:
    """The BCP 47 tag in its usual case (de-AT). Raises ValueError for anything else."""
    parts = text.strip().replace("_", "-").split("-")
    cased = [parts[0].lower()]
    cased += [part.title() if len(part) == 4 else part.upper() for part in parts[1:]]
    tag = "-".join(cased)
    if not _LANGUAGE.match(tag):
        raise ValueError("this is not a language tag; write for example en, de-AT or pt-BR")
    return tag


def phone_number(text: str) -> str:
    """The number as written, without blanks around it; empty stays empty."""
    number = one_line(text)
    if number and not _PHONE.match(number):
        raise ValueError("this is not a phone number; write for example +49 30 1234567")
    return number


Title = Annotated[
    str, Field(min_length=1, max_length=120), AfterValidator(one_line), AfterValidator(_not_blank)
]
"""A name of something, one line."""
Email = Annotated[
    str, Field(min_length=3, max_length=254, examples=["ana@example.com"]), AfterValidator(email_address)
]
Country = Annotated[str, Field(pattern="^[A-Za-z]{2}$", examples=["DE"]), AfterValidator(country_code)]
Language = Annotated[
    str, Field(min_length=2, max_length=12, examples=["de-AT"]), AfterValidator(language_tag)
]
Phone = Annotated[str, Field(max_length=30, examples=["+49 30 1234567"]), AfterValidator(phone_number)]
