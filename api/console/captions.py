"""A caption pasted into the console, and what the disclosure engine says of it. Nothing is kept."""

from __future__ import annotations

from typing import Final

from fastapi.responses import Response

from api.console.frame import View, ViewOf
from api.console.route import console_router
from api.console.wording import say
from api.pages.forms import FormRefused
from domain.disclosure import available
from domain.disclosure.marked import marked_caption, marked_overlay
from domain.disclosure.models import Relationship
from domain.disclosure.records import CaptionRecord, CheckAnswer, judge
from domain.offer import Format, Platform

router = console_router()
LONGEST_CAPTION: Final = 20_000


@router.get("/disclosure")
def disclosure_page(view: ViewOf) -> Response:
    """A caption is pasted here."""
    return _caption_page(view)


@router.post("/disclosure")
def check_caption_here(view: ViewOf) -> Response:
    """What the engine says of it. Nothing is kept."""
    try:
        record = _record(view)
    except FormRefused as refused:
        return _caption_page(view, errors=refused.by_field, status=refused.status)
    return _caption_page(view, answer=judge(record), record=record)


def _record(view: View) -> CaptionRecord:
    caption = view.text("caption", LONGEST_CAPTION)
    overlay = view.text("overlay_text", LONGEST_CAPTION)
    errors = {} if caption or overlay else {"caption": say("checks.caption_missing")}
    if not view.text("brand_name"):
        errors["brand_name"] = say("form.fill_in")
    jurisdictions = [code.strip().upper() for code in view.text("jurisdictions").split(",") if code.strip()]
    if not jurisdictions or any(len(code) != 2 or not code.isalpha() for code in jurisdictions):
        errors["jurisdictions"] = say("checks.jurisdictions_wrong")
    if errors:
        raise FormRefused(errors)
    handle = view.text("brand_handle", 100)
    return CaptionRecord.model_validate(
        {
            "platform": _one_of(view, "platform", Platform),
            "format": _one_of(view, "format", Format),
            "jurisdictions": jurisdictions,
            "relationship": _one_of(view, "relationship", Relationship),
            "brand": {"name": view.text("brand_name"), "handle": handle or None},
            "caption": caption,
            "overlay_text": overlay or None,
            "spoken_disclosure": _SAID.get(view.text("spoken_disclosure")),
            "platform_label": _SAID.get(view.text("platform_label")),
        }
    )


_SAID: Final = {"yes": True, "no": False}


def _one_of(view: View, name: str, kind: type[Platform] | type[Format] | type[Relationship]) -> str:
    typed = view.text(name)
    if typed not in {str(one.value) for one in kind}:
        raise FormRefused({name: say("form.choose")})
    return typed


def _caption_page(
    view: View,
    *,
    answer: CheckAnswer | None = None,
    record: CaptionRecord | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    evidence = () if answer is None else answer.evidence
    return view.page(
        "caption.html",
        status,
        answer=answer,
        caption=marked_caption(record.caption, evidence) if record else [],
        overlay=marked_overlay(record.overlay_text or "", evidence) if record else [],
        typed=view.fields,
        errors=errors or {},
        platforms=[(one.value, one.value.title()) for one in Platform],
        formats=[(one.value, one.value) for one in Format],
        relationships=[(one.value, one.value.replace("_", " ")) for one in Relationship],
        countries=", ".join(available()),
    )
