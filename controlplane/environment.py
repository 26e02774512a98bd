"""Typed readers of the environment: a value of the asked type, or one sentence that says what to change."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from environ import Env

from controlplane.variables import BY_NAME

TRUE_WORDS = frozenset({"1", "on", "yes", "true"})
FALSE_WORDS = frozenset({"0", "off", "no", "false"})
LINE = re.compile(r"(#.*|(export )?[A-Za-z_][A-Za-z0-9_]*=.*)?")  # what django-environ takes, and no more


class BadSetting(Exception):
    """One sentence for the person who set it; never shows a secret."""


class Environment:
    """Reads declared variables only, so that the table of them stays complete."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        variable = BY_NAME[name]
        if variable.secret:
            return self._secret(name)
        return self._values.get(name, "").strip() or variable.default

    def flag(self, name: str) -> bool:
        word = self.text(name)
        if word.lower() in TRUE_WORDS:
            return True
        if word.lower() in FALSE_WORDS:
            return False
        raise BadSetting(f"{name} is {word!r}; write on or off.")

    def whole(self, name: str, *, least: int, most: int) -> int:
        word = self.text(name)
        try:
            number = int(word)
        except ValueError:
            raise BadSetting(f"{name} is {word!r}; write a whole number from {least} to {most}.") from None
        if not least <= number <= most:
            raise BadSetting(f"{name} is {number}; it must lie between {least} and {most}.")
        return number

    def seconds(self, name: str, *, least: int, most: int) -> timedelta:
        return timedelta(seconds=self.whole(name, least=least, most=most))

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        word = self.text(name)
        if word not in allowed:
            raise BadSetting(f"{name} is {word!r}; write one of {', '.join(allowed)}.")
        return word

    def words(self, name: str) -> list[str]:
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def address(self, name: str) -> str:
        """An http or https address without a trailing slash, or an empty text."""
        value = self.text(name)
        if not value:
            return ""
        shown = "its value" if BY_NAME[name].secret else repr(value)
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - reading it is what validates it
        except ValueError:
            raise BadSetting(f"{name} is not an address: {shown} cannot be read; write https://host/path.") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadSetting(f"{name} is not an address: {shown} does not begin with https:// or http:// and a host.")
        return value.rstrip("/")

    def folder(self, name: str, *, below: Path) -> Path:
        return (below / Path(self.text(name)).expanduser()).resolve()

    def repository(self, name: str) -> str:
        value = self.text(name)
        if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", value):
            raise BadSetting(f"{name} is {value!r}; write owner/name, as in octo-org/octo-repo.")
        return value

    def _secret(self, name: str) -> str:
        value, file = self._values.get(name, "").strip(), self._values.get(f"{name}_FILE", "").strip()
        if value and file:
            raise BadSetting(f"{name} and {name}_FILE are both set; keep one of them.")
        if not file:
            return value or BY_NAME[name].default
        try:
            content = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise BadSetting(f"{name}_FILE names {file!r}, which cannot be read: {reason}.") from None
        if not content:
            raise BadSetting(f"{name}_FILE names {file!r}, which is empty.")
        return content


def read_env_file(path: Path, values: MutableMapping[str, str]) -> None:
    """Add the lines of `path` to `values`, which win; a missing file is no error."""
    if not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadSetting(f"{path} cannot be read as UTF-8 text; check its owner and mode.") from None
    for number, line in enumerate(lines, start=1):
        if not LINE.fullmatch(line):
            raise BadSetting(f"{path}, line {number} is not NAME=value; correct it or begin it with #.")
    given: dict[str, str] = {}

    class EnvFile(Env):  # type: ignore[misc] # django-environ is untyped; its read_env writes to the class's mapping
        ENVIRON = given

    EnvFile.read_env(str(path))
    for name, value in given.items():
        values.setdefault(name, value)
