"""The table of all settings: `python -m scenograph.runtime.settings_table docs/guides/operate.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from scenograph.runtime.settings import PREFIX, Section, Settings

START, END = "<!-- settings: made by scenograph.runtime.settings_table -->", "<!-- end of settings -->"


def settings_table() -> str:
    """A Markdown table: setting, environment variable, default, meaning."""
    lines = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            lines += [_row(f"{name}.{inner}", about) for inner, about in section.model_fields.items()]
        else:
            lines.append(_row(name, field))
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table between its marks made anew."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{settings_table()}\n{END}{after}"


def _row(name: str, field: FieldInfo) -> str:
    variable = PREFIX + name.replace(".", "_").upper()
    return f"| `{name}` | `{variable}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "in the user's data folder"
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return f"`{default}`" if default != "" else "empty"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
