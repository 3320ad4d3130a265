"""Loading a contact file: read it, tell contacts from rows to set aside, and add them to a list."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.contact_files import read_rows
from flows.contact_store import (
    HASH_KEY,
    LoadSummary,
    SourceFile,
    check_list_name,
    contacts_hash,
    open_contacts,
)
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.plan_store import sha256_of
from flows.progress import Progress, silent
from transforms.contacts import HeaderError, match_headers, read_contacts, unreadable
from transforms.schemas import CONTACTS


def load_list(
    home: Home,
    file: Path,
    list_name: str,
    region: str | None,
    headers: Mapping[str, str],
    now: datetime,
    progress: Progress = silent,
) -> LoadSummary:
    """Load ``file`` into the list ``list_name``, all of it or nothing, and publish the list's snapshot.

    ``region`` is the country of numbers without a country code, ``headers`` the header of a field where
    its name does not tell.

    Raises:
        InputError: the file cannot be read, its columns cannot be told apart, or no row is a contact.
        WorkError: a file of the same name was loaded into the list meanwhile.
    """
    check_list_name(list_name)
    _check_readable(file)
    options = json.dumps({"region": region, "headers": dict(headers)}, sort_keys=True)
    sha256 = sha256_of(file)
    source = SourceFile(file.name, sha256, options)
    if home.contacts.exists():
        with open_contacts(home) as store:
            source, loaded = store.source(list_name, file.name, sha256, options)
            if loaded:
                return store.nothing_new(list_name, source)
    contacts, rejects = read_contact_file(file, region, headers, source.label, progress)
    progress("storing the contacts")
    with open_contacts(home.make()) as store:
        if store.source(list_name, file.name, sha256, options) != (source, False):
            raise WorkError(f"{file}: another load into {list_name!r} came first; load it again")
        summary = store.add(list_name, source, contacts, rejects, now)
        progress("publishing the list")
        store.publish_snapshot(list_name)
    return summary


def read_contact_file(
    file: Path,
    region: str | None,
    headers: Mapping[str, str],
    label: str,
    progress: Progress = silent,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the contacts (``CONTACTS``) and the rows set aside (``REJECTS``) of a file; nothing is stored.

    Raises:
        InputError: the file cannot be read, its columns cannot be told apart, or no row is a contact.
    """
    progress(f"reading {file.name}")
    found = read_rows(file)
    progress(f"reading the phone numbers of {found.rows.height:,} rows")
    try:
        matched = match_headers(found.headers, headers)
        contacts, rejects = read_contacts(found.rows, matched, label, region)
    except HeaderError as error:
        raise InputError(*(f"{file}: {problem}" for problem in error.problems)) from None
    except ValueError as error:
        raise InputError(f"--region: {error}") from None
    rejects = pl.concat([rejects, unreadable(found.unreadable, label)]).sort("line")
    if contacts.is_empty():
        told = "; ".join(f"line {line}: {why}" for line, why in rejects["line", "reason"].head(3).rows())
        raise InputError(f"{file}: none of its {rejects.height:,} rows is a usable contact; {told}")
    return contacts, rejects


def contacts_for_preview(
    file: Path, region: str | None, headers: Mapping[str, str], progress: Progress = silent
) -> tuple[pl.LazyFrame, pl.DataFrame, str]:
    """Return contacts to plan, the rows set aside, and the hash of the contacts.

    ``file`` is any contact file, or a snapshot of a list.
    """
    _check_readable(file)
    if file.suffix == ".parquet" and HASH_KEY in _metadata(file):
        return pl.scan_parquet(file).select(CONTACTS.names()), pl.DataFrame(), _metadata(file)[HASH_KEY]
    contacts, rejects = read_contact_file(file, region, headers, file.name, progress)
    return contacts.lazy(), rejects, contacts_hash(contacts)


def _check_readable(file: Path) -> None:
    if not file.exists():
        raise InputError(f"{file}: no such file")
    if not file.is_file():
        raise InputError(f"{file}: this is not a file")


def _metadata(file: Path) -> dict[str, str]:
    try:
        return pl.read_parquet_metadata(file)
    except (pl.exceptions.ComputeError, OSError):
        return {}
