# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What setup.sh and the scripts beside this file share. Sourced, not run.
#
# A script that sources it leaves nothing behind: everything it starts with `start` or `guarded` is
# stopped, and its temporary directory removed, when it ends, fails or is interrupted. Processes
# are stopped by the ids that were noted when they were started, and by nothing else.

children=()
scratch=""

# Prints a section heading with the seconds since the script began.
heading() {
    printf '\n== [%4d s] %s\n' "$SECONDS" "$*"
}

# Ends the script with a sentence.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Makes the script's temporary directory, $scratch, and in it the one of everything that the script
# runs: the compiler and the package manager leave files there.
make_scratch() {
    scratch=$(mktemp -d)
    mkdir "$scratch/tmp"
    export TMPDIR="$scratch/tmp"
}

# Starts a command in the background, in a process group of its own, so that stopping it also stops
# what it started. Its id is then in $started.
start() {
    set -m
    "$@" </dev/null &
    started=$!
    set +m
    children+=("$started")
}

# Runs a command to its end and returns its status; unlike a plain call, an interrupt reaches this
# script at once, which then stops the command and everything that the command started.
guarded() {
    local status=0
    start "$@"
    wait "$started" || status=$?
    forget "$started"
    return "$status"
}

# Says that something cannot be had here, and goes on with less; if ENTITYSYNC_STRICT is set, fails.
do_without() { # SENTENCE
    [ -z "${ENTITYSYNC_STRICT:-}" ] || fail "$1"
    echo "$1 Going on without it."
}

# Runs a command with its output shown and kept.
logged() { # FILE COMMAND...
    local file=$1
    shift
    "$@" 2>&1 | tee "$file"
}

# Prints a process and all that descend from it: some put their children into groups of their own.
family() { # ID
    if [ -d /proc/self ]; then
        # The command's name, in parentheses, may hold anything but is followed by state and parent.
        sed -s 's/^\([0-9]*\) .*) [A-Za-z] \([0-9]*\) .*/\1 \2/' /proc/[0-9]*/stat 2>/dev/null
    else
        ps -A -o pid= -o ppid=
    fi | awk -v root="$1" '
        { parent[$1] = $2 }
        END {
            for (id in parent) {
                for (up = id; up in parent && up != root; up = parent[up]) {}
                if (up == root) print id
            }
        }'
}

# The codec of somebody else that ours is held against, from PyPI.
# shellcheck disable=SC2034 # those that source this file install it
cbor2="cbor2==6.2.1"

# Makes a Python environment, if it is not there, with a package of PyPI in it.
make_venv() { # FOLDER REQUIREMENT
    [ -x "$1/bin/pip" ] || python3 -m venv "$1" || return 1
    "$1/bin/pip" install --quiet --disable-pip-version-check "$2"
}

# Sends a signal to what `start` started, waits until it is gone, and ends what it left running.
stop() { # SIGNAL ID
    local group=$2 tries=0 members member
    members=$(family "$group")
    disown "$group" 2>/dev/null || true # else the shell reports the death that was asked for
    kill "-$1" -- "-$group" 2>/dev/null || true
    while kill -0 -- "-$group" 2>/dev/null && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
    for member in $members; do
        kill -KILL "$member" 2>/dev/null || true
    done
    forget "$group"
}

forget() { # ID
    local id kept=()
    for id in ${children[@]+"${children[@]}"}; do
        [ "$id" = "$1" ] || kept+=("$id")
    done
    children=(${kept[@]+"${kept[@]}"})
}

leave_nothing_behind() {
    local status=$? id
    trap - EXIT
    trap '' INT TERM HUP
    for id in ${children[@]+"${children[@]}"}; do
        stop INT "$id"
    done
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$status"
}

trap leave_nothing_behind EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
