"""Where the state lives: the store's folder and the names of what lies in it."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from flows.errors import InputError

_PATTERN = set("*?[")
"""What Polars and DuckDB read as standing for other characters."""

_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Home:
    """The folder of one store.

    ``contacts.duckdb`` holds the lists, ``lists/`` their published snapshots, ``ledger.duckdb`` the present,
    ``plans/`` the future, ``past/`` closed days, ``journal/`` the dials, ``owners/`` two locked files per
    living dispatcher, ``budgets/`` the requests made of late. ``prefect/`` has the data of a Prefect server
    of its own, ``runs/`` a locked file per living flow run, ``turns/`` whose turn it is to dispatch.
    """

    path: Path

    @property
    def contacts(self) -> Path:
        """The database of loaded lists."""
        return self.path / "contacts.duckdb"

    @property
    def lists(self) -> Path:
        """The folder of list snapshots, ``<list>/<hash>.parquet``."""
        return self.path / "lists"

    @property
    def ledger(self) -> Path:
        """The database of campaigns, staged slots and calls."""
        return self.path / "ledger.duckdb"

    @property
    def plans(self) -> Path:
        """The folder of plans, ``<campaign_id>/<version>.parquet``."""
        return self.path / "plans"

    @property
    def journal(self) -> Path:
        """The folder of the dial journal."""
        return self.path / "journal"

    @property
    def budgets(self) -> Path:
        """The folder of what was taken of the providers' limits."""
        return self.path / "budgets"

    @property
    def past(self) -> Path:
        """The folder of closed days, ``<campaign_id>/<date>-<part>.{calls,events}.parquet``."""
        return self.path / "past"

    @property
    def owners(self) -> Path:
        """The folder of the files that living dispatchers hold locked."""
        return self.path / "owners"

    @property
    def prefect(self) -> Path:
        """The folder of the Prefect server that ``callplan up`` runs."""
        return self.path / "prefect"

    @property
    def runs(self) -> Path:
        """The folder of the files that living flow runs hold locked."""
        return self.path / "runs"

    @property
    def turns(self) -> Path:
        """The folder of the files that say whose turn it is to dispatch."""
        return self.path / "turns"

    @property
    def told(self) -> Path:
        """The file with the changes of campaigns that Prefect was told of lately."""
        return self.path / "told.json"

    @property
    def archived(self) -> Path:
        """The file that says when closed days were last looked for."""
        return self.path / "archived"

    @property
    def booted(self) -> Path:
        """The file that says when the machine was started, by the wall clock of those who dispatched here."""
        return self.path / "booted"

    @property
    def rests(self) -> Path:
        """The file that says until when no call starts, because the clock was set."""
        return self.path / "rests"

    @property
    def _has_begun(self) -> bool:
        """Whether any of what every store comes to have is there; another folder is not to become a store."""
        parts = (self.contacts, self.ledger, self.plans, self.journal, self.prefect, self.runs, self.turns)
        return any(part.exists() for part in parts)

    def make(self) -> "Home":
        """Create the folder, readable by its owner only, and return the store."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def require(self) -> "Home":
        """Return the store; an empty folder is one that has just been made.

        Raises:
            InputError: there is none; only load, create, demo and up make one.
        """
        if not self.path.is_dir() or (any(self.path.iterdir()) and not self._has_begun):
            raise InputError(
                f"{self.path}: there is no store here; load a list first, or set CALLPLAN_HOME to its folder"
            )
        return self


def find_home() -> Home:
    """Return the store that ``CALLPLAN_HOME`` names, else ``data/store`` of a checkout or the user's data.

    Raises:
        InputError: what reads its files would take the name of its folder for a pattern.
    """
    home = _named_home()
    refuse_pattern(home.path)
    return home


def refuse_pattern(path: Path) -> None:
    """Raise InputError where Polars or DuckDB would take a path of stores and plans for a pattern."""
    if set(str(path)) & _PATTERN:
        raise InputError(
            f"{path}: stores and plans must not have any of {' '.join(sorted(_PATTERN))} in their path"
        )


def _named_home() -> Home:
    named = os.environ.get("CALLPLAN_HOME")
    if named:
        return Home(Path(named).expanduser().absolute())
    if (_CHECKOUT / "pyproject.toml").is_file():
        return Home(_CHECKOUT / "data" / "store")
    return Home(user_data_path("callplan"))
