"""What people see of a plan in the Prefect UI: its rules, its dates, and a picture of it."""

import base64
from collections.abc import Iterable

from prefect.artifacts import create_image_artifact, create_markdown_artifact

from flows.publishing import WrittenPlan
from flows.replanning import Replanned
from flows.telling.keys import key_of
from flows.telling.markdown import table
from flows.telling.names import name_run, titled
from flows.telling.pictures import picture_of
from transforms.campaign import Campaign
from transforms.wall_clock import to_local

MOST_DATES = 60
"""How many dates an artifact lists; a plan may have years."""


def show_plan(
    written: WrittenPlan,
    campaign: Campaign,
    campaign_id: str,
    title: str,
    *,
    adds: bool = False,
    drawn: bool = True,
) -> None:
    """Show a plan as artifacts: what holds and how many calls a date has; ``drawn``, the hours of its calls.

    One that only ``adds`` to others has keys of its own, so that it does not hide the plan of the many.
    """
    added = "added-" if adds else ""
    create_markdown_artifact(
        "\n".join(described(written, campaign, title)),
        key=key_of(f"{added}plan", campaign.name, campaign_id),
        description=f"The plan of {title}",
    )
    if drawn and written.first_at is not None and written.last_at is not None:
        png = picture_of(written.file, campaign.timezone, written.first_at, written.last_at)
        picture = base64.b64encode(png).decode()
        create_image_artifact(
            f"data:image/png;base64,{picture}",
            key=key_of(f"{added}hours", campaign.name, campaign_id),
            description=f"Calls by date and hour of {title}",
        )


def show_published(
    operation: str, written: WrittenPlan, campaign: Campaign, campaign_id: str, *, adds: bool = False
) -> None:
    """Show a plan that was published, and name the run for it: ``schedule Spring renewals, version 1``."""
    name_run(operation, campaign.name, _version_of(written))
    show_plan(written, campaign, campaign_id, titled(campaign.name, _version_of(written)), adds=adds)


def show_replanned(plans: Iterable[Replanned]) -> None:
    """Show plans that give missed calls and further attempts their slots.

    Nobody has asked for them, and there may be one a minute for a campaign: they are not drawn.
    """
    for plan in plans:
        title = titled(plan.settings.name, _version_of(plan.written))
        show_plan(plan.written, plan.settings, plan.campaign_id, title, adds=True, drawn=False)


def _version_of(written: WrittenPlan) -> int:
    return int(written.file.stem)


def described(written: WrittenPlan, campaign: Campaign, title: str) -> list[str]:
    """Return the lines, in Markdown, that describe a plan; times are the campaign's."""
    first, last = (
        "never" if at is None else f"{to_local(campaign.timezone, at):%a %Y-%m-%d %H:%M %z}"
        for at in (written.first_at, written.last_at)
    )
    finishes = written.preflight.finishes_on or "not before its end"
    broken = {check.rule: check.broken for check in written.checks}
    dates = written.preflight.dates
    return [
        f"# {title}",
        f"**{written.rows:,} calls**, from {first} to {last} ({campaign.timezone}).",
        f"{written.excluded.height:,} contacts cannot be called. "
        f"With calls of {written.preflight.call_seconds:,.0f} seconds it would be finished: {finishes}.",
        "",
        *table(
            ("rule", ""),
            ((rule, f"{rows:,} rows break it" if rows else "holds") for rule, rows in broken.items()),
        ),
        "",
        *table(
            ("date", "calls", "can be placed"),
            (
                (f"{row['call_date']:%a %Y-%m-%d}", row["calls"], row["can_be_placed"])
                for row in dates.head(MOST_DATES).iter_rows(named=True)
            ),
        ),
        *([f"and {dates.height - MOST_DATES:,} more dates"] if dates.height > MOST_DATES else []),
    ]
