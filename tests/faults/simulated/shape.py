"""What a world is made of, and what the settings of its campaigns are drawn from."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tests.faults.simulated.network import Weather
from tests.people import NUMBERS
from transforms.wall_clock import to_local

MINUTE = timedelta(minutes=1)

RETRIES: list[dict[str, Any]] = [
    {},
    {},
    {},
    {},
    {},
    {"max_attempts": 2, "delay_minutes": {"busy": 1, "no_answer": 3}},
    {"max_attempts": 3, "delay_minutes": {"busy": 1, "no_answer": 60, "failed": 0}},
    {"max_attempts": 3, "delay_minutes": {"voicemail": 1440, "failed": 2}},
]


@dataclass(frozen=True)
class Shape:
    """What a world is made of.

    ``tick`` is how often dispatchers look, and how far ahead they claim. ``open_minutes`` is how long
    campaigns are open a day, from ``opens_at`` on. ``deeds`` are what people do, and how often a minute;
    ``between`` what they or another dispatcher do between two transactions of a tick, and how likely at each;
    ``deaths`` how many dispatchers die a minute. ``settings`` are those of every campaign, beside drawn ones:
    ``in_flight``, ``paces`` and ``call_minutes`` are what limits are drawn from.

    Statements cost the same for few rows and for many, so a world of many contacts is nearly as cheap as one
    of few, and meets a fault many times.
    """

    campaigns: int = 8
    contacts: int = 300
    lists: int = 3
    days: int = 2
    opens_at: datetime = datetime(2026, 3, 24, 14, tzinfo=UTC)
    open_minutes: int = 6
    tick: timedelta = MINUTE
    dispatchers: int = 1
    requests_per_minute: int = 6_000
    call_lasts: tuple[float, float] = (2, 50)
    in_flight: tuple[int, ...] = (15, 60, 200, 200)
    paces: tuple[float | None, ...] = (None, None, 15, 30)
    call_minutes: tuple[int, ...] = (2, 4, 11)
    weather: Weather = field(default_factory=Weather)
    deeds: Mapping[Callable[..., None], float] = field(default_factory=dict)
    between: Mapping[Callable[..., None], float] = field(default_factory=dict)
    deaths: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    zones: tuple[str, ...] = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC")

    @property
    def per_day(self) -> int:
        """How many calls a campaign needs to make on each of its days."""
        return max(1, round(self.contacts / self.days))

    def scaled(self, scale: float) -> Self:
        """Return the shape of a world with fewer campaigns of fewer contacts."""
        return replace(
            self,
            campaigns=max(3, round(self.campaigns * scale)),
            contacts=max(8, round(self.contacts * scale)),
        )

    def drawn_settings(self, draws: random.Random) -> dict[str, Any]:
        """Return settings of a campaign, drawn."""
        zone = draws.choice(self.zones)
        opens_local = to_local(zone, self.opens_at)
        closes_local = opens_local + self.open_minutes * MINUTE
        start, end = f"{opens_local:%H:%M}", f"{closes_local:%H:%M}"
        per_day = self.per_day
        drawn = {
            "timezone": zone,
            "start_time": start,
            "end_time": "24:00" if end == "00:00" else end,
            "scheduled_at": (self.opens_at + draws.choice([0, 0, 0, 2]) * MINUTE).isoformat(),
            "working_days": draws.choice([[1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7], [1, 2, 4, 5, 7]]),
            "phone_numbers": NUMBERS[: draws.randint(1, 3)],
            "phone_rotation_strategy": draws.choice(["round_robin", "sequential", "random"]),
            "max_calls_per_day": draws.choice([None, None, per_day, per_day + 3]),
            "first_day_cap": draws.choice(["full", "full", "prorated"]),
            "max_calls_per_number_per_day": draws.choice([None, None, per_day + 1]),
            "max_concurrent_calls": draws.choice(self.in_flight),
            "max_call_minutes": draws.choice(self.call_minutes),
            "calls_per_second": draws.choice(self.paces),
            "retry": draws.choice(RETRIES),
            "seed": draws.randint(0, 99),
        }
        return drawn | dict(self.settings)
