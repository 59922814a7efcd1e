#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The story of two devices and one server, played with the real programs in the terminal.
#
#   examples/story.sh DIRECTORY-OF-THE-PROGRAMS
#
# Every line that begins with $ is a command as it is run; what it prints stands below it. The
# story checks itself: it ends non-zero as soon as something is not as told.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../.ci/lib.sh
. "$here/../.ci/lib.sh"

[ $# -eq 1 ] || fail "usage: examples/story.sh DIRECTORY-OF-THE-PROGRAMS"
programs=$(cd "$1" && pwd) || fail "There is no directory $1."
PATH="$programs:$PATH"
make_scratch
cd "$scratch"
port=0
server=""
output=""
note=""

act() {
    printf '\n--- %s\n' "$*"
}

say() {
    printf '\n%s\n' "$*"
}

# Starts the server on the port that it had before, and learns from its log where it listens.
start_server() {
    local tries=0 url=""
    printf '\n$ entitysync-server serve --data server --host 127.0.0.1 --port %s\n' "$port"
    : >server.log
    start entitysync-server serve --data server --host 127.0.0.1 --port "$port" 2>server.log
    server=$started
    while [ -z "$url" ]; do
        url=$(sed -n 's|^.*listening on \(http://[^ ]*\).*$|\1|p' server.log | head -n 1)
        [ -n "$url" ] && break
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
            cat server.log >&2
            fail "The server did not start."
        fi
        sleep 0.1
    done
    port=${url##*:}
    port=${port%%/*}
    sed 's/^/  /' server.log
}

# Runs `notes` as one device, shows the command and what it printed, and keeps that in $output.
notes_as() { # DEVICE ARGUMENT...
    local device=$1 shown="" argument status=0
    shift
    for argument in "$@"; do
        case "$argument" in
            *[!a-zA-Z0-9_=-]*) shown="$shown \"$argument\"" ;;
            *) shown="$shown $argument" ;;
        esac
    done
    printf '$ notes --data %s --device %s --server http://127.0.0.1:%s%s\n' \
        "$device" "$device" "$port" "$shown"
    output=$(command notes --data "$device" --device "$device" \
        --server "http://127.0.0.1:$port" "$@" 2>&1) || status=$?
    [ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/  /'
    [ "$status" -eq 0 ] || fail "notes $1 ended with status $status."
}

a() { notes_as a "$@"; }
b() { notes_as b "$@"; }

# The identifier that `add` printed: the last word of its last line.
added() {
    note=$(printf '%s\n' "$output" | tail -n 1 | awk '{ print $NF }')
    [ -n "$note" ] || fail "notes add printed no identifier."
}

expect() { # TEXT
    case "$output" in
        *"$1"*) ;;
        *) fail "The output above should contain \"$1\"." ;;
    esac
}

expect_not() { # TEXT
    case "$output" in
        *"$1"*) fail "The output above should not contain \"$1\"." ;;
        *) ;;
    esac
}

# Shows both devices' lists and fails unless they are equal.
expect_equal_lists() {
    local list_of_a
    a list
    list_of_a=$output
    b list
    [ "$list_of_a" = "$output" ] || fail "The two lists differ."
    echo "  Both devices hold the same $(printf '%s\n' "$output" | grep -c .) notes."
}

# Counts the parcels on a device.
expect_parcels() { # DEVICE COUNT
    local count
    printf '$ notes --data %s --device %s … list | grep -c parcel\n' "$1" "$1"
    count=$(command notes --data "$1" --device "$1" --server "http://127.0.0.1:$port" list |
        grep -c parcel) || true
    echo "  $count"
    [ "$count" -eq "$2" ] || fail "There should be $2 parcels."
}

act "1. A server, on an empty directory"
say "It prints where it listens once its log is open and writable."
start_server

act "2. Device a writes, and needs no server to do so"
a add "milk"
added
milk=$note
a add "bread"
added
bread=$note
a list
expect "milk"

act "3. Device a syncs; device b, which has seen nothing yet, syncs and has it all"
a sync
b sync
b list
expect "milk"
expect "bread"

act "4. Both edit the same note, and neither knows of the other"
say "Device a wants oat milk, device b wants three bottles. Device b also adds and removes notes."
a edit "$milk" "oat milk"
b edit "$milk" "milk, three bottles"
b add "coffee"
b rm "$bread"

act "5. Device a syncs first, and device b meets the conflict"
a sync
say "The edit of b was made on a revision that is no longer the current one, so the server does
not take it silently. b resolves it: the server wins by default, and the text that lost is
kept in b's conflict log. What b did to other notes is not held up by it."
b sync
b list
expect "oat milk"
expect_not "three bottles"
b conflicts
expect "three bottles"
a sync
expect_equal_lists

act "6. The server is killed (kill -9) while device a is sending"
say "Device a writes 20 notes, starts to sync, and the server dies at that moment."
for number in $(seq 1 20); do
    command notes --data a --device a --server "http://127.0.0.1:$port" add "parcel $number" \
        >added.log 2>&1 || { cat added.log >&2; fail "notes add failed."; }
done
# shellcheck disable=SC2016 # shown, not expanded
echo '$ for n in $(seq 1 20); do notes … add "parcel $n"; done'
echo '$ notes … sync & kill -9 SERVER'
start command notes --data a --device a --server "http://127.0.0.1:$port" sync >sync.log 2>&1
interrupted=$started
stop KILL "$server"
say "It is started again on the same directory. Whatever it had acknowledged is there; whatever it
had not is still in the queue of device a, which sends it again, and no note arrives twice."
start_server
if wait "$interrupted"; then
    echo "  The sync that was under way got through after all."
else
    echo "  The sync that was under way failed, as it must say so:"
    tail -n 2 sync.log | sed 's/^/    /'
fi
forget "$interrupted"
a sync
b sync
expect_parcels a 20
expect_parcels b 20

act "7. The server stops when asked: it finishes what is in flight, syncs and ends"
echo '$ kill -TERM SERVER'
status=0
kill -TERM "$server"
wait "$server" || status=$?
forget "$server"
sed '/listening on/d; s/^/  /' server.log
[ "$status" -eq 0 ] || fail "The server ended with status $status."
