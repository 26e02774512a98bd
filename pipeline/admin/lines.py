"""Lists of words in a form: one entry per line in a textarea."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

HELP = "One entry per line."


class LinesField(forms.CharField):
    """A JSON list of strings, edited as lines; blank lines and doubles are dropped, the order is kept."""

    def __init__(self, *, longest: int = 500, rows: int = 4, help_text: str = HELP, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), help_text=help_text, **kwargs)
        self.longest = longest

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(entry) for entry in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return list(dict.fromkeys(line.strip() for line in (value or "").splitlines() if line.strip()))

    def validate(self, value: Any) -> None:
        super().validate(value)
        for entry in value:
            if len(entry) > self.longest:
                raise forms.ValidationError(
                    f"The entry {entry[:40]!r}… has {len(entry)} characters; at most {self.longest} are allowed."
                )

    def run_validators(self, value: Any) -> None:
        """Those of a CharField are for one text, not for a list."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))
