"""Questions in SQL."""

from pathlib import Path

import duckdb
import pytest

from tests.flows.cli.callplan import SETTINGS


@pytest.mark.parametrize(
    "question",
    [
        "delete from call",
        "select 1; select 2",
        "copy (select 1) to 'x.csv'",
        "attach 'x.duckdb'",
        "select * from read_csv('/etc/hosts')",
        "select * from read_blob('{home}/ledger.duckdb')",
        "select * from read_blob('{home}/plans/../ledger.duckdb')",
        "set enable_external_access = true",
        "selec 1",
    ],
)
def test_sql_can_neither_write_nor_read_outside(scheduled, question):
    before = sorted(str(path) for path in scheduled.folder.rglob("*"))
    done = scheduled("sql", question.format(home=scheduled.home))
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert sorted(str(path) for path in scheduled.folder.rglob("*")) == before


def test_sql_answers_over_plans_lists_and_ledger(scheduled):
    assert scheduled.json("sql", "select count(*) as calls from plan") == [{"calls": 20}]
    assert scheduled.json("sql", "select count(*) as contacts from contact") == [{"contacts": 20}]
    assert scheduled.json("sql", "select state from campaign") == [{"state": "scheduled"}]
    assert scheduled.json("sql", "select distinct state from planned_and_actual") == [{"state": "scheduled"}]


def test_sql_answers_while_nothing_has_been_scheduled(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    for table in ("plan", "excluded", "contact", "call", "event", "skip", "planned_and_actual"):
        callplan.json("sql", f"select * from {table}")


def test_sql_takes_its_question_from_a_file_too(scheduled):
    for question in (Path(__file__).parents[3] / "sql" / "questions").glob("*.sql"):
        scheduled.json("sql", "--file", question)
    assert "give either" in scheduled("sql").stderr


def test_an_answer_is_json_whatever_its_numbers_are(scheduled):
    question = "select 1 as n, 0 / 0 as rate, sum(attempt) as attempts, 1.5::decimal(4, 2) as share from plan"
    (row,) = scheduled.json("sql", question)
    assert row == {"n": 1, "rate": None, "attempts": 20, "share": 1.5}


def test_the_ledger_is_not_harmed_by_being_asked(scheduled):
    scheduled.ok("sql", "select 1")
    with duckdb.connect(scheduled.home / "ledger.duckdb") as connection:
        assert connection.sql("select count(*) from campaign").fetchall() == [(1,)]
