"""Orchestration and the outside world: Prefect flows, files, databases, dialers and the command line."""
