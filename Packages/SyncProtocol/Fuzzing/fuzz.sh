#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fuzzes what takes bytes from outside, with libFuzzer and the address sanitizer:
#
#     fuzz.sh FOLDER SECONDS [TARGET...]
#
# The package manager cannot link a fuzzer, so the modules are compiled here, one after the other.
# FOLDER keeps the programs, the corpus of each target (which grows from one run to the next) and
# what failed. Ends with status 0 if nothing failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/.." && pwd)
folder=$1 seconds=$2
shift 2
targets=("$@")
all=(reader tree codable messages diagnostic delta http webSocket eventStream)
[ "${#targets[@]}" -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
    case " ${all[*]} " in
        *" $target "*) ;;
        *)
            echo "error: There is no target $target; there are ${all[*]}." >&2
            exit 64
            ;;
    esac
done
mkdir -p "$folder"

# Compiles a module with all that fuzzing needs.
compile() { # MODULE SOURCES
    local sources
    mapfile -t sources < <(find "$2" -name '*.swift' | sort)
    swiftc -O -wmo -parse-as-library -swift-version 6 -sanitize=fuzzer,address \
        -enable-upcoming-feature ExistentialAny \
        -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility \
        -profile-generate -profile-coverage-mapping \
        -package-name EntitySync -module-name "$1" -I "$folder" \
        -emit-module -emit-module-path "$folder/$1.swiftmodule" \
        -emit-object -o "$folder/$1.o" "${sources[@]}"
}

build() {
    compile CBOR "$package/Sources/CBOR"
    compile CBORFoundation "$package/Sources/CBORFoundation"
    compile SyncProtocol "$package/Sources/SyncProtocol"
    compile HTTPWire "$package/Sources/HTTPWire"
    compile FuzzTargets "$here/FuzzTargets"
    compile FuzzDriver "$here/Driver"
    # The linker warns of hundreds of the sanitizer's own symbols.
    swiftc -sanitize=fuzzer,address -profile-generate -o "$folder/fuzz" \
        "$folder"/{CBOR,CBORFoundation,SyncProtocol,HTTPWire,FuzzTargets,FuzzDriver}.o \
        2> >(grep -v 'Cannot export local symbol' >&2)
}

# How much of the lines was reached, by the tools that belong to the compiler.
coverage() { # TARGET
    local tools
    tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
    [ -x "$tools/llvm-cov" ] && [ -x "$tools/llvm-profdata" ] || return 0
    "$tools/llvm-profdata" merge -o "$folder/$1.profdata" "$folder/$1.profraw"
    "$tools/llvm-cov" report "$folder/fuzz" -instr-profile="$folder/$1.profdata" \
        "$package/Sources"/{CBOR,CBORFoundation,SyncProtocol,HTTPWire} |
        awk '$1 == "TOTAL" { print "  lines reached:           ", $10 }'
}

# The corpus of every target begins with the bytes of the test vectors, and has whatever failed.
seed_corpus() { # TARGET
    mkdir -p "$folder/corpus/$1" "$folder/failed/$1"
    grep -oE '^[0-9a-f]+' "$here/Regressions/$1.txt" | write_files "$folder/corpus/$1/failed" || true
    [ ! -e "$folder/corpus/$1/vector1" ] || return 0
    grep -hoE '"hex": *"([0-9a-f]{2})+"' "$package"/../../TestVectors/*.json |
        grep -oE '[0-9a-f]{2,}"$' | tr -d '"' | sort -u | write_files "$folder/corpus/$1/vector"
}

# Writes each line of hexadecimal into a file of its own, as bytes.
write_files() { # PATH, BUT FOR THE NUMBER
    local number=0 hex
    while read -r hex; do
        number=$((number + 1))
        # shellcheck disable=SC2059 # the bytes are the format
        printf "$(printf %s "$hex" | sed 's/../\\x&/g')" >"$1$number"
    done
}

build
status=0
for target in "${targets[@]}"; do
    seed_corpus "$target"
    echo
    echo "== $target"
    code=0
    ENTITYSYNC_FUZZ_TARGET=$target LLVM_PROFILE_FILE="$folder/$target.profraw" \
        timeout -k 10 $((seconds + 120)) "$folder/fuzz" -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 -close_fd_mask=0 \
        -artifact_prefix="$folder/failed/$target/" "$folder/corpus/$target" \
        >"$folder/$target.log" 2>&1 || code=$?
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' \
        "$folder/$target.log" | sed 's/stat::/  /' || true
    if [ "$code" -ne 0 ]; then
        status=1
        tail -n 40 "$folder/$target.log"
        echo "error: $target failed. The input is in $folder/failed/$target; when it is mended," >&2
        echo "put its bytes into $here/Regressions/$target.txt, in hexadecimal." >&2
    else
        coverage "$target"
    fi
done
exit "$status"
