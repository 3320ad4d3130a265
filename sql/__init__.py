"""Named SQL statements, one a file, and the loader that reads them.

Each file opens with comment lines: the purpose, the grain of what it returns and, for each ``$parameter``,
``-- $name type: meaning``. Values travel only as such parameters.
"""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


def names(under: str = "") -> list[str]:
    """Return the names of all statements in a folder, such as ``ledger/claim_due``, in order."""
    files = (_FOLDER / under).rglob("*.sql")
    return sorted(file.relative_to(_FOLDER).with_suffix("").as_posix() for file in files)


@cache
def statement(name: str) -> str:
    """Return the text of the statement ``name``.

    Raises:
        KeyError: there is no such file.
    """
    file = _FOLDER / f"{name}.sql"
    if not file.is_file():
        raise KeyError(f"no statement {name!r} in sql/")
    return file.read_text(encoding="utf-8")
