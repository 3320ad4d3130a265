"""Pure domain: settings, wall clocks, openings, dates, slots and rotation over Polars frames."""
