# Stand-ins for images of registries, made of Debian's packages: `make test-containers` uses them where no registry is reached.
ARG DEBIAN

# python:3.11-slim-bookworm's stand-in.
FROM ${DEBIAN} AS python
RUN apt-get update && apt-get install --yes --no-install-recommends python3.11 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/locale/* /usr/share/man/*

# The same with what pip needs here: this machine's certificates, its pip.conf and its folders of wheels (in the context).
FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3.11-venv && rm -rf /var/lib/apt/lists/*
COPY . /

FROM ${DEBIAN} AS redis
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*

FROM ${DEBIAN} AS prometheus
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["/usr/bin/prometheus"]
