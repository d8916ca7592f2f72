#!/usr/bin/env bash
# Runs a command with a Docker engine: the one that answers, else one started for it and ended after it, as root.
# On Debian what is missing is installed. Images and build caches are kept in build/docker.
set -euo pipefail

if ! docker info > /dev/null 2>&1; then
  if ! command -v dockerd > /dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker.io iptables
  fi
  folder=$(mktemp -d)
  mkdir -p build/docker
  export DOCKER_HOST="unix://$folder/socket"
  dockerd --data-root "$PWD/build/docker" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "$DOCKER_HOST" \
    > "$folder/log" 2>&1 &
  engine=$!
  trap 'kill "$engine" 2> /dev/null; wait "$engine" || true; rm -rf "$folder"' EXIT
  for _ in $(seq 60); do
    docker info > /dev/null 2>&1 && break
    kill -0 "$engine" 2> /dev/null || break
    sleep 1
  done
  docker info > /dev/null 2>&1 || { tail -20 "$folder/log" >&2; echo "no Docker engine answers, and none can be started" >&2; exit 1; }
fi

"$@"
