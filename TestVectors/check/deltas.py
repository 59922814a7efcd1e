# SPDX-License-Identifier: MIT
"""Deltas (doc/protocol.md, section 16): reading them by F1 to F5, applying them by F6."""

from items import INTEGER_MAX, Bad, Map, depth, encoded, read
from messages import ABSENT, array, decode, item_of, message, text, uint

PATCH_DEPTH, ENTITY_DEPTH, KEYS_MAX = 67, 64, 64
OPS = ("set", "remove", "increment", "arrayAppend", "arrayRemove", "replace")


def is_integer(item):
    return isinstance(item, int) and not isinstance(item, bool)


def in_range(number):
    return -INTEGER_MAX - 1 <= number <= INTEGER_MAX


# --- Reading

def path_key(reader):
    offset = reader.position
    if reader.path[-1] == KEYS_MAX:
        raise reader.bad("limitExceeded", offset)
    key = reader.item()
    if not isinstance(key, str) and not is_integer(key):
        raise reader.bad("wrongType", offset)
    if is_integer(key) and not in_range(key):
        raise reader.bad("outOfRange", offset)
    return key


def operator(reader):
    offset = reader.position
    name = text(reader)
    if name not in OPS:
        raise reader.bad("invalidValue", offset)
    return name


def any_item(reader):
    return reader.item(follows_path=True)


def finish_step(reader, step, offset, offsets):
    """What a step breaks by itself (F3 to F5)."""
    def refuse(error, key):
        return Bad(error, offsets.get(key, offset), [*reader.path, key])
    name, value = step["op"], step.get("value", ABSENT)
    if name in ("set", "remove") and not step["path"]:
        raise refuse("invalidValue", "path")
    if name == "remove":
        if value is not ABSENT:
            raise refuse("invalidValue", "value")
        return
    if value is ABSENT:
        raise refuse("missingKey", "value")
    if name == "increment":
        if not is_integer(value):
            raise refuse("wrongType", "value")
        if not in_range(value):
            raise refuse("outOfRange", "value")
    if name == "arrayRemove" and isinstance(value, (list, Map)):
        raise refuse("wrongType", "value")
    around = len(step["path"]) + (name in ("arrayAppend", "arrayRemove"))
    if around + depth(value) > ENTITY_DEPTH:
        raise refuse("depthExceeded", "value")


patch = message({"ops": array(message(
    {"op": operator, "path": array(path_key), "value!": any_item}, finish_step)),
    "baseVersion": uint})


def decode_patch(data):
    return decode("deltaPatch", data, {"deltaPatch": patch}, PATCH_DEPTH)


def shown(delta):
    """A delta in the form of the vectors' `value`."""
    steps = [{key: {"cbor": encoded(member).hex()} if key == "value" else member
              for key, member in step.items()} for step in delta["ops"]]
    return {"ops": steps, "baseVersion": delta["baseVersion"]}


def encode_patch(value):
    steps = [Map((key, read(bytes.fromhex(member["cbor"]), ENTITY_DEPTH)
                  if key == "value" else item_of(member)) for key, member in step.items())
             for step in value["ops"]]
    return encoded(Map([("ops", steps), ("baseVersion", value["baseVersion"])]))


# --- Applying

class Misfit(Exception):
    """Why a delta does not fit: the error's name, the step, and its path up to the key at fault."""

    def __init__(self, error, step=None, path=()):
        super().__init__(error)
        self.error, self.step, self.path = error, step, list(path)


class Place:
    """A place in the entity, which may be read, set and emptied. The parent of the entity is a list
    of the entity alone."""

    def __init__(self, parent, key):
        self.parent, self.key = parent, key
        self.code = encoded(key) if isinstance(parent, Map) else None

    def fault(self):
        """The error if nothing is there, or None."""
        if isinstance(self.parent, Map):
            return None if self.code in self.parent.entries else "missingPath"
        if isinstance(self.parent, list) and is_integer(self.key):
            return None if 0 <= self.key < len(self.parent) else "indexOutOfRange"
        return "wrongType"

    def get(self):
        return self.parent[self.key] if self.code is None else self.parent.entries[self.code][1]

    def set(self, item):
        if self.code is None:
            self.parent[self.key] = item
        else:
            self.parent.entries[self.code] = (self.key, item)

    def remove(self):
        if self.code is None:
            del self.parent[self.key]
        else:
            del self.parent.entries[self.code]


def apply(delta, entity, version):
    """The bytes of the content after the delta (F6)."""
    if version != delta["baseVersion"]:
        raise Misfit("wrongBaseVersion")
    try:
        root = [read(entity, ENTITY_DEPTH)]
    except Bad:
        raise Misfit("invalidEntity") from None
    for index, step in enumerate(delta["ops"]):
        apply_step(step, index, root)
    return encoded(root[0])


def apply_step(step, index, root):
    name, keys, value = step["op"], step["path"], step.get("value")
    place = Place(root, 0)
    for count, key in enumerate(keys, 1):
        place = Place(place.get(), key)
        error = place.fault()
        may_be_added = name == "set" and count == len(keys) and error == "missingPath"
        if error and not may_be_added:
            raise Misfit(error, index, keys[:count])

    def misfit(error):
        return Misfit(error, index, keys)
    if name in ("set", "replace"):
        # A copy: what is set here may be changed by a later step, the step itself may not.
        place.set(read(encoded(value), ENTITY_DEPTH))
    elif name == "remove":
        place.remove()
    elif name == "increment":
        number = place.get()
        if not is_integer(number):
            raise misfit("wrongType")
        if not in_range(number) or not in_range(number + value):
            raise misfit("overflow")
        place.set(number + value)
    else:
        elements = place.get()
        if not isinstance(elements, list):
            raise misfit("wrongType")
        if name == "arrayAppend":
            elements.append(read(encoded(value), ENTITY_DEPTH))
            return
        kept = [element for element in elements if encoded(element) != encoded(value)]
        if len(kept) == len(elements):
            raise misfit("missingElement")
        elements[:] = kept
