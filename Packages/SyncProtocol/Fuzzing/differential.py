#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads many made and damaged items with our codec and with cbor2, a codec of somebody else.

    differential.py ENTITYSYNC [--items N] [--seed S]

For each of N items, and for a damaged copy of each, both must agree on whether it is CBOR, and what
ours writes for it must mean the same to cbor2 as the item itself. Ends with status 1 if they differ.

They are compared where both mean to do the same. cbor2 reads the first item and leaves what is
behind it, takes keys that are there twice, and gives tags that it knows a meaning (so it refuses
content that does not go with them); its `canonical` sorts keys by length first; and to Python 0, 0.0,
false and simple(0) are one key. So what is refused for `trailingBytes`, `duplicateKey` or
`depthExceeded` is left out, and so are such keys in one map, and tags but one that nobody knows.
"""

import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys
import threading

import cbor2

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "TestVectors" / "check"))

from items import Map, Simple, Tag, read  # noqa: E402

UNSEEN = {"trailingBytes", "duplicateKey", "depthExceeded", "limitExceeded"}
UNKNOWN_TAG = 4711
EDGES = (0, 1, 22, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
DEPTH = 12
TEXTS = ("", "a", "key", "é", "名前", "😀", "x" * 23, "y" * 24, "z" * 300)


class Maker:
    """Makes the bytes of items, in every form in which they may be written."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def head(self, major, number):
        """A head, one time in four longer than needed."""
        size = 0 if number < 24 else 1 if number < 2**8 else 2 if number < 2**16 else \
            4 if number < 2**32 else 8
        while size < 8 and self.random.random() < 0.1:
            size = size * 2 or 1
        info = {0: number, 1: 24, 2: 25, 4: 26, 8: 27}[size]
        return bytes([major << 5 | info]) + (number.to_bytes(size, "big") if size else b"")

    def number(self):
        kind = self.random.random()
        if kind < 0.5:
            return self.random.choice(EDGES)
        return self.random.getrandbits(self.random.choice((5, 8, 16, 32, 64)))

    def string(self, major):
        if major == 2:
            content = self.random.randbytes(self.random.choice((0, 1, 5, 23, 24, 40)))
        else:
            content = self.random.choice(TEXTS).encode()
        if self.random.random() < 0.9:
            return self.head(major, len(content)) + content
        # A chunk of text is text by itself, so it ends between characters.
        pieces = [content] if major == 3 else [content[:3], content[3:]]
        chunks = b"".join(self.head(major, len(piece)) + piece for piece in pieces)
        return bytes([major << 5 | 31]) + chunks + b"\xff"

    def plain(self):
        kind = self.random.randrange(6)
        if kind < 2:
            return self.head(kind, self.number())
        if kind < 4:
            return self.string(kind)
        if kind == 4:
            simple = self.random.choice((20, 21, 22, 23, 0, 19, 32, 255))
            return bytes([0xE0 | simple]) if simple < 24 else bytes([0xF8, simple])
        value = self.random.choice((0.0, -0.0, 1.5, 65504.0, 1e-7, 1e300, 3.4028234663852886e38,
                                    float("inf"), float("-inf"), float("nan"),
                                    self.random.uniform(-1e6, 1e6)))
        for form, initial in ((">e", b"\xf9"), (">f", b"\xfa"), (">d", b"\xfb")):
            try:
                packed = struct.pack(form, value)
            except OverflowError:
                continue
            same = struct.unpack(form, packed)[0]
            if (same == value or value != value) and self.random.random() < 0.7:
                return initial + packed
        return b"\xfb" + struct.pack(">d", value)

    def item(self, depth=0):
        kind = self.random.random()
        if depth >= DEPTH or kind < 0.55:
            return self.plain()
        if kind < 0.62:
            return self.head(6, UNKNOWN_TAG) + self.item(depth + 1)
        count = self.random.choice((0, 1, 2, 3, 3, 5))
        is_open = self.random.random() < 0.15
        if kind < 0.82:
            major, content = 4, b"".join(self.item(depth + 1) for _ in range(count))
        else:
            keys = list(dict.fromkeys(self.key(index) for index in range(count)))
            major, count = 5, len(keys)
            content = b"".join(key + self.item(depth + 1) for key in keys)
        if is_open:
            return bytes([major << 5 | 31]) + content + b"\xff"
        return self.head(major, count) + content

    def key(self, index):
        """Keys of one map that are different however they are written."""
        if self.random.random() < 0.5:
            text = f"{self.random.choice('abc')}{index}".encode()
            return self.head(3, len(text)) + text
        return self.head(0, index * 300 + 7)

    def damaged(self, item):
        item = bytearray(item)
        for _ in range(self.random.randrange(1, 4)):
            place = self.random.randrange(len(item) + 1)
            kind = self.random.randrange(4)
            if kind == 0:
                del item[place:]
            elif kind == 1:
                item.insert(place, self.random.choice((0x00, 0x18, 0x1F, 0x5F, 0x7F, 0x9F, 0xFF,
                                                       self.random.randrange(256))))
            elif place < len(item):
                if kind == 2:
                    item[place] ^= 1 << self.random.randrange(8)
                else:
                    del item[place]
            if not item:
                item = bytearray(b"\xff")
        return bytes(item)


def tags(data):
    """Whether a known tag, or one of another kind than the maker's, may be in the bytes."""
    plain = data.replace(b"\xd9" + UNKNOWN_TAG.to_bytes(2, "big"), b"")
    return any(0xC0 <= byte <= 0xDB for byte in plain)


def has_like_keys(item):
    """Whether keys of one map, or of one in it, are the same to Python and not to CBOR."""
    if isinstance(item, Tag):
        return has_like_keys(item.content)
    if isinstance(item, list):
        return any(map(has_like_keys, item))
    if not isinstance(item, Map):
        return False
    numbers = [key.number if isinstance(key, Simple) else key for key, _ in item.pairs()
               if isinstance(key, (Simple, bool, int, float))]
    return len(set(numbers)) < len(numbers) or any(
        has_like_keys(key) or has_like_keys(value) for key, value in item.pairs())


def difference(data, answer):
    """What cbor2 says otherwise, None if nothing; and whether it could be compared."""
    if not answer["ok"] and answer["error"] in UNSEEN:
        return None, False
    try:
        found = cbor2.loads(data)
    except Exception as error:  # whatever it is, it is a refusal
        if answer["ok"] and tags(data):
            return None, False
        return (f"cbor2 refuses it: {error!r}" if answer["ok"] else None), True
    if not answer["ok"]:
        if tags(data):
            return None, False
        return f"cbor2 reads it, ours says {answer['error']} at {answer.get('offset')}", True
    written = bytes.fromhex(answer["hex"])
    try:
        ours = cbor2.dumps(cbor2.loads(written), canonical=True)
        theirs = cbor2.dumps(found, canonical=True)
    except Exception as error:
        return (None, False) if tags(data) else (f"cbor2 cannot read ours: {error!r}", True)
    if ours == theirs:
        return None, True
    if has_like_keys(read(written, 64)):
        return None, False
    return f"ours writes {written.hex()}", True


def items(seed, count):
    maker = Maker(seed)
    for _ in range(count):
        item = maker.item()
        yield item
        yield maker.damaged(item)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("entitysync")
    words.add_argument("--items", type=int, default=20_000)
    words.add_argument("--seed", type=int, default=1)
    words = words.parse_args()
    sys.setrecursionlimit(10_000)
    adapter = subprocess.Popen([words.entitysync, "conformance", "adapter"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20)

    def ask():
        for number, data in enumerate(items(words.seed, words.items)):
            adapter.stdin.write(
                b'{"n":%d,"do":"decode","as":"cbor","hex":"%s"}\n' % (number, data.hex().encode()))
        adapter.stdin.close()

    asking = threading.Thread(target=ask)
    asking.start()
    compared = taken = differing = 0
    for number, data in enumerate(items(words.seed, words.items)):
        answer = json.loads(adapter.stdout.readline())
        if answer["n"] != number:
            sys.exit(f"error: answer {answer['n']} came for item {number}")
        sentence, is_compared = difference(data, answer)
        compared += is_compared
        taken += answer["ok"]
        if sentence and differing < 20:
            print(f"{data.hex()}: {sentence}", file=sys.stderr)
        differing += sentence is not None
        if number % 200_000 == 199_999:
            print(f"{number + 1:,} of {2 * words.items:,}", file=sys.stderr)
    asking.join()
    adapter.wait()
    print(f"{2 * words.items:,} items (seed {words.seed}), {taken:,} of them CBOR: "
          f"{compared:,} compared with cbor2, {differing:,} differ.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
