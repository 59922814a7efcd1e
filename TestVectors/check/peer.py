# SPDX-License-Identifier: MIT
"""The same bytes through cbor2, a codec of somebody else.

cbor2 is no judge of everything. It reads the first item and leaves what is behind it; it takes keys
that are there twice and keeps the last; it refuses tags 0, 1, 28, 29, 35 and 36 around content that
they do not go with; it turns tags into Python's own types; a key that is an array or a map must be
hashable for it; and its `canonical` sorts keys by length first (RFC 7049). What that touches is left
to the reader of this check; all the rest must agree.
"""

import math

from items import Bad, Map, Simple, Tag, encoded, read

# Errors that cbor2 does not have.
UNSEEN = {"trailingBytes", "duplicateKey", "depthExceeded"}


class Unlike(Exception):
    """An item that cbor2 shows in another way."""


class Peer:
    def __init__(self):
        import cbor2
        self.cbor2, self.compared, self.differing = cbor2, 0, []

    def compare(self, name, entry):
        """Adds a sentence to `differing` if cbor2 says otherwise than this check."""
        data = bytes.fromhex(entry["hex"])
        item, bad = None, None
        try:
            item = read(data, 400)
        except Bad as error:
            bad = error
        if bad and bad.error in UNSEEN:
            return
        try:
            expected = None if bad else self.shown(item)
        except Unlike:
            return
        self.compared += 1
        try:
            found = self.cbor2.loads(data)
        except Exception as error:
            if not bad:
                self.differ(name, entry, f"cbor2 refuses it: {error}")
            return
        if bad:
            self.differ(name, entry, f"cbor2 reads what breaks the rule {bad.error}")
        elif not same(found, expected):
            self.differ(name, entry, f"cbor2 reads {found!r}")
        elif sorts_alike(item) and self.cbor2.dumps(found, canonical=True) != encoded(item):
            self.differ(name, entry, "cbor2 encodes it otherwise")

    def differ(self, name, entry, sentence):
        self.differing.append((name, entry["id"], sentence))

    def shown(self, item):
        """An item as cbor2 has it."""
        if isinstance(item, list):
            return [self.shown(element) for element in item]
        if isinstance(item, Map):
            for key, _ in item.pairs():
                if not isinstance(key, (str, int, bytes)) or isinstance(key, bool):
                    raise Unlike()
            return {key: self.shown(value) for key, value in item.pairs()}
        if isinstance(item, Tag):
            if item.number < 6 or item.number in (25, 28, 29, 30, 35, 36, 37, 55799) \
                    or 100 <= item.number < 1100:
                raise Unlike()
            return self.cbor2.CBORTag(item.number, self.shown(item.content))
        if isinstance(item, Simple):
            return self.cbor2.undefined if item.number == 23 \
                else self.cbor2.CBORSimpleValue(item.number)
        return item


def sorts_alike(item):
    """Whether sorting by length first is no other order: if keys are text or integers alone."""
    if isinstance(item, list):
        return all(map(sorts_alike, item))
    if isinstance(item, Tag):
        return sorts_alike(item.content)
    if isinstance(item, Map):
        kinds = {type(key) for key, _ in item.pairs()}
        return kinds <= {str} and all(sorts_alike(value) for _, value in item.pairs())
    return True


def same(found, expected):
    if isinstance(found, tuple):
        found = list(found)  # What is in a tag cannot be changed.
    if hasattr(found, "tag") and hasattr(expected, "tag"):
        return found.tag == expected.tag and same(found.value, expected.value)
    if type(found) is not type(expected):
        return False
    if isinstance(found, float):
        return found == expected and math.copysign(1, found) == math.copysign(1, expected) \
            or math.isnan(found) and math.isnan(expected)
    if isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            same(value, expected[key]) for key, value in found.items())
    return found == expected
