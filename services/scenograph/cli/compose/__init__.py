"""Which app needs what: `parts.py` what apps share, `apps.py` the apps, `remotes.py` adapters in their place.

The only code that knows all services; `scenograph.cli.serve` runs what is put together here.
"""
