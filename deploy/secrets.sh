#!/bin/sh
# Makes the secrets that compose.yaml mounts, where they are not there yet: secrets.sh [FOLDER]
# The folder is its owner's alone; the files in it are readable, since containers read them as users of their own.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if [ ! -e "$folder/redis.conf" ] || [ ! -e "$folder/gateway.toml" ]; then
  password=$(random)
  printf 'requirepass %s\n' "$password" > "$folder/redis.conf"
  printf '[gateway]\nredis_url = "redis://:%s@redis:6379/0"\n' "$password" > "$folder/gateway.toml"
fi
[ -e "$folder/grafana_admin_password" ] || random > "$folder/grafana_admin_password"
