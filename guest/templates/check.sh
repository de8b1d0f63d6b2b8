#!/bin/sh
# Lays out every template of templates.yaml as `naos create` does, and checks that it compiles
# and that its tests pass.
set -eu
guest=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The entries of one list: lines `- {from: A, to: B}` below a key, until the next key.
entries() { # AWK_START
    awk -v start="$1" '
        $0 ~ start { on = 1; next }
        on && /^ *- \{from: / { gsub(/[{},]/, ""); print $3, $5; seen = 1; next }
        on && seen { exit }' "$guest/templates.yaml"
}
lay_out() { # DIR AWK_START
    entries "$2" | while read -r from to; do
        mkdir -p "$1/$(dirname "$to")"
        cp "$guest/$from" "$1/$to"
    done
}

for template in $(sed -n 's/^  - name: //p' "$guest/templates.yaml"); do
    dir=$work/$template
    lay_out "$dir" '^workspace:'
    block=$(sed -n "/^  - name: $template\$/,/^  - name: /p" "$guest/templates.yaml")
    case $block in *"reading: true"*) lay_out "$dir" '^reading:' ;; esac
    lay_out "$dir" "^  - name: $template\$"
    sed -i "s/^name = \"$template\"/name = \"my-$template\"/" "$dir/agent/Cargo.toml"
    [ "$(find "$dir/agent" -name '*.rs' | wc -l)" -gt 0 ] || { echo "$template: no sources"; exit 1; }
    (cd "$dir" && CARGO_TARGET_DIR="$work/target" cargo test --quiet --offline --package "my-$template" >/dev/null)
    echo "check.sh: $template compiles and passes"
done
