# SPDX-License-Identifier: MIT
"""cbor2 (Python) on the benchmark's corpus: `main.py CORPUS ROUNDS` prints one line
`ROW MILLISECONDS` for each row, the median of the rounds."""

import sys
import time

import cbor2


def measure(row, rounds, body):
    body()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        body()
        times.append((time.perf_counter() - start) * 1000)
    print(f"{row} {sorted(times)[rounds // 2]:.4f}")


with open(sys.argv[1], "rb") as file:
    corpus = file.read()
page = cbor2.loads(corpus)
measure("decode-owned", int(sys.argv[2]), lambda: cbor2.loads(corpus))
measure("encode", int(sys.argv[2]), lambda: cbor2.dumps(page))
