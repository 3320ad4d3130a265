"""Telling: what people see in the Prefect UI, artifacts and events. Nothing here is about a single call."""
