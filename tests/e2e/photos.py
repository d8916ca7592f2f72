"""The sample photographs that end-to-end tests store."""

from __future__ import annotations

from scenograph.cli.demo_photos import items, photo

ITEMS = items()
CAT = photo("chelsea.png").read_bytes()
COFFEE = photo("coffee.png").read_bytes()
MOTORCYCLE = photo("motorcycle_left.png").read_bytes()
