"""Personal data at rest: readable with the keys, unreadable and unforgeable without."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text

from domain.errors import Defect, NotFound
from domain.ids import PREFIXES, is_id
from infra.ids import new_id
from infra.tables import Answer, CreatorKey
from infra.vault import AnswerForm, PostalAddress, Profile, Vault, answer_of, profile_of
from tests.records.office import Office

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
ADA = Profile(name="Ada Byron", email="ada@example.net", phone="+49 1")


@given(st.text(max_size=200), st.text(max_size=60))
def test_what_is_sealed_opens_as_it_was(name: str, note: str) -> None:
    vault = Vault(OLD)
    key = vault.new_key()
    form = AnswerForm(legal_name=name, note=note, consent=True)
    assert vault.open(key, vault.seal(key, form), AnswerForm) == form


def test_nothing_readable_is_stored_and_no_two_seals_are_alike() -> None:
    vault = Vault(OLD)
    key = vault.new_key()
    first, second = vault.seal(key, ADA), vault.seal(key, ADA)
    assert first != second
    assert b"Ada" not in first
    assert b"example" not in first


def test_a_changed_seal_another_key_or_another_kind_does_not_open() -> None:
    vault = Vault(OLD)
    key = vault.new_key()
    sealed = vault.seal(key, ADA)
    for place in (0, 12, len(sealed) - 1):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(Defect):
            vault.open(key, changed, Profile)
    for wrong in (
        lambda: vault.open(vault.new_key(), sealed, Profile),
        lambda: vault.open(key, sealed, AnswerForm),
        lambda: vault.open(key, b"", Profile),
        lambda: Vault(NEW).open(key, sealed, Profile),
    ):
        with pytest.raises(Defect) as caught:
            wrong()
        assert "Ada" not in str(caught.value)


def test_a_vault_key_is_replaced_without_sealing_anything_again() -> None:
    before, between, after = Vault(OLD), Vault(f"{NEW},{OLD}"), Vault(NEW)
    key = before.new_key()
    sealed = before.seal(key, ADA)
    assert between.open(key, sealed, Profile) == ADA
    assert between.email_digest(ADA.email) == before.email_digest(ADA.email)
    assert after.open(between.rewrap(key), sealed, Profile) == ADA


def test_an_address_is_found_again_however_it_is_written_and_by_nobody_else() -> None:
    vault = Vault(OLD)
    assert vault.email_digest(" Ada@Example.net ") == vault.email_digest("ada@example.net")
    assert vault.email_digest("ada@example.net") != vault.email_digest("ada@example.org")
    assert vault.email_digest("ada@example.net") != Vault(NEW).email_digest("ada@example.net")


def test_a_vault_without_a_key_is_refused() -> None:
    for wrong in ("", " , ", "short"):
        with pytest.raises(ValueError):
            Vault(wrong)


def test_profile_and_answer_are_read_until_the_key_is_destroyed(office: Office) -> None:
    office.open()
    of = office.accepted()
    answer = office.rows(Answer, of)[0]
    with office.sessions.begin() as session:
        assert profile_of(session, office.vault, answer.creator_id).name == "Ada"
        form = answer_of(session, office.vault, answer.id)
        assert isinstance(form.address, PostalAddress)
        assert form.address.city == "Jena"
        session.execute(delete(CreatorKey).where(CreatorKey.creator_id == answer.creator_id))
        for erased in (
            lambda: profile_of(session, office.vault, answer.creator_id),
            lambda: answer_of(session, office.vault, answer.id),
        ):
            with pytest.raises(NotFound) as caught:
                erased()
            assert caught.value.code == "erased"


def test_no_table_holds_what_the_creator_typed_in_clear(office: Office) -> None:
    office.open()
    office.sent()
    with office.sessions() as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for table in tables:
            content = repr(session.execute(text(f'SELECT t::text FROM "{table}" t')).all())  # noqa: S608 - names from the catalogue
            for personal in ("Byron", "Ringweg", "Jena", "@example.net"):
                assert personal not in content, table


def test_ids_made_at_the_edges_sort_by_time() -> None:
    made = [new_id("collaboration") for _ in range(50)]
    assert made == sorted(made)
    assert all(is_id(kind, new_id(kind)) for kind in PREFIXES)
    with pytest.raises(KeyError):
        new_id("nonsense")
