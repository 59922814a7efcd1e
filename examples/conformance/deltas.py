# SPDX-License-Identifier: MIT
"""Deltas (doc/protocol.md, section 16): reading them by F1 to F5, applying them by F6.

A delta is a dict with `ops` and `baseVersion`; the `value` of a step is a CBOR item.
"""

from cbor import Bad, Map, Tag, decoded, encoded
from messages import ABSENT, ENTITY_DEPTH, INTEGER_MAX, array, message, of, text, uint

DELTA_DEPTH, KEYS_MAX = 67, 64
OPS = ("set", "remove", "increment", "arrayAppend", "arrayRemove", "replace")


def in_range(number):
    return -INTEGER_MAX - 1 <= number <= INTEGER_MAX


def is_integer(item):
    return isinstance(item, int) and not isinstance(item, bool)


def depth(item):
    """How many arrays, maps and tags nest in an item."""
    if isinstance(item, Tag):
        return 1 + depth(item.content)
    if isinstance(item, Map):
        item = [part for pair in item.pairs() for part in pair]
    return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0


# --- Reading

def path(item):
    keys = [key if isinstance(key, str) else of(int, in_range, "outOfRange")(key)
            for key in of(list)(item)]
    if len(keys) > KEYS_MAX:
        raise Bad("limitExceeded")
    return keys


def finish_step(step):
    """What a step breaks by itself (F3 to F5)."""
    name, value = step["op"], step.get("value", ABSENT)
    if name in ("set", "remove") and not step["path"] or name == "remove" and value is not ABSENT:
        raise Bad("invalidValue")
    if name == "remove":
        return
    if value is ABSENT:
        raise Bad("missingKey")
    if name == "increment":
        of(int, in_range, "outOfRange")(value)
    if name == "arrayRemove" and isinstance(value, (list, Map)):
        raise Bad("wrongType")
    around = len(step["path"]) + (name in ("arrayAppend", "arrayRemove"))
    if around + depth(value) > ENTITY_DEPTH:
        raise Bad("depthExceeded")


delta = message({
    "ops": array(message({"op": of(str, OPS.__contains__), "path": path,
                          "value!": lambda item: item}, finish_step)),
    "baseVersion": uint})


def decoded_delta(data):
    return delta(decoded(data, DELTA_DEPTH))


# --- Applying

class Misfit(Exception):
    """Why a delta does not fit: the error's name, the step, and its path up to the key at fault."""

    def __init__(self, error, step=None, keys=()):
        super().__init__(error)
        self.error, self.step, self.keys = error, step, list(keys)


class Place:
    """A place in the entity. That of the entity is in a list of the entity alone."""

    def __init__(self, parent, key):
        if isinstance(parent, Map):
            self.parts, self.slot, self.key = parent.entries, encoded(key), key
        else:
            self.parts, self.slot, self.key = parent, key, ABSENT

    def fault(self):
        """The error if nothing is there, or None."""
        if self.key is not ABSENT:
            return None if self.slot in self.parts else "missingPath"
        if isinstance(self.parts, list) and is_integer(self.slot):
            return None if 0 <= self.slot < len(self.parts) else "indexOutOfRange"
        return "wrongType"

    def get(self):
        return self.parts[self.slot] if self.key is ABSENT else self.parts[self.slot][1]

    def set(self, item):
        self.parts[self.slot] = item if self.key is ABSENT else (self.key, item)

    def remove(self):
        del self.parts[self.slot]


def applied(steps, entity, version):
    """The bytes of the content after the delta."""
    if version != steps["baseVersion"]:
        raise Misfit("wrongBaseVersion")
    try:
        root = [decoded(entity, ENTITY_DEPTH)]
    except Bad:
        raise Misfit("invalidEntity") from None
    for index, step in enumerate(steps["ops"]):
        apply_step(step, index, root)
    return encoded(root[0])


def apply_step(step, index, root):
    name, keys = step["op"], step["path"]
    place = Place(root, 0)
    for count, key in enumerate(keys, 1):
        place = Place(place.get(), key)
        error = place.fault()
        if error and not (name == "set" and count == len(keys) and error == "missingPath"):
            raise Misfit(error, index, keys[:count])
    if name == "remove":
        place.remove()
        return
    # A copy: what is put in here may be changed by a later step, the step itself may not.
    value = decoded(encoded(step["value"]), ENTITY_DEPTH)
    if name in ("set", "replace"):
        place.set(value)
    elif name == "increment":
        change_number(place, value, index, keys)
    else:
        change_array(place, value, name == "arrayAppend", index, keys)


def change_number(place, value, index, keys):
    number = place.get()
    if not is_integer(number):
        raise Misfit("wrongType", index, keys)
    if not in_range(number) or not in_range(number + value):
        raise Misfit("overflow", index, keys)
    place.set(number + value)


def change_array(place, value, appends, index, keys):
    elements = place.get()
    if not isinstance(elements, list):
        raise Misfit("wrongType", index, keys)
    if appends:
        elements.append(value)
        return
    kept = [one for one in elements if encoded(one) != encoded(value)]
    if len(kept) == len(elements):
        raise Misfit("missingElement", index, keys)
    elements[:] = kept
