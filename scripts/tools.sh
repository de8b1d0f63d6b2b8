# Installers for ./check: each looks first and does nothing if the tool is there.
# To be sourced. Versions are pinned, so that the check says the same everywhere.
# shellcheck shell=bash

readonly NEXTEST_VERSION="0.9.143"
readonly DENY_VERSION="0.20.2"

have() {
    command -v "$1" >/dev/null 2>&1
}

# need_cargo_tool NAME VERSION: another version that is already there will do.
need_cargo_tool() {
    local name="$1" version="$2"
    if have "$name"; then
        return 0
    fi
    echo "tools: building $name $version from source; this takes some minutes, once"
    cargo install --locked "$name" --version "$version"
}

# need_program NAME PACKAGE: from the system's packages where we may, else says what to do.
need_program() {
    local name="$1" package="$2"
    if have "$name"; then
        return 0
    fi
    if ! have apt-get || [[ "$(id -u)" != 0 ]]; then
        echo "tools: $name is not there; install it (Debian's package is $package)" >&2
        return 1
    fi
    echo "tools: installing $package"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
    if ! have "$name"; then
        echo "tools: $package is installed and brought no $name; install it by hand" >&2
        return 1
    fi
}
