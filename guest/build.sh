#!/bin/sh
# Builds the agents into components: guest/built/<name>.wasm, SHA256SUMS, COMPILER.
#
#   guest/build.sh            installs what it lacks (Debian, as root), builds, records
#   guest/build.sh --check    builds elsewhere and compares the bytes; without the recorded
#                             compiler it verifies the hashes only, says so, and passes
#
# Debian's second compiler is used because its standard library comes with the source that
# wasm32-unknown-unknown needs; it stands beside whatever toolchain is first in PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cd "$here"

rustc=/usr/bin/rustc
cargo=/usr/bin/cargo
linker=wasm-ld-22
packages="rustc-web cargo-web libstd-rust-web-dev rust-web-src rust-web-llvm lld-22"
agents="echo researcher analyzer coder planner custom reviewer writer courier"
target=wasm32-unknown-unknown

say() { printf 'build.sh: %s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

have_compiler() {
    [ -x "$rustc" ] && [ -x "$cargo" ] && command -v "$linker" >/dev/null 2>&1 &&
        [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std" ]
}

compiler() {
    "$rustc" -vV | sed -n 's/^rustc /rustc /p; s/^commit-hash/commit-hash/p; s/^LLVM/LLVM/p'
    printf 'linker: %s\n' "$("$linker" --version | head -n 1)"
}

install_compiler() {
    command -v apt-get >/dev/null 2>&1 || fail "no compiler for $target: install $packages"
    [ "$(id -u)" = 0 ] || fail "no compiler for $target: as root, apt-get install $packages"
    say "installing $packages"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
    have_compiler || fail "the packages are installed, and $rustc still lacks its library source"
}

# The same bytes wherever the checkout, the registry cache and the compiler lie.
flags() {
    registry=${CARGO_HOME:-$HOME/.cargo}
    printf '%s' "--remap-path-prefix=$here=/guest --remap-path-prefix=$registry=/cargo"
    printf '%s' " --remap-path-prefix=$("$rustc" --print sysroot)=/rust -Cstrip=symbols"
}

build_all() { # OUT TARGET_DIR
    out=$1 dir=$2
    env -u RUSTC -u RUSTFLAGS CARGO_TARGET_DIR="$here/target" \
        cargo build --quiet --locked --package naos-wrap
    for agent in $agents; do
        # One agent at a time, so that no agent's features leak into another. A panic stops at
        # once: inside the sandbox nobody could read its message, and the code is a fifth smaller.
        RUSTC=$rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=$(flags) CARGO_TARGET_DIR=$dir \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
            "$cargo" build --quiet --locked --release --target $target --package "$agent" \
            -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
            -Zpanic-immediate-abort --config 'profile.release.panic="immediate-abort"'
        "$here/target/debug/wrap" --wit "$here/wit" \
            "$dir/$target/release/$agent.wasm" "$out/$agent.wasm"
        imports=$("$here/target/debug/wrap" --imports "$out/$agent.wasm" | tr '\n' ' ')
        say "$agent: $(wc -c <"$out/$agent.wasm") bytes, imports: ${imports:-nothing}"
    done
}

check() {
    [ -f built/SHA256SUMS ] || fail "no built/SHA256SUMS: run guest/build.sh"
    (cd built && sha256sum --quiet --check SHA256SUMS) || fail "a component is not the recorded one"
    if ! have_compiler || [ "$(compiler)" != "$(cat built/COMPILER)" ]; then
        say "hashes verified; the recorded compiler isn't here, so nothing was rebuilt"
        exit 0
    fi
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    mkdir "$fresh/built"
    build_all "$fresh/built" "$fresh/target"
    for agent in $agents; do
        cmp "$fresh/built/$agent.wasm" "built/$agent.wasm" || fail "$agent.wasm: other bytes"
    done
    say "rebuilt with the recorded compiler: the same bytes"
}

case ${1:-} in
--check) check ;;
'')
    have_compiler || install_compiler
    mkdir -p built
    build_all "$here/built" "$here/target"
    (cd built && sha256sum ./*.wasm | sed 's|\./||' >SHA256SUMS)
    compiler >built/COMPILER
    say "built with $(head -n 1 built/COMPILER)"
    ;;
*) fail "usage: guest/build.sh [--check]" ;;
esac
