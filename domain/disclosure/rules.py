"""From what was found in a post to one ruling, in the order that the guidance asks for.

Denial, label, platform label, relationship, language, placement, sponsor. A ruling names the rule and
the words that decided. Nothing here reads text or writes sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from domain.disclosure.evidence import Found
from domain.disclosure.marks import DenialHit, Hit
from domain.disclosure.models import Outcome, Reason, Surface
from domain.disclosure.placement import buried_on_picture, place_of, stands_first
from domain.disclosure.text import BRAND
from domain.offer import Format, Platform

SEVERITY: Final = {Outcome.PASS: 0, Outcome.NEEDS_REVIEW: 1, Outcome.FAIL: 2}
_PASS, _REVIEW, _FAIL = Outcome.PASS, Outcome.NEEDS_REVIEW, Outcome.FAIL


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision: verdict, reason, the message that explains it, and the words that decided."""

    outcome: Outcome
    reason: Reason
    message: str
    rule: str
    hit: Hit | DenialHit | None = None
    why: str = ""
    kind: str = ""
    confidence: str = "verified"

    @property
    def severity(self) -> int:
        """0 for pass, 1 for needs_review, 2 for fail."""
        return SEVERITY[self.outcome]


def rule_on(found: Found) -> Ruling:
    """The ruling of one rule pack on one post."""
    denial = _denial(found)
    if denial is not None and denial.outcome is _FAIL:
        return denial
    ruling = _or_platform_label(_FORMATS[found.check.format](found), found)
    if denial is None or (ruling.outcome is _FAIL and ruling.reason is not Reason.MISSING):
        return ruling
    if ruling.outcome is _FAIL:
        return replace(denial, outcome=_FAIL, message="denial") if _own_money(denial) else ruling
    return denial


def _or_platform_label(ruling: Ruling, found: Found) -> Ruling:
    """The platform's own label is never worth less for standing beside a weak, late or hidden one."""
    if not found.check.platform_label or ruling.outcome is _PASS:
        return ruling
    if ruling.reason in {Reason.LABEL_OTHER_BRAND, Reason.PLATFORM_LABEL_ONLY}:
        return ruling
    platform = _platform_label(found)
    if platform.severity >= ruling.severity:
        return ruling
    if ruling.message == "mismatch" and platform.outcome is _PASS:
        return replace(ruling, outcome=_REVIEW)
    return platform


# ------------------------------------------------------------------ denial


def _own_money(denial: Ruling) -> bool:
    return isinstance(denial.hit, DenialHit) and denial.hit.denial.entry.kind == "own_money"


def _denial(found: Found) -> Ruling | None:
    if not found.denials:
        return None
    stated = found.column in {"gift", "affiliate"} and any(
        hit.phrase and hit.rule.standing == "accepted" and found.column in hit.rule.columns
        for hit in (*found.written, *found.picture)
    )
    best: Ruling | None = None
    for hit in found.denials:
        entry = hit.denial.entry
        if entry.kind == "money" and (stated or (found.column == "gift" and _speaks_of_a_gift(found))):
            continue
        soft = (
            entry.strength == "needs_review"
            or _taken_back(hit, found)
            or (
                stated and (entry.kind == "ad" or (entry.kind == "own_money" and found.column == "affiliate"))
            )
        )
        rule = f"{found.pack.code}/{hit.denial.rule_id}"
        if not soft:
            return Ruling(_FAIL, Reason.DENIAL, "denial", rule, hit)
        best = best or Ruling(_REVIEW, Reason.DENIAL, "denial_review", rule, hit)
    return best


def _speaks_of_a_gift(found: Found) -> bool:
    """Whether the post says that something was given; "not paid" is then the truth."""
    if any(hit.rule.kind == "gift" for hit in found.hits):
        return True
    seen = [text for _, text in found.surfaces.written]
    words = (word for text in seen for token in text.tokens for word in found.words.words.get(token.word, ()))
    return any(word.kind == "gift" for word in words)


def _taken_back(denial: DenialHit, found: Found) -> bool:
    """Whether the same text later says in a whole sentence that it is advertising after all."""
    return any(
        hit.seen is denial.seen and hit.phrase and hit.start >= denial.end and hit.rule.kind == "ad"
        for hit in (*found.written, *found.picture)
    )


# ------------------------------------------------------------------ one label


def _judge(hit: Hit, found: Found) -> Ruling:
    """A label on its own: relationship, letters, language, placement, sponsor; strictest first found."""
    language, fit = _in_language(hit, found), _fits(hit, found)
    label_of_other_language = (
        language is not None and hit.rule.kind != "hint" and found.column in hit.rule.columns
    )
    steps = [
        step
        for step in (
            *((language, fit) if label_of_other_language else (fit, language)),
            _odd(hit),
            _placed(hit, found),
            _sponsor(hit),
        )
        if step is not None
    ]
    good = Ruling(_PASS, Reason.OK, "ok", hit.rule.rule_id, hit, confidence=hit.rule.confidence)
    return max([*steps, good], key=lambda ruling: ruling.severity)


def _fits(hit: Hit, found: Found) -> Ruling | None:
    rule = hit.rule
    fits = found.column in rule.columns
    if rule.standing == "insufficient":
        return _of(hit, _FAIL, rule.reason or Reason.AMBIGUOUS_LABEL, "ambiguous_label")
    if not fits and _combined(hit, found):
        return None
    if not fits:
        understates = "paid" not in rule.columns
        outcome, message = (_FAIL, "mismatch") if understates else (_REVIEW, "overstated")
        return _of(hit, outcome, Reason.AMBIGUOUS_LABEL, message)
    if rule.hashtag_required and not hit.tag:
        outcome = _REVIEW if stands_first(hit) else _FAIL
        return _of(hit, outcome, Reason.AMBIGUOUS_LABEL, "hashtag_required")
    if rule.standing == "review":
        return _of(hit, _REVIEW, rule.reason or Reason.AMBIGUOUS_LABEL, "ambiguous_label")
    if rule.beside_brand and not _beside_brand(hit):
        return _of(hit, _REVIEW, Reason.AMBIGUOUS_LABEL, "beside_brand")
    return None


def _combined(hit: Hit, found: Found) -> bool:
    """Whether a label stands with another that makes it enough for this relationship."""
    for each in found.pack.file.combination:
        if hit.rule.concept in each.concepts and found.column in each.relationship:
            other = each.concepts[hit.rule.concept == each.concepts[0]]
            if any(one.rule.concept == other for one in found.hits):
                return True
    return False


def _beside_brand(hit: Hit) -> bool:
    return hit.sponsor == "brand" or hit.seen.plain[: hit.start].rstrip(" :|/-").endswith(BRAND)


def _odd(hit: Hit) -> Ruling | None:
    return _of(hit, _REVIEW, Reason.OBFUSCATED_LABEL, "obfuscated_label") if hit.odd else None


def _in_language(hit: Hit, found: Found) -> Ruling | None:
    post, label = found.language, hit.rule
    if post is None or "*" in label.languages:
        return None
    rule = found.pack.file.language
    if post in rule.own:
        outcome = _PASS if post in label.languages else rule.mismatch
    else:
        outcome = rule.abroad_same if post in label.languages else rule.abroad_other
    return None if outcome is _PASS else _of(hit, outcome, Reason.WRONG_LANGUAGE, "wrong_language")


def _placed(hit: Hit, found: Found) -> Ruling | None:
    if hit.surface is Surface.OVERLAY:
        if buried_on_picture(hit):
            return _of(hit, _FAIL, Reason.BURIED_IN_HASHTAGS, "buried_in_hashtags")
        if found.pack.file.placement.not_first_word is not _PASS and not stands_first(hit):
            return _of(
                hit, found.pack.file.placement.not_first_word, Reason.AMBIGUOUS_LABEL, "not_first_word"
            )
        return None
    place = place_of(hit, found.check, found.pack)
    return None if place.outcome is _PASS else _of(hit, place.outcome, place.reason, place.message)


def _sponsor(hit: Hit) -> Ruling | None:
    if hit.sponsor != "other":
        return None
    return _of(hit, _REVIEW, Reason.LABEL_OTHER_BRAND, "label_other_brand")


def _of(hit: Hit, outcome: Outcome, reason: Reason, message: str) -> Ruling:
    rule = hit.rule
    return Ruling(outcome, reason, message, rule.rule_id, hit, rule.why, rule.kind, rule.confidence)


def _rank(hit: Hit, found: Found) -> int:
    if hit.rule.standing == "insufficient":
        return 3
    if found.column not in hit.rule.columns:
        return 2
    return 0 if hit.rule.standing == "accepted" else 1


def _best(hits: list[Hit], found: Found) -> Ruling | None:
    """The best label decides, since one good label is enough; but a label naming another sponsor caps it."""
    if not hits:
        return None
    judged = [(hit, _judge(hit, found)) for hit in hits]
    judged.sort(key=lambda pair: (pair[1].severity, _rank(pair[0], found)))
    best = judged[0][1]
    if best.outcome is _PASS and not any(hit.sponsor == "brand" for hit in hits):
        for hit in hits:
            if hit.sponsor == "other" and hit.rule.standing == "accepted":
                return _of(hit, _REVIEW, Reason.LABEL_OTHER_BRAND, "label_other_brand")
    return best


def _is_label(ruling: Ruling | None) -> bool:
    """Whether a ruling rests on something that may count as a label, not on insufficient wording."""
    return ruling is not None and isinstance(ruling.hit, Hit) and ruling.hit.rule.standing != "insufficient"


# ------------------------------------------------------------------ nothing found


def _nothing(found: Found, best: Ruling | None) -> Ruling:
    """No label in a place that counts: the platform's label decides, else missing or ambiguous."""
    if found.check.platform_label:
        return _platform_label(found)
    if best is not None:
        return best
    return Ruling(_FAIL, Reason.MISSING, "missing", f"{found.pack.code}/label/none")


def _platform_label(found: Found) -> Ruling:
    """The platform's own label and nothing else."""
    file = found.pack.file
    reason = Reason.OK if file.platform_label_alone is _PASS else Reason.PLATFORM_LABEL_ONLY
    message = {_PASS: "ok_platform", _REVIEW: "platform_label_review", _FAIL: "platform_label_only"}
    return Ruling(
        file.platform_label_alone,
        reason,
        message[file.platform_label_alone],
        f"{file.code}/platform_label",
        why=file.platform_label_note,
        confidence=file.platform_label_confidence,
    )


def _format_ruling(
    found: Found, outcome: Outcome, reason: Reason, message: str, hit: Hit | DenialHit | None
) -> Ruling:
    return Ruling(outcome, reason, message, f"{found.pack.code}/format/{found.check.format}", hit)


# ------------------------------------------------------------------ formats


def _post(found: Found) -> Ruling:
    best = _best(found.written, found)
    if best is not None and _is_label(best):
        return best
    shown = _best(found.picture, found)
    if shown is not None and shown.outcome is _PASS:
        outcome = found.pack.file.post_overlay_only
        reason = Reason.OK if outcome is _PASS else Reason.AMBIGUOUS_LABEL
        return _format_ruling(found, outcome, reason, "overlay_only", shown.hit)
    return _nothing(found, best)


def _story(found: Found) -> Ruling:
    shown = _best(found.picture, found)
    if shown is not None and _is_label(shown):
        if shown.outcome is _PASS and found.bare_frames():
            return _format_ruling(
                found, _REVIEW, Reason.NOT_SUPERIMPOSED, "not_superimposed_frames", shown.hit
            )
        if shown.outcome is _PASS and found.surfaces.brief:
            return _format_ruling(found, _REVIEW, Reason.NOT_SUPERIMPOSED, "brief_in_video", shown.hit)
        return shown
    beside = _best(found.written, found)
    if found.check.platform_label:
        return _nothing(found, shown)
    if shown is not None:
        return shown
    if _is_label(beside):
        hit = None if beside is None else beside.hit
        return _format_ruling(found, _FAIL, Reason.NOT_SUPERIMPOSED, "not_superimposed", hit)
    return _nothing(found, beside)


def _video(found: Found) -> Ruling:
    check, rules = found.check, found.pack.file.video
    shown = _best(found.picture, found)
    on_screen = shown is not None and shown.outcome is _PASS
    beside = _best(found.written, found)
    if on_screen or check.spoken_disclosure:
        return _in_video(found, shown if on_screen else None, shown)
    if shown is not None and _is_label(shown) and shown.severity < SEVERITY[_FAIL]:
        return shown
    if beside is None or not _is_label(beside):
        return _nothing(found, shown if shown is not None and _is_label(shown) else beside or shown)
    if beside.reason in {Reason.AMBIGUOUS_LABEL, Reason.WRONG_LANGUAGE} and beside.outcome is _FAIL:
        return beside
    return _beside_video(found, beside, rules.caption_only)


def _in_video(found: Found, shown: Ruling | None, any_shown: Ruling | None) -> Ruling:
    """A label on the screen, or speech, or both."""
    spoken = found.check.spoken_disclosure
    if shown is not None and spoken:
        if found.surfaces.brief:
            return _format_ruling(found, _REVIEW, Reason.PARTIAL_IN_VIDEO, "brief_in_video", shown.hit)
        return _format_ruling(found, _PASS, Reason.OK, "ok_spoken", shown.hit)
    if spoken and any_shown is not None and any_shown.reason is Reason.OBFUSCATED_LABEL:
        return any_shown
    outcome = found.pack.file.video.one_of_two
    if outcome is _PASS:
        if shown is None:
            return _format_ruling(found, _PASS, Reason.OK, "ok_heard", None)
        return _format_ruling(found, _PASS, Reason.OK, "ok", shown.hit)
    hit = shown.hit if shown is not None else None
    return _format_ruling(found, outcome, Reason.PARTIAL_IN_VIDEO, "partial_in_video", hit)


def _beside_video(found: Found, beside: Ruling, caption_only: Outcome) -> Ruling:
    """A label in the text beside a video, and none in the video."""
    check = found.check
    hit = beside.hit
    title = isinstance(hit, Hit) and hit.surface is Surface.TITLE
    if check.platform is Platform.YOUTUBE and title and beside.outcome is not _FAIL:
        outcome = found.pack.file.video.youtube_title
        if outcome is _PASS:
            return beside
        return _format_ruling(found, outcome, Reason.PARTIAL_IN_VIDEO, "partial_in_video", hit)
    described = isinstance(hit, Hit) and hit.surface is Surface.DESCRIPTION
    if caption_only is _PASS and not described:
        return beside
    if beside.outcome is _FAIL:
        return beside
    if check.spoken_disclosure is None:
        return _format_ruling(found, _REVIEW, Reason.NOT_IN_VIDEO, "not_in_video_unchecked", hit)
    outcome = _FAIL if described else caption_only
    return _format_ruling(found, outcome, Reason.NOT_IN_VIDEO, "not_in_video", hit)


def _live(found: Found) -> Ruling:
    check = found.check
    shown = _best(found.picture, found)
    on_screen = shown is not None and shown.outcome is _PASS
    hit = shown.hit if on_screen and shown is not None else None
    if on_screen and found.surfaces.lasting:
        if check.spoken_disclosure:
            return _format_ruling(found, _PASS, Reason.OK, "ok_spoken", hit)
        return _format_ruling(found, _REVIEW, Reason.PARTIAL_IN_VIDEO, "partial_in_video", hit)
    if check.spoken_disclosure or on_screen:
        return _format_ruling(found, _REVIEW, Reason.NOT_REPEATED, "not_repeated_review", hit)
    if shown is not None and _is_label(shown) and shown.outcome is _REVIEW:
        return shown
    beside = _best(found.written, found)
    if beside is None or not _is_label(beside):
        return _nothing(found, shown or beside)
    if beside.reason in {Reason.AMBIGUOUS_LABEL, Reason.WRONG_LANGUAGE} and beside.outcome is _FAIL:
        return beside
    if check.spoken_disclosure is None:
        return _format_ruling(found, _REVIEW, Reason.NOT_REPEATED, "not_repeated_review", beside.hit)
    return _format_ruling(found, _FAIL, Reason.NOT_REPEATED, "not_repeated", beside.hit)


_FORMATS: Final = {
    Format.POST: _post,
    Format.STORY: _story,
    Format.REEL: _video,
    Format.SHORT: _video,
    Format.VIDEO: _video,
    Format.LIVE: _live,
}
