"""A bundle explains a payout without us: same record, same bytes, and no byte can change unseen."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from domain.bundle_verifier import MANIFEST, PROOF, pack, readable, sha256, verify
from domain.commands import ConfirmTransfer, OpenAttempt, Recheck, RecordCheck, SettleAttempt
from domain.errors import Refused
from domain.ids import derived_id
from domain.ledger import payout_id
from domain.offer import FeeTail
from domain.roles import CLOCK
from infra.audit.append import append_audit
from infra.audit.roots import Roots
from infra.audit.signing import Signer
from infra.evidence.keep import Evidence
from infra.ids import new_id
from infra.objects import ObjectStore
from infra.settings import Settings
from infra.tables import CreatorKey, DisclosureCheck, EvidenceBundle, Payout, Post, Submission
from tests.records.arrivals import arrived
from tests.records.office import BRAND, STRIPE, Office

SIGNER = Signer((Fernet.generate_key().decode(),))
CAPTION = "Anzeige: the serum of Hazel, in my bath in Ringweg"
URL = "https://social.example/ada.byron/reel/77"


@dataclass
class Desk:
    """An office whose payouts have evidence."""

    office: Office
    evidence: Evidence

    def paid(self) -> str:
        """A payout that Stripe confirmed, with a post that was looked at."""
        office = self.office
        of = office.sent()
        with office.sessions.begin() as session:
            submission = session.scalars(select(Submission).where(Submission.collaboration_id == of)).one()
            submission.caption = CAPTION
            session.add(
                Post(id=new_id("post"), submission_id=submission.id, collaboration_id=of, deliverable=0,
                     platform="instagram", format="reel", url=URL)
            )  # fmt: skip
            session.add(
                DisclosureCheck(
                    id=new_id("disclosure_check"), collaboration_id=of, submission_id=submission.id, number=1,
                    outcome="pass", reason="marked_first", pack="DE@2026-11", input_sha256="ab" * 32,
                    findings=[{"url": URL, "outcome": "pass", "reason": "marked_first",
                               "verdict": {"rule": "de-1", "jurisdiction": "DE", "verdict": "pass",
                                           "reason": "marked_first", "pack_version": "2026-11",
                                           "evidence": [{"text": "Anzeige"}], "findings": []}}],
                    input=[{"url": URL, "caption": CAPTION, "author_handle": "ada.byron"}],
                    evidence_key="", checked_at=office.clock,
                )
            )  # fmt: skip
        office.must(of, ConfirmTransfer(payout_id=payout_id(of), transfer_id=f"tr_{of}"), STRIPE)
        with office.sessions() as session:
            return session.scalars(select(Payout.id).where(Payout.collaboration_id == of)).one()

    def build(self, payout_id: str) -> tuple[EvidenceBundle, bytes]:
        bundle = self.evidence.build(payout_id, self.office.clock)
        return bundle, self.evidence.content(bundle)


@pytest.fixture
def desk(office: Office, settings: Settings) -> Desk:
    office.open()
    return Desk(office, Evidence(office.sessions, office.vault, ObjectStore(settings), SIGNER))


def _files(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _script(tmp_path: Path, bundle: bytes, *words: str) -> subprocess.CompletedProcess[str]:
    """The verifier of the bundle itself, alone: no package of ours, no environment."""
    (tmp_path / "verify.py").write_bytes(_files(bundle)["verify.py"])
    (tmp_path / "bundle.zip").write_bytes(bundle)
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "bundle.zip", *words],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={}, timeout=60,
    )  # fmt: skip


def test_a_bundle_tells_the_whole_story_and_verifies_by_itself(desk: Desk, tmp_path: Path) -> None:
    bundle, data = desk.build(desk.paid())
    assert verify(data) == []
    files = _files(data)
    assert {
        "approvals.json", "commitments.json", "consent.json", "disclosure.json", "events.json", "facts.json",
        "gates.json", "index.html", "ledger.json", "manifest.json", "payout.json", "posts.json", "proof.json",
        "rights.json", "sealed/personal.bin", "shipments.json", "terms.json", "terms.txt", "verify.py",
    } == set(files)  # fmt: skip
    said = json.loads(files["payout.json"])
    assert said["attempts"][0]["stripe_transfer_id"].startswith("tr_")
    assert {entry["kind"] for entry in json.loads(files["ledger.json"])} >= {"fee_held", "attempt_sent"}
    page = files["index.html"].decode()
    for words in (
        "220.00 USD paid",
        "You post one reel",
        "shipped",
        "DE@2026-11",
        "marked first",
        "tr_collab",
    ):
        assert words in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    ran = _script(tmp_path, data)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert bundle.payout_id in ran.stdout


def test_a_tail_has_a_bundle_of_its_own_that_says_what_it_is_for(desk: Desk) -> None:
    office = desk.office
    office.tails = [FeeTail(percent=20, live_for="30d")]
    first = desk.paid()
    with office.sessions() as session:
        of = session.get_one(Payout, first).collaboration_id
    office.later(days=31)
    office.must(of, Recheck(), CLOCK)
    office.must(of, RecordCheck(check_id=derived_id("disclosure_check", of, 2), outcome="pass"))
    office.must(of, OpenAttempt(report_id=office.report(of, destination=f"acct_{of}")))
    office.must(of, SettleAttempt(result="sent", transfer_id=f"tr_2_{of}"))
    office.must(of, ConfirmTransfer(payout_id=payout_id(of, 2), transfer_id=f"tr_2_{of}"), STRIPE)
    for paid, amount, words in ((first, "176.00 USD", ""), (payout_id(of, 2), "44.00 USD", "stayed live")):
        _, data = desk.build(paid)
        assert verify(data) == []
        page = _files(data)["index.html"].decode()
        assert f"{amount} paid" in page
        assert words in page
        assert ("part of the fee" in page) == bool(words)


def test_the_same_record_gives_the_same_bytes_and_another_one_a_new_number(desk: Desk) -> None:
    payout_id = desk.paid()
    first, data = desk.build(payout_id)
    desk.office.later(days=3)
    again, same = desk.build(payout_id)
    assert (again.id, same) == (first.id, data)
    with desk.office.sessions.begin() as session:
        session.scalars(select(Submission)).one().feedback = "Lovely."
    other, changed = desk.build(payout_id)
    assert other.number == 2
    assert changed != data
    assert verify(changed) == []


def test_a_bundle_says_what_arrived_once_that_is_known(desk: Desk, tmp_path: Path) -> None:
    payout_id, clock = desk.paid(), desk.office.clock
    first, before = desk.build(payout_id)
    assert json.loads(_files(before)["payout.json"])["receipts"] == []
    assert "was not known when this was collected" in _files(before)["index.html"].decode()
    with desk.office.sessions() as session:
        of = session.get_one(Payout, payout_id).collaboration_id
    arrived(desk.office.sessions, of, clock, amount=67_566, currency="KWD", rate="3.0712001", fee=250)
    second, after = desk.build(payout_id)
    assert (first.number, second.number) == (1, 2)
    assert desk.build(payout_id)[1] == after
    assert desk.evidence.content(first) == before, "the first stays as it was sealed"
    (receipt,) = json.loads(_files(after)["payout.json"])["receipts"]
    assert (receipt["amount"], receipt["currency"], receipt["exchange_rate"]) == (67_566, "KWD", "3.0712001")
    page = _files(after)["index.html"].decode()
    assert "as 67.566 KWD, at Stripe's rate 3.0712001; Stripe kept 0.250 KWD of it" in page
    assert {entry["kind"] for entry in json.loads(_files(after)["ledger.json"])} == {
        entry["kind"] for entry in json.loads(_files(before)["ledger.json"])
    }, "nothing is booked from it"
    ran = _script(tmp_path, after)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_bundle_written_again_after_a_crash_is_the_same(desk: Desk) -> None:
    """Killed after collecting, or after storing: the next round ends with the same bytes."""
    payout_id, clock = desk.paid(), desk.office.clock
    collected = desk.evidence.collect(payout_id, clock)
    assert desk.evidence.collect(payout_id, clock + timedelta(hours=1)).id == collected.id
    stored = desk.evidence._sealed_bytes(collected, clock)
    assert desk.evidence._sealed_bytes(collected, clock + timedelta(days=2)) == stored
    sealed = desk.evidence.seal(collected.id, clock + timedelta(days=2))
    assert desk.evidence.content(sealed) == stored
    assert desk.evidence.seal(collected.id, clock) == sealed or sealed.sha256 == sha256(stored)


def test_bundles_come_by_themselves_once_a_root_covers_them(desk: Desk) -> None:
    payout_id, clock = desk.paid(), desk.office.clock
    assert desk.evidence.collect_due(clock) == 1
    assert desk.evidence.collect_due(clock) == 0
    assert desk.evidence.seal_due(clock) == 0, "no root yet"
    Roots(desk.office.sessions, SIGNER).make(desk.office.brand_id, clock)
    assert desk.evidence.seal_due(clock) == 1
    bundle, data = desk.build(payout_id)
    assert bundle.number == 1
    assert verify(data) == []


def test_nothing_personal_can_be_read_in_a_bundle(desk: Desk) -> None:
    _, data = desk.build(desk.paid())
    for name, content in _files(data).items():
        for personal in (
            b"Ada",
            b"Byron",
            b"Ringweg",
            b"Jena",
            b"example.net",
            b"social.example",
            b"ada.byron",
        ):
            assert personal not in content, name


def test_the_personal_part_opens_for_who_may_see_it_and_fits_its_bundle(desk: Desk, tmp_path: Path) -> None:
    payout_id = desk.paid()
    _, data = desk.build(payout_id)
    with desk.office.sessions() as session:
        creator_id = session.get_one(Payout, payout_id).creator_id
    personal = desk.evidence.personal(data, creator_id)
    assert personal["consent"]["value"]["legal_name"] == "Ada Byron"
    assert personal["posts"]["value"][0]["url"] == URL
    assert personal["seen"]["value"][0]["input"][0]["caption"] == CAPTION
    assert "Ringweg 7" not in json.dumps(personal), "the address of a parcel is no evidence"
    assert verify(data, None, personal) == []
    (tmp_path / "personal.json").write_text(json.dumps(personal))
    assert _script(tmp_path, data, "--personal", "personal.json").returncode == 0
    personal["consent"]["value"]["legal_name"] = "Ada Bryon"
    assert verify(data, None, personal) == [("personal", "consent is not what was sealed")]
    del personal["consent"]
    assert verify(data, None, personal) == [("personal", "consent is missing on one side")]


def test_after_the_key_is_gone_a_bundle_still_verifies_and_opens_for_nobody(desk: Desk) -> None:
    payout_id = desk.paid()
    _, data = desk.build(payout_id)
    with desk.office.sessions.begin() as session:
        creator_id = session.get_one(Payout, payout_id).creator_id
        session.execute(delete(CreatorKey).where(CreatorKey.creator_id == creator_id))
    assert verify(data) == []
    with pytest.raises(Refused) as caught:
        desk.evidence.personal(data, creator_id)
    assert caught.value.code == "erased"
    later, anonymous = desk.build(payout_id)
    assert later.number == 2
    assert verify(anonymous) == []
    assert _files(anonymous)["sealed/personal.bin"] == b""


def test_a_root_that_is_kept_outside_must_be_the_one_in_the_bundle(desk: Desk, tmp_path: Path) -> None:
    payout_id = desk.paid()
    _, data = desk.build(payout_id)
    root = json.loads(_files(data)[PROOF])["root"]
    (tmp_path / "root.json").write_text(json.dumps(root))
    assert _script(tmp_path, data, "--root", "root.json").returncode == 0
    (tmp_path / "other.json").write_text(json.dumps(root | {"hash": "0" * 64}))
    refused = _script(tmp_path, data, "--root", "other.json")
    assert refused.returncode == 1
    assert "not the one that you keep" in refused.stdout


def test_every_file_is_guarded_and_named(desk: Desk) -> None:
    _, data = desk.build(desk.paid())
    files = _files(data)
    for name, content in files.items():
        place = len(content) // 2
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert name in {found for found, _ in verify(pack(files | {name: changed}))}, name
        less = {other: kept for other, kept in files.items() if other != name}
        assert name in {found for found, _ in verify(pack(less))}, name
    assert ("extra.txt", "was added") in verify(pack(files | {"extra.txt": b"x"}))


def test_whoever_writes_the_manifest_anew_does_not_get_past_the_audit_log(desk: Desk) -> None:
    _, data = desk.build(desk.paid())
    files = _files(data)
    files["terms.txt"] = files["terms.txt"].replace(b"220.00", b"920.00")
    manifest = json.loads(files[MANIFEST])
    manifest["files"]["terms.txt"] = sha256(files["terms.txt"])
    sealed = {name: value for name, value in manifest.items() if name != "content_sha256"}
    manifest["content_sha256"] = sha256(
        json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    files[MANIFEST] = readable(manifest)
    problems = verify(pack(files))
    assert (PROOF, "the line of the audit log is about another content") in problems
    proof = json.loads(files[PROOF])
    proof["content"]["data"]["content_sha256"] = manifest["content_sha256"]
    files[PROOF] = readable(proof)
    assert (PROOF, "the line does not lead to the root") in verify(pack(files))


def test_no_byte_of_a_bundle_can_change_unseen(desk: Desk) -> None:
    _, data = desk.build(desk.paid())

    @given(st.integers(0, len(data) - 1), st.integers(1, 255))
    @hypothesis_settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    def flip(place: int, by: int) -> None:
        changed = data[:place] + bytes([data[place] ^ by]) + data[place + 1 :]
        assert verify(changed), place

    flip()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        assert verify(data[:cut])
    assert verify(data + b"\x00")
    assert verify(b"")


def test_a_month_is_one_command_and_each_payout_in_it_one_bundle(desk: Desk) -> None:
    office = desk.office
    march = {desk.paid(), desk.paid()}
    office.later(days=40)
    april = desk.paid()
    with office.sessions.begin() as session:
        append_audit(session, office.brand_id, "period", "2026-03", "closed", BRAND, office.clock)
    found = list(desk.evidence.month(office.brand_id, "2026-03", office.clock))
    assert {bundle.payout_id for bundle in found} == march
    assert all(verify(desk.evidence.content(bundle)) == [] for bundle in found)
    again = list(desk.evidence.month(office.brand_id, "2026-03", office.clock + timedelta(days=9)))
    assert [bundle.sha256 for bundle in again] == [bundle.sha256 for bundle in found]
    (later,) = desk.evidence.month(office.brand_id, "2026-04", office.clock)
    assert later.payout_id == april
    with pytest.raises(ValueError):
        list(desk.evidence.month(office.brand_id, "April", office.clock))


def test_a_payout_that_nobody_agreed_to_has_no_bundle(desk: Desk) -> None:
    with pytest.raises(Refused, match="no such payout"):
        desk.evidence.build("payout_x", desk.office.clock)
