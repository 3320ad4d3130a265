"""Serving: a Prefect server, the deployments on it, and what keeps their runs alive."""
