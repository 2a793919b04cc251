"""Finding the words of a post that say, hint at, or deny a connection.

Each find is a `Hit` with its place and the rule that it falls under. What a hit is worth for the post
is decided elsewhere. A word counts only where it describes this post: not as part of a longer word,
not in another sense, not about somebody else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, Literal

from domain.disclosure.lexicons import Denial, Phrase, Reading, Word
from domain.disclosure.models import Surface
from domain.disclosure.packs import Joined, Pack, Rule
from domain.disclosure.text import BRAND, EMOJI, LINK, OTHER, BrandNames, SeenText, Token, squeeze

Sponsor = Literal["brand", "other"]

_DECORATION: Final = " \t\r\"'*_~#"
_SEPARATORS: Final = frozenset(".!?:;|/\\•·()[]{}<>…=+→»«-\n¡¿※★【】「」『』، ") | {EMOJI, LINK}
_CLAUSE_BREAK: Final = re.compile(r"[.!?;\n]")
_NEXT_WORD: Final = re.compile(r"[ \t]+([\w]+)")
_NEXT_WORDS: Final = re.compile(r"[ \t]+((\w+)(?:[ \t]+\w+)?)")
_DATE: Final = re.compile(r"\s*\d{2,4}\b(?!\s*(?:min|hour|day|sec|step|ingredient))")
_SPACED: Final = re.compile(r"(?<![\w'&.])\w(?:[ ._*·]{1,2}\w){1,14}(?![\w'&])")
_DISGUISE: Final = str.maketrans("0134578$@!", "oieastbsai")
_DISGUISED: Final = re.compile(r"(?<![\w@])#?[a-z0-9$@!]{3,14}(?!\w)")
_MASKED_TAG: Final = re.compile(r"(?<!\w)#(?:a\*d|@d|4d)(?!\w)")
_CAMEL_AD: Final = re.compile(r"[a-z]A[dD]$")
_ARTICLES: Final = frozenset(
    {
        "the",
        "that",
        "this",
        "my",
        "a",
        "an",
        "het",
        "de",
        "le",
        "la",
        "il",
        "el",
        "das",
        "der",
        "die",
        "den",
        "det",
    }
)
_LONG: Final = 5
_MOST: Final = 60
"""Labels of one text that are looked at; a later one is never better than an earlier one like it."""
_LINKING: Final = (
    r"(?:with|for|by|from|x|in|mit|fur|von|durch|pour|avec|par|de|du|con|para|por|da|dal|dalla|di|per|voor|van|met|"
    r"door|i|med|av|af|fra|fran|till|til|z|ze|dla|od|marki|firmy|produktow|em|com|do|pela|pelo|la|the|our|my|"
    r"paid|betalt|bezahlte[rn]?|betaalde?|partnership|partnerschaft|partenariat|kooperation|zusammenarbeit|"
    r"collaboration|collab|colaboracion|colaboracao|collaborazione|parceria|samarbete|samarbejde|samarbeid|"
    r"samenwerking|wspolpracy|wspolpraca)"
)
_NAMES: Final = re.compile(
    rf"[\s\"*_~)\]}}】」』》>]*(?:(?:{_LINKING}\b[\s:]*){{1,5}}|[:|/·•-]\s*)?"
    rf"((?:{BRAND}+|{OTHER}+)(?:(?:\s*(?:,|&|\+|x|and|und|et|e|y|en|och|og|ja|i)\s*)(?:{BRAND}+|{OTHER}+))*)"
)
_NAMES_IN_WORDS: Final = re.compile(r"\s+(?:for|by|pour|par|por|para|per|voor|door|av|af|dla|marki)\s+(\w+)")
_ERA: Final = re.compile(r"\s*\d{2,4}\s*(?:[,.;:)]|-\s|$)")
_THEM: Final = frozenset({"them", "the", "this", "my", "our", "a", "an", "these", "some"})


@dataclass(frozen=True, slots=True)
class Hit:
    """Words of one surface that fall under a rule. Positions are in the plain text."""

    rule: Rule
    seen: SeenText
    surface: Surface
    start: int
    end: int
    tag: bool
    phrase: bool
    odd: bool
    sponsor: Sponsor | None

    @property
    def text(self) -> str:
        """The words as they stand in the post."""
        first, last = self.seen.span(self.start, self.end)
        return self.seen.original[first:last]


@dataclass(frozen=True, slots=True)
class DenialHit:
    """Words that deny the connection."""

    denial: Denial
    seen: SeenText
    surface: Surface
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words as they stand in the post."""
        first, last = self.seen.span(self.start, self.end)
        return self.seen.original[first:last]


def find(pack: Pack, words: Reading, seen: SeenText, surface: Surface, brand: BrandNames) -> list[Hit]:
    """All hits on one surface, in reading order."""
    hits: list[Hit] = []
    for token in seen.tokens:
        entries = (words.tags if token.tag else words.words).get(token.word)
        if entries is not None:
            hits.extend(
                _word_hit(pack.rule(word), seen, surface, token, brand)
                for word in entries
                if _labels(word, seen, token) and not _is_ordinary(words, seen, token)
            )
        elif token.tag:
            joined = _joined(pack, seen, token, brand)
            if joined is not None:
                hits.append(_word_hit(joined.rule, seen, surface, token, brand))
    for phrase in words.phrases.for_text(seen):
        hits.extend(_phrase_hits(phrase, pack.rule(phrase), seen, surface, brand))
    hits.extend(_disguised(pack, words, seen, surface))
    told = {hit.start for hit in hits if hit.phrase and hit.rule.standing == "accepted"}
    hits = [hit for hit in hits if hit.phrase or hit.tag or hit.start not in told]
    hits.sort(key=lambda hit: (hit.start, -hit.end))
    return hits[:_MOST]


def find_denials(words: Reading, seen: SeenText, surface: Surface, column: str) -> list[DenialHit]:
    """All denials on one surface that deny a connection of this kind."""
    found: list[DenialHit] = []
    for denial in words.denials.for_text(seen):
        if column not in denial.entry.when:
            continue
        for pattern in denial.patterns:
            found.extend(
                DenialHit(denial, seen, surface, match.start(), match.end())
                for match in pattern.finditer(seen.plain)
                if _stands(seen.plain, match.start(), match.end(), denial.not_before, denial.not_after)
                and not _asked(seen.plain, match.end())
            )
    for token in seen.tokens:
        if not token.tag or not token.word.startswith(words.denial_tag_starts):
            continue
        for tag, denial in words.denial_tags:
            exact = len(tag) < 6
            if column in denial.entry.when and (token.word == tag if exact else token.word.startswith(tag)):
                found.append(DenialHit(denial, seen, surface, token.start, token.end))
    found.sort(key=lambda hit: (hit.start, -hit.end))
    return found


def _asked(plain: str, end: int) -> bool:
    """Whether what was said is a question ("Not paid? I was."), not a statement."""
    return plain[end : end + 2].lstrip()[:1] == "?"


def _clause(plain: str, start: int) -> str:
    """What comes before `start` in the same clause."""
    window = plain[max(0, start - 160) : start]
    last = 0
    for match in _CLAUSE_BREAK.finditer(window):
        last = match.end()
    return window[last:]


def _stands(
    plain: str,
    start: int,
    end: int,
    not_before: re.Pattern[str] | None,
    not_after: re.Pattern[str] | None,
) -> bool:
    if not_before is not None and not_before.search(_clause(plain, start)) is not None:
        return False
    return not_after is None or not_after.match(plain, end) is None


def _labels(word: Word, seen: SeenText, token: Token) -> bool:
    """Whether a word stands as a label: as a hashtag, first in its clause, last, or in capitals."""
    plain = seen.plain
    before = _clause(plain, token.start)
    if word.not_before is not None and word.not_before.search(before) is not None:
        return False
    if token.tag:
        return True
    if word.tag_only:
        return False
    if plain[token.end : token.end + 2] in {"'s", "'t"} or _hyphenated(plain, token):
        return False
    following = _NEXT_WORDS.match(plain, token.end)
    if following is not None and {following.group(1), following.group(2)} & word.not_next:
        named = _NAMES.match(plain, token.end)
        if named is None:
            return False
    if token.word == "ad" and _ERA.match(plain, token.end):
        return False
    at = token.start - 1
    while at >= 0 and plain[at] in _DECORATION:
        at -= 1
    if at < 0 or plain[at] in _SEPARATORS:
        return not (token.word == "ad" and plain[at : at + 1] == "." and _DATE.match(plain, token.end))
    if (plain[at] in {BRAND, OTHER, ","} or _only_tags_before(seen, token)) and _last(seen, token):
        return True
    return _shouted(seen, token)


def _is_ordinary(words: Reading, seen: SeenText, token: Token) -> bool:
    """Whether a word means something else in the language of the post ('ad Amalfi') and is not set off."""
    if token.tag or token.word not in words.ordinary_words or seen.is_upper(token.start, token.end):
        return False
    return _NAMES.match(seen.plain, token.end) is None and seen.plain[token.end : token.end + 1] in {" ", ""}


def _hyphenated(plain: str, token: Token) -> bool:
    left = plain[token.start - 1 : token.start] == "-" and plain[token.start - 2 : token.start - 1].isalnum()
    right = plain[token.end : token.end + 1] == "-" and plain[token.end + 1 : token.end + 2].isalnum()
    return left or right


def _only_tags_before(seen: SeenText, token: Token) -> bool:
    at = bisect_left(seen.tokens, token.start, key=lambda each: each.start)
    return at > 0 and seen.tokens[at - 1].tag


def _last(seen: SeenText, token: Token) -> bool:
    """Whether nothing but hashtags, mentions and marks follows in the line."""
    end = seen.plain.find("\n", token.end)
    end = len(seen.plain) if end < 0 else end
    rest = seen.plain[token.end : end].lstrip(" \t")
    if rest[:1] and rest[0] in _SEPARATORS:
        return True
    return all(t.tag for t in seen.tokens if token.end <= t.start < end)


def _shouted(seen: SeenText, token: Token) -> bool:
    """Whether a word stands out by its capitals from a text that is not all capitals."""
    if not seen.is_upper(token.start, token.end) or not token.word.isascii():
        return False
    previous = _clause(seen.plain, token.start).split()[-1:]
    if previous and (previous[0] in _ARTICLES or previous[0].isdigit()):
        return False
    if _DATE.match(seen.plain, token.end):
        return False
    return not seen.is_shouted


def _word_hit(rule: Rule, seen: SeenText, surface: Surface, token: Token, brand: BrandNames) -> Hit:
    named, end = None, token.end
    if rule.standing == "accepted":
        named, end = _sponsor_after(seen, token.end, brand)
    return Hit(
        rule=rule,
        seen=seen,
        surface=surface,
        start=token.start,
        end=end,
        tag=token.tag,
        phrase=False,
        odd=seen.is_odd(token.start, token.end)
        or (rule.language == "en" and seen.is_accented(token.start, token.end)),
        sponsor=named,
    )


def _sponsor_after(seen: SeenText, end: int, brand: BrandNames) -> tuple[Sponsor | None, int]:
    """Whom a label names right behind itself ('#ad for @somebody'), and where the label then ends."""
    match = _NAMES.match(seen.plain, end)
    if match is not None:
        if BRAND in match.group(1):
            return "brand", match.end()
        return (None, end) if BRAND in seen.plain else ("other", match.end())
    if BRAND in seen.plain:
        return None, end
    words = _NAMES_IN_WORDS.match(seen.plain, end)
    if words is None or words.group(1) in _THEM or _is_stem(words.group(1), brand):
        return None, end
    first, _ = seen.span(words.start(1), words.end(1))
    return ("other", words.end()) if seen.original[first].isupper() else (None, end)


def _is_stem(word: str, brand: BrandNames) -> bool:
    plain = squeeze(word)
    return len(plain) >= 3 and any(stem.startswith(plain) or plain.startswith(stem) for stem in brand.stems)


def _joined(pack: Pack, seen: SeenText, token: Token, brand: BrandNames) -> Joined | None:
    word = token.word.replace("_", "")
    first, last = seen.span(token.start, token.end)
    camel = seen.original[first:last]
    if not word.endswith(pack.open_suffixes) and not any(stem in word for stem in brand.stems):
        return None
    for joined in pack.joined:
        for suffix in joined.entry.suffixes:
            if not word.endswith(suffix) or word == suffix:
                continue
            stem = word[: -len(suffix)]
            if not joined.entry.needs_brand or _is_brand(stem, brand):
                return joined
            if suffix == "ad" and _CAMEL_AD.search(camel) is not None:
                return joined
        for prefix in joined.entry.prefixes:
            if word.startswith(prefix) and word != prefix and _is_brand(word[len(prefix) :], brand):
                return joined
    return None


def _is_brand(stem: str, brand: BrandNames) -> bool:
    return stem in brand.stems or any(len(s) >= 4 and stem.startswith(s) for s in brand.tags)


def _phrase_hits(
    phrase: Phrase, rule: Rule, seen: SeenText, surface: Surface, brand: BrandNames
) -> list[Hit]:
    if phrase.needs_brand and BRAND not in seen.plain:
        return []
    found = []
    for pattern in phrase.patterns:
        for match in pattern.finditer(seen.plain):
            start, end = match.span()
            while start < end and seen.plain[start] in _LEADING:
                start += 1
            if not _stands(seen.plain, start, end, phrase.not_before, phrase.not_after):
                continue
            found.append(
                Hit(
                    rule=rule,
                    seen=seen,
                    surface=surface,
                    start=start,
                    end=end,
                    tag=False,
                    phrase=True,
                    odd=seen.is_odd(start, end),
                    sponsor=_sponsor_in(phrase, seen, start, end, brand),
                )
            )
    return found


_LEADING: Final = frozenset(" \t\n\r.!?:;|•·([-") | {EMOJI}
_BY: Final = re.compile(r"(?:\bby|\bfor|\bwith|\bfrom|sponsor|:)\W*$")


def _sponsor_in(phrase: Phrase, seen: SeenText, start: int, end: int, brand: BrandNames) -> Sponsor | None:
    said = seen.plain[start:end]
    if BRAND in said:
        return "brand"
    if OTHER in said:
        return "other" if phrase.names_sponsor else None
    if not phrase.names_sponsor or _BY.search(said) is None:
        return None
    following = _NEXT_WORD.match(seen.plain, end)
    if following is None or following.group(1) in {"them", "this", "it"}:
        return None
    name = re.match(r"[\s\"'*_]*(?:the )?([\w']+)", seen.plain[end : end + 60])
    return None if name is not None and _is_stem(name.group(1), brand) else "other"


def _disguised(pack: Pack, words: Reading, seen: SeenText, surface: Surface) -> list[Hit]:
    """Labels with letters spaced apart ('A D') or replaced ('sp0nsored'): legible to some only."""
    spans: list[tuple[int, int, str]] = []
    if [len(token.word) for token in seen.tokens].count(1) > 1:
        spans.extend(_spaced_apart(seen))
    if "$" in seen.plain or not "".join(seen.words).isalpha():
        for match in _DISGUISED.finditer(seen.plain):
            letters = match.group().lstrip("#")
            if len(letters) >= _LONG and not letters.isalpha() and not letters.isdigit():
                spans.append((match.start(), match.end(), letters.translate(_DISGUISE)))
    if "#" in seen.plain:
        spans.extend((m.start(), m.end(), "ad") for m in _MASKED_TAG.finditer(seen.plain))
    return [
        Hit(pack.rule(word), seen, surface, start, end, False, False, True, None)
        for start, end, letters in spans
        for word in words.words.get(letters, ())
        if pack.rule(word).standing == "accepted"
    ]


def _spaced_apart(seen: SeenText) -> list[tuple[int, int, str]]:
    found = []
    for match in _SPACED.finditer(seen.plain):
        first, last = seen.span(match.start(), match.end())
        written = [c for c in seen.original[first:last] if c.isalpha()]
        same_case = len({c.isupper() for c in written if c.isupper() or c.islower()}) <= 1
        if same_case and not _dated(seen.plain, match):
            found.append((match.start(), match.end(), re.sub(r"[ ._*·]", "", match.group())))
    return found


def _dated(plain: str, match: re.Match[str]) -> bool:
    """'A.D. 79' and '400 A.D.' are years."""
    return bool(re.search(r"\d\s*$", plain[: match.start()]) or re.match(r"[\s.]*\d", plain[match.end() :]))
