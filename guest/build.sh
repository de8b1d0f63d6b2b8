#!/bin/sh
# Builds the agents into components: guest/built/<name>.wasm, SHA256SUMS, COMPILER; and what
# others wrote against the SDK alone: examples/<name>/agent into examples/<name>/fixtures.
#
#   guest/build.sh            installs what it lacks (Debian, as root), builds, records
#   guest/build.sh --check    builds elsewhere and compares the bytes; without the recorded
#                             compiler it verifies the hashes only, says so, and passes
#
# Debian's second compiler is used because its standard library comes with the source that
# wasm32-unknown-unknown needs; it stands beside whatever toolchain is first in PATH.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
cd "$here"

rustc=/usr/bin/rustc
cargo=/usr/bin/cargo
linker=wasm-ld-22
packages="rustc-web cargo-web libstd-rust-web-dev rust-web-src rust-web-llvm lld-22"
agents="echo researcher analyzer coder planner custom reviewer writer courier"
examples="weather"
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
flags() { # WORKSPACE NAME
    registry=${CARGO_HOME:-$HOME/.cargo}
    printf '%s' "--remap-path-prefix=$1=/$2 --remap-path-prefix=$registry=/cargo"
    printf '%s' " --remap-path-prefix=$("$rustc" --print sysroot)=/rust -Cstrip=symbols"
}

fixtures() { # EXAMPLE
    printf '%s' "$root/examples/$1/fixtures"
}

# An example as somebody else has it: laid out as `naos create` does, with the SDK beside it. So
# nothing in its bytes says where this checkout lies.
lay_out() { # EXAMPLE DIR
    rm -rf "$2"
    mkdir -p "$2"
    cp -R sdk wit "$2"
    cp templates/workspace/Cargo.toml "$2"
    cp -R "$root/examples/$1/agent" "$2/agent"
    rm -rf "$2/agent/target"
    mv "$2/agent/Cargo.lock" "$2"
    sed -i -e '/^\[workspace\]$/d' -e '/^\[profile/,$d' \
        -e 's|path = "[./]*guest/sdk"|path = "../sdk"|' "$2/agent/Cargo.toml"
}

build_one() ( # NAME WORKSPACE WORD TARGET_DIR COMPONENT
    cd "$2"
    # A panic stops at once: inside the sandbox nobody could read its message, and the code is a
    # fifth smaller.
    RUSTC=$rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=$(flags "$2" "$3") CARGO_TARGET_DIR=$4 \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
        "$cargo" build --quiet --locked --release --target $target --package "$1" \
        -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
        -Zpanic-immediate-abort --config 'profile.release.panic="immediate-abort"'
    "$here/target/debug/wrap" --wit "$here/wit" "$4/$target/release/$1.wasm" "$5"
    imports=$("$here/target/debug/wrap" --imports "$5" | tr '\n' ' ')
    say "$1: $(wc -c <"$5") bytes, imports: ${imports:-nothing}"
)

build_all() { # OUT TARGET_DIR FIXTURES: a place for components of examples, or nothing
    env -u RUSTC -u RUSTFLAGS CARGO_TARGET_DIR="$here/target" \
        cargo build --quiet --locked --package naos-wrap
    # One at a time, so that no agent's features leak into another.
    for agent in $agents; do
        build_one "$agent" "$here" guest "$2" "$1/$agent.wasm"
    done
    for example in $examples; do
        dir=$2/$example
        lay_out "$example" "$dir"
        build_one "$example" "$dir" "$example" "$2" "${3:-$(fixtures "$example")}/$example.wasm"
    done
}

sums() {
    (cd built && sha256sum ./*.wasm | sed 's|\./||')
    for example in $examples; do
        (cd built && sha256sum "../../examples/$example/fixtures/$example.wasm")
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
    mkdir "$fresh/built" "$fresh/examples"
    build_all "$fresh/built" "$fresh/target" "$fresh/examples"
    for agent in $agents; do
        cmp "$fresh/built/$agent.wasm" "built/$agent.wasm" || fail "$agent.wasm: other bytes"
    done
    for example in $examples; do
        cmp "$fresh/examples/$example.wasm" "$(fixtures "$example")/$example.wasm" ||
            fail "the component of examples/$example: other bytes than its source gives"
    done
    say "rebuilt with the recorded compiler: the same bytes"
}

case ${1:-} in
--check) check ;;
'')
    have_compiler || install_compiler
    mkdir -p built
    build_all "$here/built" "$here/target" ""
    sums >built/SHA256SUMS
    compiler >built/COMPILER
    say "built with $(head -n 1 built/COMPILER)"
    ;;
*) fail "usage: guest/build.sh [--check]" ;;
esac
