"""What the parameters of flows are made of, so that the forms of the Prefect UI ask for them plainly."""

from pydantic.json_schema import SkipJsonSchema

Empty = SkipJsonSchema[None]
"""One of the types of a field that may be left empty: the form does not offer it as something to choose."""
