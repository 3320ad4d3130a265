"""Changes of a campaign's settings, as a form: the fields of a campaign, each of which may be left empty."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from transforms.campaign import Campaign, as_form

_FIXED = ("contact_list", "dialer")
"""What stays as it is once a campaign is scheduled."""

ClearedField = Literal[
    "scheduled_at",
    "ends_at",
    "windows",
    "holidays",
    "max_calls_per_day",
    "max_calls_per_number_per_day",
    "calls_per_second",
]
"""A setting that can be taken away."""


class _Changes(BaseModel):
    """Settings of a campaign, each of which may be left empty."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=as_form)

    def as_given(self) -> dict[str, Any]:
        """Return the fields that were filled in, as plain values; they are judged where they are applied.

        A group of fields of which none was filled in, as a form sends it, is one that was left empty.
        """
        given = self.model_dump(mode="json", exclude_none=True, exclude_unset=True)
        return {name: value for name, value in given.items() if value != {}}


if TYPE_CHECKING:
    Changes = _Changes
else:
    Changes = create_model(
        "Changes",
        __base__=_Changes,
        __doc__=_Changes.__doc__,
        **{
            name: (field.annotation | None, Field(None, title=field.title, description=field.description))
            for name, field in Campaign.model_fields.items()
            if name not in _FIXED
        },
    )
