"""Credentials are found by reference, and the reference is all that a message shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.services.credentials import CredentialMissing, resolve, token_key


def test_environment_reference_gives_the_value_stripped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "  ghp_x \n")
    assert resolve("env:A_TOKEN") == "ghp_x"


def test_environment_reference_falls_back_to_the_named_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ghp_file\n")
    monkeypatch.delenv("A_TOKEN", raising=False)
    monkeypatch.setenv("A_TOKEN_FILE", str(tmp_path / "token"))
    assert resolve("env:A_TOKEN") == "ghp_file"


def test_file_reference_gives_the_value_stripped(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ghp_y\n")
    assert resolve(f"file:{tmp_path}/token") == "ghp_y"


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/token", "ghp_looks_like_a_token", ""])
def test_unusable_reference_is_named_in_the_sentence(reference: str) -> None:
    with pytest.raises(CredentialMissing, match=reference or "''"):
        resolve(reference)


@pytest.mark.parametrize("value", ["ghp_secret # mine", "ghp_secret…"])
def test_value_that_is_no_token_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_TOKEN", value)
    with pytest.raises(CredentialMissing) as caught:
        resolve("env:A_TOKEN")
    assert "ghp_secret" not in str(caught.value)


def test_binary_file_is_refused_with_the_kind_of_error(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CredentialMissing, match="UnicodeDecodeError"):
        resolve(f"file:{tmp_path}/token")


def test_token_key_depends_on_token_and_secret_and_hides_both(settings: object) -> None:
    before = token_key("ghp_x")
    assert before == token_key("ghp_x") != token_key("ghp_y")
    assert len(before) == 64
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    assert token_key("ghp_x") != before
