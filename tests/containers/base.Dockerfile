# Stand-ins for a registry's images, made of Debian's packages: tests/containers/bases.py builds them.
ARG DEBIAN

# For python:3.11-slim-bookworm.
FROM ${DEBIAN} AS python
RUN apt-get update && apt-get install --yes --no-install-recommends python3.11 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/locale/* /usr/share/man/*

# The same with what pip needs here: this machine's certificates, pip.conf and wheels, which are the context.
FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3.11-venv && rm -rf /var/lib/apt/lists/*
COPY . /

FROM ${DEBIAN} AS redis
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*

FROM ${DEBIAN} AS prometheus
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus wget && rm -rf /var/lib/apt/lists/* \
    && install -d -o 65534 -g 65534 /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
