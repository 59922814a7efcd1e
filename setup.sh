#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One script from a fresh clone to a running server: `./setup.sh help` lists what it does.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=.ci/lib.sh
. "$root/.ci/lib.sh"

swift_needed="6.2"
packages="SyncProtocol SyncClient SyncServer"
release="$root/.build/release"

usage() {
    cat <<'TEXT'
usage: ./setup.sh COMMAND

  run     install what is missing, build, and play the story of two devices and one server
  test    install what is missing, build, and run the whole test suite
  build   install what is missing, and build the programs in release mode
  simulate --seed S | --seeds A..B | --minutes N | --help
          build the simulator, and run it with these options
  simulate --mutants [--exhaustive] [NAME...]
          build it with all planted bugs, and see which seed finds each of them, or of those named;
          with --exhaustive: which small world finds each of those that they are to find
  chaos   build the programs, and run real servers and clients through kills, bad networks and
          full disks: [--minutes N | --rounds N] [--seed S] [--devices D] [--json], or --help
  fuzz [--seconds N] [TARGET...]
          compile the fuzz targets with libFuzzer and the address sanitizer, and run each, or those
          named, for N seconds (60)
  differential [--items N] [--seed S]
          read made and damaged items with our codec and with cbor2, and compare
  bench cbor
          install other codecs, and measure ours next to them: [--passes N] [--rounds N] [--json]
  bench server
          install other servers, and measure ours next to them: [--rounds N] [--operations N]
          [--milliseconds N] [--json], --write for doc/benchmarks/server.md
  vectors check the test vectors with other code than ours: in Python, and with cbor2, as far as
          they can be installed
  help    print this

Each command ends with status 0 only if everything worked, and leaves no process and no temporary
file behind. Build products are kept in .build/.

Environment:
  ENTITYSYNC_STRICT=1   `test` takes every compiler warning as an error; `vectors` fails if Python or
                        cbor2 cannot be had, instead of going on with less
TEXT
}

# The system libraries that the toolchain and the programs load, and the packages that hold them.
package_of_library() {
    case "$1" in
        libsqlite3.so*) echo libsqlite3-0 ;;
        libncurses.so.6*) echo libncurses6 ;;
        libtinfo.so.6*) echo libtinfo6 ;;
        libcurl.so.4*) echo libcurl4 ;;
        libxml2.so*) echo libxml2 ;;
        libuuid.so*) echo libuuid1 ;;
        libedit.so*) echo libedit2 ;;
        libz.so*) echo zlib1g ;;
        libz3.so*) echo libz3-4 ;;
        libstdc++.so*) echo libstdc++6 ;;
        libgcc_s.so*) echo libgcc-s1 ;;
        *) echo "" ;;
    esac
}

# Prints the packages that this machine lacks for building and running, one a line.
missing_packages() { # THE TOOLCHAIN'S DIRECTORY OF PROGRAMS
    local bin=$1 file library
    command -v git >/dev/null || echo git
    command -v ld.gold >/dev/null || command -v ld >/dev/null || echo binutils
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    [ -e /usr/include/openssl/evp.h ] || echo libssl-dev
    [ -e /usr/include/zlib.h ] || echo zlib1g-dev
    compgen -G "/usr/lib/gcc/*/*/crtbeginS.o" >/dev/null || echo gcc
    for file in "$bin"/swift-driver "$bin"/swift-package "$bin"/swift-frontend "$bin"/clang \
        "$bin"/../lib/swift/linux/libFoundationNetworking.so; do
        [ -e "$file" ] || continue
        { ldd "$file" 2>/dev/null || true; } | awk '/not found/ { print $1 }' |
            while read -r library; do package_of_library "$library"; done
    done
}

install_packages() { # NAME...
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        echo "These Debian packages, or what your system calls them, seem to be missing: $*"
        echo "There is no apt-get here, so install them yourself if the build fails."
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "Please run as root: apt-get install $*   (there is no sudo here)"
        as_root=(sudo)
    fi
    echo "Installing with apt-get${as_root[0]:+, as root through sudo}, which may take a minute: $*"
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq ||
        echo "apt-get update failed; going on with the package lists that are there."
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

swift_missing() {
    fail "$1
Get Swift $swift_needed or later from https://www.swift.org/install/ (on Linux: swiftly), make sure that
\`swift\` is on the PATH, and start this script again."
}

# Checks the toolchain and installs what it needs from the system.
prepare() {
    local swift version bin names
    swift=$(command -v swift) || swift_missing "There is no Swift toolchain on this machine."
    if [ "$(uname -s)" = Linux ]; then
        heading "Looking for what is missing"
        bin=$(dirname "$(readlink -f "$swift")")
        names=$(missing_packages "$bin" | sort -u | tr '\n' ' ')
        # A toolchain manager's `swift` is a shim elsewhere; what it needs shows when it runs.
        if [ -n "$names" ]; then
            # shellcheck disable=SC2086 # names of packages, split on purpose
            install_packages $names
        else
            echo "Nothing is missing."
        fi
    fi
    version=$(swift --version 2>/dev/null |
        sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1) || true
    [ -n "$version" ] || swift_missing "\`swift --version\` does not work here."
    if [ "$(printf '%s\n' "$swift_needed" "$version" | sort -V | head -n 1)" != "$swift_needed" ]
    then
        swift_missing "This is Swift $version; EntitySync needs $swift_needed."
    fi
    echo "Swift $version is at $swift."
}

build_release() {
    heading "Building the programs (release; the first time takes a few minutes)"
    guarded swift build --package-path "$root" -c release
}

run_story() {
    make_scratch
    prepare
    build_release
    heading "The story of two devices and one server"
    guarded "$root/examples/story.sh" "$release"
    cat <<TEXT

That was the whole way. To start the server for real:

    .build/release/entitysync-server serve --data ./data --host 127.0.0.1 --port 8080

and, in other terminals, a device each:

    .build/release/notes --data ./a --device a --server http://127.0.0.1:8080 add "milk"
    .build/release/notes --data ./a --device a --server http://127.0.0.1:8080 sync

README.md says how to use the library in a program of yours.
TEXT
}

# Builds the package in a folder; tests too with --build-tests.
build_package() { # FOLDER SCRATCH-PATH OPTION...
    flags=(--package-path "$1" --scratch-path "$2")
    flags+=(--explicit-target-dependency-import-check error)
    [ -z "${ENTITYSYNC_STRICT:-}" ] || flags+=(-Xswiftc -warnings-as-errors)
    guarded swift build "${flags[@]}" "${@:3}"
}

# Builds and tests the package in a folder; $summary is then the line that counts its tests.
build_and_test() { # FOLDER SCRATCH-PATH
    local left flags
    build_package "$@" --build-tests
    guarded logged "$scratch/test.log" swift test "${flags[@]}" --disable-xctest
    summary=$(grep -aE 'Test run with [0-9]+ tests? ' "$scratch/test.log" | tail -n 1) || true
    case "$summary" in
        "" | *"with 0 tests"*) fail "No test ran in $1." ;;
    esac
    left=$(find "$TMPDIR" -mindepth 1 -maxdepth 1 \
        -not -name 'TemporaryDirectory.*' -not -name '*.lock' -not -name 'swift-*')
    [ -z "$left" ] || fail "The tests left temporary files behind:
$left"
}

simulate() { # OPTIONS OF THE SIMULATOR
    if [ "${1:-}" = --mutants ]; then
        shift
        simulate_mutants "$@"
        return
    fi
    build_simulator "$root" "$root/.build" >&2
    guarded "$release/entitysync-simulator" "$@"
}

build_simulator() { # FOLDER SCRATCH-PATH
    prepare
    heading "Building the simulator (release; the first time takes a few minutes)"
    guarded swift build --package-path "$1" --scratch-path "$2" -c release \
        --product entitysync-simulator
}

# Prints a line for each planted bug: which seed finds it, or that it survives all.
simulate_mutants() { # [--exhaustive] NAME...
    local planted="$root/.build/planted" simulator="$release/entitysync-simulator" missed how=()
    if [ "${1:-}" = --exhaustive ]; then
        how=("$1")
        shift
    fi
    build_simulator "$root" "$root/.build" >&2
    guarded "$simulator" --plant "$root" "$planted/source"
    build_simulator "$planted/source" "$planted/build" >&2
    simulator="$planted/build/release/entitysync-simulator"
    if [ $# -eq 0 ]; then
        mapfile -t names < <("$simulator" ${how[@]+"${how[@]}"} --list-mutants | sed 's/:.*//')
        set -- "${names[@]}"
    fi
    heading "Hunting $# planted bugs" >&2
    names=("$@")
    guarded logged "$scratch/mutants" hunt "$simulator" ${how[@]+"${how[@]}"}
    missed=$(($# - $(grep -c '^found ' "$scratch/mutants" || true)))
    [ "$missed" -eq 0 ] || fail "$missed of $# planted bugs were not found."
    echo "All $# planted bugs were found."
}

hunt() { # SIMULATOR OPTION... (of $names)
    # That one survives is counted from what is printed.
    printf '%s\n' "${names[@]}" |
        xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" "$@" --mutant || true
}

run_tests() {
    local package root_summary flags
    make_scratch
    prepare
    cd "$root"
    heading "The tree: style, manifests, links"
    guarded "$root/.ci/tidy"
    heading "Everything, from the root"
    build_and_test "$root" "$root/.build"
    root_summary=$summary
    # Each package stands by itself. Its tests are those that have just run, with the same
    # dependencies, so they are left out. The three share a scratch directory: what one has built,
    # the next one finds.
    for package in $packages; do
        heading "Packages/$package, from its own folder"
        build_package "$root/Packages/$package" "$root/.build/packages"
    done
    heading "The product SyncClient, from another package, by git URL and version"
    guarded "$root/.ci/embed"
    heading "All passed"
    printf '%s\n' "$root_summary"
}

# Everything but the report goes to standard error, so that --json can be piped.
run_chaos() { # OPTION...
    make_scratch
    { prepare && build_release; } >&2
    heading "Chaos" >&2
    guarded "$release/entitysync-chaos" "$@"
}

# What the fuzzer learns is kept from one run to the next.
run_fuzz() { # [--seconds N] TARGET...
    local seconds=60
    if [ "${1:-}" = --seconds ]; then
        [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || fail "--seconds needs a number from 1 on."
        seconds=$2
        shift 2
    fi
    make_scratch
    prepare
    heading "Fuzzing, $seconds s a target"
    guarded "$root/Packages/SyncProtocol/Fuzzing/fuzz.sh" "$root/.build/fuzz" "$seconds" "$@"
}

# Measures next to peers; everything but the result goes to standard error.
run_bench() { # cbor|server OPTION...
    local folder="$root/.build/bench" peers=()
    make_scratch
    case "${1:-}" in
        cbor) bench_cbor "${@:2}" ;;
        server) bench_server "${@:2}" ;;
        *) fail "\`bench\` measures: cbor, server." ;;
    esac
}

build_bench() { # PRODUCT...
    local product
    heading "Building the benchmark (release)"
    for product in "$@"; do
        guarded swift build --package-path "$root" -c release --product "$product"
    done
    heading "Measuring"
}

bench_cbor() { # OPTION...
    {
        prepare
        # shellcheck source=Packages/SyncProtocol/Benchmarks/peers.sh
        . "$root/Packages/SyncProtocol/Benchmarks/peers.sh"
        build_peers "$folder"
        build_bench cbor-bench
    } >&2
    # Memory that is given back to the system and asked for again costs more than what is measured.
    # All processes keep theirs.
    export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296
    guarded "$release/cbor-bench" --folder "$folder" ${peers[@]+"${peers[@]}"} "$@"
}

bench_server() { # OPTION...
    local option options=() data="$scratch/servers"
    for option in "$@"; do
        options+=("$option")
        [ "$option" != --write ] || options+=("$root/doc/benchmarks")
    done
    {
        [ "$(uname -s)" = Linux ] || fail "This is measured on Linux only."
        prepare
        # shellcheck source=Packages/SyncServer/Benchmarks/peers.sh
        . "$root/Packages/SyncServer/Benchmarks/peers.sh"
        find_servers
        build_bench entitysync-server server-bench
    } >&2
    # Some of the servers run as users of their own.
    mkdir "$data"
    chmod 711 "$scratch" "$data"
    guarded "$release/server-bench" --folder "$data" --server "$release/entitysync-server" \
        --file-system "$(stat -f -c %T "$data")" ${peers[@]+"${peers[@]}"} \
        ${options[@]+"${options[@]}"}
}

# Sets $python: to one that has cbor2 if that can be had, else to the system's, or to nothing if
# there is none. What is missing ends the script if ENTITYSYNC_STRICT is set.
prepare_python() {
    local venv="$root/.build/vectors"
    python=""
    command -v python3 >/dev/null || install_packages python3 python3-venv || true
    if ! command -v python3 >/dev/null; then
        do_without "There is no python3 here, and it cannot be installed."
        return
    fi
    python=python3
    python3 -c "import ensurepip" 2>/dev/null || install_packages python3-venv || true
    mkdir -p "$root/.build"
    if make_venv "$venv" "$cbor2" >"$scratch/venv.log" 2>&1; then
        python="$venv/bin/python"
    fi
    has_cbor2 ||
        do_without "$cbor2 cannot be installed here ($(tail -n 1 "$scratch/venv.log"))."
}

has_cbor2() { [ -n "$python" ] && "$python" -c "import cbor2" 2>/dev/null; }

check_vectors() {
    local python check="$root/TestVectors/check" needs=()
    make_scratch
    heading "The test vectors, read by other code"
    prepare_python
    if [ -z "$python" ]; then
        echo "The vectors were not checked."
        return
    fi
    ! has_cbor2 || needs=(--with-cbor2)
    guarded "$python" "$check" ${needs[@]+"${needs[@]}"}
    guarded "$python" "$check" --self-test
}

run_differential() { # OPTION...
    local python
    make_scratch
    prepare
    prepare_python
    has_cbor2 || fail "Without cbor2 there is nothing to compare with."
    heading "Building entitysync (release)"
    guarded swift build --package-path "$root" -c release --product entitysync
    heading "Our codec and cbor2 on the same items"
    guarded "$python" "$root/Packages/SyncProtocol/Fuzzing/differential.py" \
        "$release/entitysync" "$@"
}

case "${1:-help}" in
    run) run_story ;;
    bench) run_bench "${@:2}" ;;
    fuzz) run_fuzz "${@:2}" ;;
    differential) run_differential "${@:2}" ;;
    chaos) run_chaos "${@:2}" ;;
    test) run_tests ;;
    vectors) check_vectors ;;
    build)
        make_scratch
        prepare
        build_release
        echo "The programs are in .build/release: entitysync-server, entitysync, notes, and for testing"
        echo "entitysync-simulator and entitysync-chaos."
        ;;
    simulate)
        shift
        make_scratch
        simulate "$@"
        ;;
    help | -h | --help) usage ;;
    *)
        usage >&2
        fail "There is no command \"$1\"."
        ;;
esac
