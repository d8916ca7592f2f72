"""How the default pack's embeddings and codes divide into levels."""

from __future__ import annotations

from scenograph.packs.manifest import Level

LEVELS = (Level(name="scene", start=0, stop=384, weight=1.0, bits=[(0, 256)]),)
