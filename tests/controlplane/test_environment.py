"""Readers of the environment: right types, and one sentence for every bad word."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.environment import BadSetting, Environment, read_env_file


def test_an_unset_variable_has_the_default_of_the_table() -> None:
    assert Environment({}).seconds("CONTROLPLANE_TICK_SECONDS", least=1, most=300) == timedelta(seconds=30)


@pytest.mark.parametrize(("word", "value"), [("on", True), ("TRUE", True), ("1", True), ("off", False), ("No", False)])
def test_a_flag_takes_the_usual_words(word: str, value: bool) -> None:
    assert Environment({"DEBUG": word}).flag("DEBUG") is value


def test_a_flag_refuses_other_words_instead_of_taking_them_for_off() -> None:
    with pytest.raises(BadSetting, match="DEBUG is 'yess'; write on or off"):
        Environment({"DEBUG": "yess"}).flag("DEBUG")


@pytest.mark.parametrize("word", ["abc", "1.5", "0", "301", "-1"])
def test_a_number_outside_its_range_is_refused_by_name(word: str) -> None:
    with pytest.raises(BadSetting, match="CONTROLPLANE_TICK_SECONDS is"):
        Environment({"CONTROLPLANE_TICK_SECONDS": word}).whole("CONTROLPLANE_TICK_SECONDS", least=1, most=300)


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "https://", "https://host:port"])
def test_an_address_without_scheme_or_host_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="AI_ENDPOINT is not an address"):
        Environment({"AI_ENDPOINT": url}).address("AI_ENDPOINT")


def test_a_secret_address_is_not_shown_when_refused() -> None:
    with pytest.raises(BadSetting) as refusal:
        Environment({"SLACK_WEBHOOK_URL": "hooks.example/T0/s3cret"}).address("SLACK_WEBHOOK_URL")
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["octo", "octo/", "/repo", "a b/c", "https://github.com/octo/repo"])
def test_a_repository_must_be_owner_and_name(name: str) -> None:
    with pytest.raises(BadSetting, match="owner/name"):
        Environment({"GITHUB_REPOSITORY": name}).repository("GITHUB_REPOSITORY")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("ghp_abc\n")
    assert Environment({"GITHUB_TOKEN_FILE": str(file)}).text("GITHUB_TOKEN") == "ghp_abc"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    values = {"GITHUB_TOKEN": "a", "GITHUB_TOKEN_FILE": str(tmp_path)}
    with pytest.raises(BadSetting, match="both set"):
        Environment(values).text("GITHUB_TOKEN")


def test_a_secret_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read: No such file"):
        Environment({"GITHUB_TOKEN_FILE": str(tmp_path / "none")}).text("GITHUB_TOKEN")
    (tmp_path / "empty").touch()
    with pytest.raises(BadSetting, match="is empty"):
        Environment({"GITHUB_TOKEN_FILE": str(tmp_path / "empty")}).text("GITHUB_TOKEN")


def test_only_declared_variables_can_be_read() -> None:
    with pytest.raises(KeyError):
        Environment({"HOME": "/"}).text("HOME")


def test_an_env_file_adds_what_the_environment_does_not_say(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\n\nDEBUG=on\nexport AI_MODEL='a b'\nGITHUB_REPOSITORY=octo/repo\n")
    values = {"DEBUG": "off"}
    read_env_file(file, values)
    assert values == {"DEBUG": "off", "AI_MODEL": "a b", "GITHUB_REPOSITORY": "octo/repo"}


def test_a_line_that_is_no_assignment_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DEBUG=on\nGITHUB_TOKEN ghp_secret\n")
    with pytest.raises(BadSetting, match="line 2 is not NAME=value") as refusal:
        read_env_file(file, {})
    assert "ghp_secret" not in str(refusal.value)


def test_a_missing_env_file_is_no_error_and_changes_nothing(tmp_path: Path) -> None:
    values = {"DEBUG": "off"}
    read_env_file(tmp_path / ".env", values)
    assert values == {"DEBUG": "off"}
