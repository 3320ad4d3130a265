"""The Prefect UI as a person sees it, in a real browser, and what runs behind it."""
