# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Installs the servers that ours is measured next to, from Debian's packages. Read by setup.sh. One
# that cannot be had is left out, and the report says so.

# Adds the arguments for each server that is here to $peers.
find_servers() {
    local programs
    heading "Other servers"
    if command -v apt-get >/dev/null; then
        install_servers || echo "Not all could be installed; going on with those that are there."
    fi
    # Debian keeps some of them off the PATH of those who are not root.
    PATH="$PATH:/usr/sbin:/sbin"
    find_server Redis redis-server redis-server || true
    find_server NATS nats-server nats-server || true
    programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null |
        sort -V | tail -n 1)
    if find_server PostgreSQL "$programs/postgres" postgresql-"$(basename "${programs%/bin}")"; then
        peers+=(--postgres "$programs")
    fi
}

find_server() { # NAME PROGRAM PACKAGE
    local version
    if ! command -v "$2" >/dev/null; then
        echo "$1 is not here."
        return 1
    fi
    version=$(dpkg-query -W -f '${Version}' "$3" 2>/dev/null || echo "of this machine")
    echo "$1 $version is here."
    peers+=(--peer "$1=$version")
}

install_servers() {
    local name missing=()
    for name in redis-server postgresql nats-server; do
        dpkg -s "$name" >/dev/null 2>&1 || missing+=("$name")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    # Debian starts what it installs, unless this program says no.
    (
        policy=/usr/sbin/policy-rc.d
        as_root=()
        [ "$(id -u)" -eq 0 ] || as_root=(sudo)
        if [ ! -e "$policy" ]; then
            trap '${as_root[@]+"${as_root[@]}"} rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' |
                ${as_root[@]+"${as_root[@]}"} tee "$policy" >/dev/null
            ${as_root[@]+"${as_root[@]}"} chmod 755 "$policy"
        fi
        install_packages "${missing[@]}"
    )
}
