"""The e-mails as people read them: one letter a kind, written once, rendered as plain text and as HTML.

Rendering is pure: all that a letter says is in its `NoticeContext`. No image, no tracking, no script; styles
stand in the elements, and only what mail programs must choose themselves (dark mode) stays in a style sheet.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import BaseModel, ConfigDict

from activities.letter_format import FILTERS
from domain.money import Money
from domain.notices import NoticeKind
from domain.offer import CampaignType, Offer
from domain.parts import PartKind
from domain.policy import Policy
from domain.stages import Stage

FOLDER: Final = Path(__file__).resolve().parents[1] / "templates" / "mail"
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


class Letter(NamedTuple):
    """What one notice says."""

    subject: str
    text: str
    html: str


class Parcel(BaseModel):
    """The parcel that the notice is about."""

    model_config = ConfigDict(frozen=True)

    kind: str = "first"
    """first, replacement or resent."""
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


class Fix(BaseModel):
    """What to change in one post so that its disclosure is right."""

    model_config = ConfigDict(frozen=True)

    place: str = ""
    """Instagram reel, YouTube video."""
    url: str = ""
    explanation: str
    """What is wrong, in a sentence."""
    sentence: str = ""
    """What to do, in a sentence."""
    words: str = ""
    """The exact words to write."""
    where: str = ""


class NoticeContext(BaseModel):
    """Everything that a letter may say. Personal data: never log one, never put one into a workflow."""

    model_config = ConfigDict(frozen=True)

    brand_name: str
    brand_address: str
    campaign_name: str
    reader_name: str
    locale: str
    """For dates and money, such as en_AT (`letter_format.locale_of`)."""
    zone: str
    """IANA zone of the reader."""
    type: CampaignType
    offer: Offer
    policy: Policy
    brief: str
    stage: Stage
    draft_first: bool
    accepted: bool
    round: int = 1
    """2 and more: the offer goes out again, to somebody from the waiting list."""

    product: str = ""
    choices: int = 0
    """How many variants the reader may choose from while none is chosen."""
    product_value: Money | None = None
    parcel: Parcel = Parcel()
    parcel_sent: bool = False

    due_at: datetime | None = None
    review_by: datetime | None = None
    remedy_by: datetime | None = None
    live_until: datetime | None = None
    pay_by: datetime | None = None
    paid_at: datetime | None = None
    transfer_id: str = ""
    due: Money | None = None
    """The amount of the payment that the letter is about; None when there is no fee."""
    part: int = 1
    """Number of that payment."""
    part_kind: PartKind = PartKind.FEE
    parts: int = 1
    """How many payments there are, or will be."""
    next_due: Money | None = None
    """What the post still has to earn after that payment."""

    terms_file: str = ""
    terms_sha256: str = ""
    label: str = ""
    """Words that mark the post rightly in the reader's country; empty when no rule pack knows."""
    feedback: str = ""
    revision: int = 0
    by_silence: bool = False
    extension: str = "0d"
    """The span granted."""
    fixes: tuple[Fix, ...] = ()
    problem: str = ""
    """A `ParcelProblem`, or the `CheckOutcome` of a post that has another problem than its mark."""
    reason: str = ""

    link: str
    payment_link: str
    unsubscribe_link: str


def render(kind: NoticeKind, context: NoticeContext) -> Letter:
    """The letter of this kind. Raises jinja2.UndefinedError when it names what no context has."""
    return write(f"{kind}.letter", dict(context))


def write(file: str, words: dict[str, Any]) -> Letter:
    """The letter of this file, with these words, in both forms."""
    plain, rich = _template("txt", file), _template("html", file)
    subject = "".join(plain.blocks["subject"](plain.new_context(words)))
    text = _BLANK_LINES.sub("\n\n", plain.render(words)).strip() + "\n"
    return Letter(" ".join(subject.split()), text, _inliner().inline(rich.render(words)))


@lru_cache(maxsize=2)
def _environment(form: str) -> Environment:
    """Letters become HTML or plain text by the base and the kit of that form."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=form == "html",  # noqa: S701 - the other form is plain text, where escaping would show
        undefined=StrictUndefined,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(base=f"base.{form}", staff_base=f"staff_base.{form}")
    kit: dict[str, Any] = vars(environment.get_template(f"kit.{form}").module)
    environment.globals.update({name: macro for name, macro in kit.items() if not name.startswith("_")})
    return environment


@lru_cache(maxsize=128)
def _template(form: str, file: str) -> Template:
    return _environment(form).get_template(file)


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)
