# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Builds the codecs that ours is measured next to, each from its Debian package (cbor2 from PyPI).
# Read by setup.sh. A codec that cannot be had is left out, and its rows say so.

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/Peers" && pwd)

# Adds an argument to $peers for each codec that was built.
build_peers() { # FOLDER
    local folder=$1
    mkdir -p "$folder"
    heading "Other codecs"
    if command -v apt-get >/dev/null; then
        install_peers || echo "Not all could be installed; going on with those that are there."
    fi
    build_peer serde_cbor "$folder/serde/release/serde-cbor-bench"
    build_peer fxamacker "$folder/fxamacker"
    build_peer libcbor "$folder/libcbor"
    build_peer nlohmann "$folder/nlohmann"
    build_peer cbor2 "$folder/venv/bin/python $sources/cbor2/main.py"
}

install_peers() {
    local name missing=()
    for name in librust-serde-cbor-dev librust-serde-derive-dev librust-serde-bytes-dev cargo \
        golang-github-fxamacker-cbor-dev golang-go libcbor-dev nlohmann-json3-dev g++ \
        python3-venv; do
        # A toolchain from elsewhere is as good.
        case "$name" in
            cargo) command -v cargo >/dev/null && continue ;;
            python3-venv) python3 -c "import ensurepip" 2>/dev/null && continue ;;
        esac
        dpkg -s "$name" >/dev/null 2>&1 || missing+=("$name")
    done
    [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
}

build_peer() { # NAME COMMAND
    if "build_$1" >"$folder/$1.log" 2>&1; then
        echo "$1 is ready."
        peers+=(--peer "$1=$2")
    else
        echo "$1 could not be built here: see $folder/$1.log."
    fi
}

build_serde_cbor() {
    (cd "$sources/serde_cbor" && cargo build --release --target-dir "$folder/serde")
}

build_fxamacker() {
    (cd "$sources/fxamacker" && env GO111MODULE=off GOPATH="$PWD:/usr/share/gocode" \
        go build -o "$folder/fxamacker" bench)
}

build_libcbor() { cc -O3 -o "$folder/libcbor" "$sources/libcbor/main.c" -lcbor; }

build_nlohmann() { c++ -O3 -std=c++17 -o "$folder/nlohmann" "$sources/nlohmann/main.cpp"; }

build_cbor2() { make_venv "$folder/venv" "$cbor2"; }
