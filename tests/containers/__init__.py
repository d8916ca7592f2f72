"""Images built and run for real: `make test-containers`. Needs a Docker engine, and some minutes."""
