"""Questions in SQL: in memory, over plan files and a snapshot of the ledger, unable to write or escape."""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.archiving import PAST_CALLS, PAST_EVENTS
from flows.contact_store import current_lists
from flows.errors import CallplanError, InputError, WorkError
from flows.home import Home
from flows.ledger import Ledger
from flows.plan_store import EXCLUDED_SUFFIX, companion
from transforms.schemas import CONTACTS, EXCLUDED, PLAN

_LEDGER_TABLES = ("campaign", "plan_version", "pending", "call", "event", "skip")
_VIEWS = ("call", "event", "contact", "excluded", "plan", "planned_and_actual")
_UNKNOWN_TO_POLARS = ("INTERVAL", "UNION")
_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
"""DuckDB's names of queries that change nothing."""

_WITH_PAST = ("call", "event")
"""Tables of which the ledger has the present part and files the rest."""

_FILES = {
    "plan_file": PLAN,
    "added_file": PLAN,
    "excluded_file": EXCLUDED,
    "contact_file": CONTACTS,
    "past_call": PAST_CALLS,
    "past_event": PAST_EVENTS,
}
"""What is laid over files, and the columns that it has without any."""

_LOOK_SECONDS = 0.1


def ask(home: Home, ledger: Ledger, question: str) -> pl.DataFrame:
    """Return the answer to one ``select``.

    Tables: ``campaign``, ``plan_version``, ``pending``, ``skip`` as they are in the ledger now; ``call`` and
    ``event``, closed days included; ``plan`` (the current plans), ``excluded``, ``contact`` (the lists);
    ``planned_and_actual``.

    Raises:
        InputError: the question is not one statement that only reads, or asks for what is not there.
        WorkError: it cannot be answered: a value in it is none, or files are gone or damaged.
    """
    _refuse_writing(question)
    tables, past = _snapshot(ledger)
    files = _files(home, tables["plan_version"], past)
    gone = {name: [file for file in files[name] if not file.is_file()] for name in files}
    with _errors_told(WorkError):
        if any(gone.values()):
            _refuse_without(gone, home, tables, question)
        with _laid(home, tables, {name: files[name] for name in files if not gone[name]}) as connection:
            return _answer(connection, question)


@contextmanager
def _errors_told(kind: type[CallplanError]) -> Iterator[None]:
    """Raise as ``kind`` what DuckDB refuses: before it begins to answer, that is the question's fault."""
    try:
        yield
    except duckdb.Error as error:
        raise kind(f"sql: {error}") from None


def _refuse_without(
    gone: dict[str, list[Path]], home: Home, tables: dict[str, pl.DataFrame], question: str
) -> None:
    """Refuse a question about files that are gone: its answer would lack their rows without a word."""
    with _laid(home, tables, {}) as connection:  # where DuckDB can tell what is asked about through views
        with _errors_told(InputError):
            names = sorted(connection.get_table_names(question))
        needed = [file for name in names for file in gone.get(name, [])]
    if needed:
        more = f" and {len(needed) - 1:,} more files" if len(needed) > 1 else ""
        raise WorkError(f"{needed[0]}{more}: gone, so the answer would lack rows; bring the files back")


def _answer(connection: duckdb.DuckDBPyConnection, question: str) -> pl.DataFrame:
    """Ask in a thread of its own: what DuckDB is at in the main one, Ctrl-C does not reach for minutes."""

    def answered() -> pl.DataFrame:
        with _errors_told(InputError):
            found = _readable(connection.sql(question))
        rows: pl.DataFrame = found.pl()
        return rows

    with ThreadPoolExecutor(1) as aside:
        answer: Future[pl.DataFrame] = aside.submit(answered)
        try:
            while not answer.done():
                wait([answer], _LOOK_SECONDS)
        except BaseException:
            while not answer.done():
                connection.interrupt()
                wait([answer], _LOOK_SECONDS)
            raise
    return answer.result()


def _readable(answer: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Have DuckDB write out what Polars cannot read, such as the time between two instants."""
    is_text = [any(kind in str(of) for kind in _UNKNOWN_TO_POLARS) for of in answer.types]
    if not any(is_text):
        return answer
    columns = [duckdb.ColumnExpression(name) for name in answer.columns]
    return answer.select(
        *[
            column.cast(duckdb.type("varchar")).alias(name) if written else column
            for column, name, written in zip(columns, answer.columns, is_text, strict=True)
        ]
    )


def _refuse_writing(question: str) -> None:
    try:
        statements = duckdb.extract_statements(question)
    except duckdb.Error as error:
        raise InputError(f"sql: {error}") from None
    is_select = [statement.type for statement in statements] == [duckdb.StatementType.SELECT]
    if not is_select or not _nodes(question) <= _READING:
        raise InputError("sql: ask one question that only reads, such as select count(*) from call")


def _nodes(question: str) -> set[str]:
    """Return the kinds of queries that a select is made of: what follows its ``with`` may also write."""
    ((parsed,),) = duckdb.execute("select json_serialize_sql($1)", [question]).fetchall()
    return set(re.findall(r'"type":"([A-Z_]+_NODE)"', parsed))  # quotes within a text are escaped there


def _snapshot(ledger: Ledger) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the ledger's tables by the name that questions or views know them by, and the past days."""
    with ledger.session() as session:
        tables = {
            f"{name}_now" if name in _WITH_PAST else name: session.read(f"copy_{name}")
            for name in _LEDGER_TABLES
        }
        return tables, session.read("list_past_days", campaign_id=None, from_date=None)


def _files(home: Home, versions: pl.DataFrame, past: pl.DataFrame) -> dict[str, list[Path]]:
    """Return which files have the rows of each table of ``_FILES``."""
    current = versions.filter("is_current")
    plans = [home.plans / name for name in current["file"]]
    return {
        "plan_file": plans,
        "added_file": [home.plans / name for name in current.filter(pl.col("kind") == "adds")["file"]],
        "excluded_file": [companion(plan, EXCLUDED_SUFFIX) for plan in plans],
        "contact_file": list(current_lists(home).values()),
        "past_call": [home.past / name for name in past["calls_file"]],
        "past_event": [home.past / name for name in past["events_file"]],
    }


@contextmanager
def _laid(
    home: Home, tables: dict[str, pl.DataFrame], files: dict[str, list[Path]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Have a database in memory with everything that can be asked about; what has no files has no rows."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, frame in tables.items():
            _copy(connection, name, frame)
        for name, schema in _FILES.items():
            if files.get(name):
                _lay(connection, name, [str(file) for file in files[name]])
            else:
                _copy(connection, name, schema.to_frame().with_columns(filename=pl.lit(None, pl.String)))
        for view in _VIEWS:
            connection.execute(sql.statement(f"views/{view}"))
        _lock(connection, home)
        yield connection


def _lay(connection: duckdb.DuckDBPyConnection, name: str, files: list[str]) -> None:
    """Have ``name`` read the files. Only the first is looked at until somebody asks for their rows."""
    try:
        connection.read_parquet(files, filename=True).create_view(name)
    except duckdb.Error as error:
        raise WorkError(f"{files[0]}: damaged, so nothing can be asked: {error}") from None


def _copy(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    connection.register(f"snapshot_{name}", frame.to_arrow())
    connection.table(f"snapshot_{name}").create(name)


def _lock(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Let the questions read the store's plans, lists and past and nothing else, for good."""
    connection.execute(
        "set allowed_directories = $folders::varchar[]",
        {"folders": [str(home.plans), str(home.lists), str(home.past)]},
    )
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
