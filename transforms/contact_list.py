"""A list of contacts over time: what a further file adds to it, changes in it, and has to leave aside."""

from dataclasses import dataclass

import polars as pl

from transforms.schemas import CONTACTS, REJECTS

_DATA = [name for name in CONTACTS if name not in ("contact_id", "source_file", "line")]


@dataclass(frozen=True)
class Merged:
    """What becomes of a list (``position``, from 0, and ``CONTACTS``) when contacts come in.

    ``contacts`` is the whole list afterwards in list order, ``added`` and ``updated`` its new and changed
    rows, ``rejects`` (``REJECTS``) the contacts that stay out.
    """

    contacts: pl.DataFrame
    added: pl.DataFrame
    updated: pl.DataFrame
    rejects: pl.DataFrame


def merge(listed: pl.DataFrame, incoming: pl.DataFrame) -> Merged:
    """Merge ``incoming`` (``CONTACTS``, in file order) into ``listed`` (in list order).

    New contacts follow the list's last. A known ``contact_id`` with other data replaces the contact in its
    place. A phone belongs to one contact of the list: one that another contact keeps is set aside.
    """
    taken = phones_taken(listed, incoming)
    welcome = incoming.filter(~_is_one_of(taken))
    known = listed.join(welcome, on="contact_id", suffix="_now", maintain_order="left")
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in _DATA)
    updated = known.filter(changed).select(
        "position",
        "contact_id",
        *(pl.col(f"{name}_now").alias(name) for name in CONTACTS if name != "contact_id"),
    )
    added = (
        welcome.filter(~_is_one_of(known))
        .with_columns(position=pl.int_range(pl.len(), dtype=pl.Int64) + listed.height)
        .select(listed.columns)
    )
    return Merged(_afterwards(listed, updated).vstack(added), added, updated, _set_aside(incoming, taken))


def _is_one_of(contacts: pl.DataFrame) -> pl.Expr:
    return pl.col("contact_id").is_in(contacts["contact_id"].implode())


def phones_taken(listed: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Return which incoming contacts want a phone that another contact of the list keeps.

    Grain: one row per such contact, ``contact_id`` and the ``holder`` of the phone. A holder that comes in
    with another phone gives its own away, unless it is itself refused that other phone.
    """
    wanted = incoming.join(
        listed.select("phone", holder="contact_id"), on="phone", maintain_order="left"
    ).filter(pl.col("contact_id") != pl.col("holder"))
    moving = wanted.join(incoming.select(holder="contact_id"), on="holder", how="semi")
    refused = wanted.join(moving, on="contact_id", how="anti")
    while True:
        stays = moving.join(refused, left_on="holder", right_on="contact_id", how="semi")
        if stays.is_empty():
            return refused.select("contact_id", "holder")
        refused = refused.vstack(stays)
        moving = moving.join(stays, on="contact_id", how="anti")


def _afterwards(listed: pl.DataFrame, updated: pl.DataFrame) -> pl.DataFrame:
    if updated.is_empty():
        return listed
    untouched = listed.join(updated, on="contact_id", how="anti")
    return untouched.vstack(updated).sort("position")


def _set_aside(incoming: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    return (
        incoming.join(taken, on="contact_id", maintain_order="left")
        .with_columns(
            phone_written="phone",
            kind=pl.lit("duplicate phone"),
            reason=pl.concat_str(
                pl.lit("phone "), "phone", pl.lit(" belongs to contact "), "holder", pl.lit(" of the list")
            ),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in REJECTS.items())
    )
