"""Questions in SQL: in memory, over plan files and a snapshot of the ledger, unable to write or escape."""

from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.contact_store import current_lists
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.ledger import Ledger
from transforms.schemas import CONTACTS, EXCLUDED, PLAN

_LEDGER_TABLES = ("campaign", "plan_version", "call", "event", "skip")
_VIEWS = ("planned_and_actual",)


def ask(home: Home, question: str) -> pl.DataFrame:
    """Return the answer to one ``select``.

    Tables: ``campaign``, ``plan_version``, ``call``, ``event``, ``skip`` as they are in the ledger now;
    ``plan`` (the current plans), ``excluded``, ``contact`` (the lists); ``planned_and_actual``.

    Raises:
        InputError: the question is not one statement that only reads.
        WorkError: DuckDB cannot answer it.
    """
    _refuse_writing(question)
    tables = _snapshot(home)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, frame in tables.items():
            connection.register(f"snapshot_{name}", frame.to_arrow())
            connection.table(f"snapshot_{name}").create(name)
        _lay_files(connection, home, tables["plan_version"])
        for view in _VIEWS:
            connection.execute(sql.statement(f"views/{view}"))
        _lock(connection, home)
        try:
            answer: pl.DataFrame = connection.sql(question).pl()
        except duckdb.Error as error:
            raise WorkError(str(error)) from None
        return answer


def _refuse_writing(question: str) -> None:
    try:
        statements = duckdb.extract_statements(question)
    except duckdb.Error as error:
        raise InputError(f"sql: {error}") from None
    kinds = {statement.type for statement in statements}
    if len(statements) != 1 or not kinds <= {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
        raise InputError("sql: ask one question that only reads, such as select count(*) from call")


def _snapshot(home: Home) -> dict[str, pl.DataFrame]:
    with Ledger(home.ledger).session() as session:
        return {name: session.read(f"copy_{name}") for name in _LEDGER_TABLES}


def _lay_files(connection: duckdb.DuckDBPyConnection, home: Home, versions: pl.DataFrame) -> None:
    current = versions.filter("is_current")["file"]
    plans = [str(home.plans / name) for name in current]
    excluded = [
        str(home.plans / name.replace(".parquet", ".excluded.parquet"))
        for name in current
        if (home.plans / name.replace(".parquet", ".excluded.parquet")).is_file()
    ]
    _view(connection, "plan", [file for file in plans if Path(file).is_file()], PLAN)
    _view(connection, "excluded_file", excluded, EXCLUDED)
    _view(connection, "contact_file", [str(file) for file in current_lists(home).values()], CONTACTS)
    connection.execute(sql.statement("views/excluded"))
    connection.execute(sql.statement("views/contact"))


def _view(connection: duckdb.DuckDBPyConnection, name: str, files: list[str], schema: pl.Schema) -> None:
    if files:
        connection.read_parquet(files, filename=True).create_view(name)
    else:
        empty = schema.to_frame().with_columns(filename=pl.lit(None, pl.String))
        connection.register(f"no_{name}", empty.to_arrow())
        connection.table(f"no_{name}").create(name)


def _lock(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Let the questions read the store's plans and lists and nothing else, for good."""
    connection.execute(
        "set allowed_directories = $folders::varchar[]", {"folders": [str(home.plans), str(home.lists)]}
    )
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
