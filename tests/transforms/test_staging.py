"""Staging: what is known of a contact today goes with its slot."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from flows.planning import compute_plan
from tests.people import campaign, contacts, first_brief
from transforms.staging import staged_slots

START = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _staged(planned, now, **settings):
    """Return the one slot of a contact that was planned as ``planned`` and is ``now`` in the list."""
    of = campaign(scheduled_at=START.isoformat(), **settings)
    people = contacts(1)
    plan = compute_plan(people.with_columns(**planned), of, first_brief(of, START)).rows
    staged = staged_slots(plan, people.with_columns(**now), of, START, START + timedelta(days=1))
    return staged.collect().row(0, named=True)


def _texts(**values):
    return {name: pl.lit(value, pl.String) for name, value in values.items()}


@pytest.mark.parametrize(
    ("phone", "changed"),
    [
        ("+12125550000", False),
        ("+16465550190", False),  # New York too
        ("+18085550190", True),  # Honolulu
        ("+8835100000000", True),  # of no place
    ],
)
def test_a_number_of_another_zone_changes_the_zone_where_numbers_decide(phone, changed):
    slot = _staged(_texts(phone="+12125550000"), _texts(phone=phone), contact_timezone="phone")
    assert (slot["phone"], slot["zone_changed"]) == (phone, changed)
    slot = _staged(_texts(phone="+12125550000"), _texts(phone=phone), contact_timezone="campaign")
    assert (slot["phone"], slot["zone_changed"]) == (phone, False)


@pytest.mark.parametrize(
    ("planned", "now", "changed"),
    [
        ("Asia/Tokyo", "Asia/Tokyo", False),
        ("Asia/Tokyo", "Asia/Seoul", True),
        ("Asia/Tokyo", None, True),
        (None, None, False),
        (None, "America/New_York", False),  # the campaign's, whose hours were used
        (None, "Asia/Tokyo", True),
        (None, "Mars/Base", True),
    ],
)
def test_another_zone_of_its_own_changes_the_zone_where_contacts_decide(planned, now, changed):
    slot = _staged(_texts(timezone=planned), _texts(timezone=now), contact_timezone="contact")
    assert slot["zone_changed"] == changed


@pytest.mark.parametrize(
    ("others", "sent"),
    [
        ("{}", {}),
        ('{"plan":"gold","team":{"lead":"Bo"}}', {"plan": "gold", "team": {"lead": "Bo"}}),
        ('{"first_name":"another"}', {}),  # the contact's own field counts
    ],
)
def test_every_column_is_a_variable_of_its_own(others, sent):
    slot = _staged({}, _texts(first_name="Ada", variables=others))
    fields = {"first_name": "Ada", "last_name": None, "email": None, "region": None, "postal_code": None}
    assert json.loads(slot["variables"]) == fields | sent


def test_somebody_who_is_no_longer_in_the_list_is_staged_as_planned():
    of = campaign(scheduled_at=START.isoformat())
    plan = compute_plan(contacts(1), of, first_brief(of, START)).rows
    slot = staged_slots(plan, contacts(0), of, START, START + timedelta(days=1)).collect().row(0, named=True)
    assert (slot["phone"], slot["variables"], slot["zone_changed"]) == ("+12125550000", "{}", False)
