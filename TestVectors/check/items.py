# SPDX-License-Identifier: MIT
"""CBOR (RFC 8949), read strictly and written deterministically.

An item is a Python value: int, float, bytes, str, bool, None, a list, a Map, a Tag or a Simple.
Reading names the first rule that the bytes break, the byte at fault and the path to it.
"""

import math
import struct

INTEGER_MAX = 2**63 - 1


class Bad(Exception):
    """A broken rule: its name, the offset of the item at fault, and the path to it."""

    def __init__(self, error, offset=0, path=()):
        super().__init__(f"{error} at byte {offset}, path {path_text(path)!r}")
        self.error, self.offset, self.path = error, offset, path_text(path)


def path_text(path):
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


class Tag:
    def __init__(self, number, content):
        self.number, self.content = number, content


class Simple:
    def __init__(self, number):
        self.number = number


class Map:
    """Entries by the deterministic encoding of their keys, which decides when two are the same."""

    def __init__(self, entries=()):
        self.entries = {}
        for key, value in entries:
            self.entries[encoded(key)] = (key, value)

    def pairs(self):
        return [self.entries[key] for key in sorted(self.entries)]


def head(major, argument):
    """A head, as short as possible."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError(argument)


def encoded(item):
    """Core Deterministic Encoding (RFC 8949 section 4.2.1)."""
    if item is None or item is False or item is True:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, float):
        return encoded_float(item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return head(3, len(text)) + text
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encoded, item))
    if isinstance(item, Map):
        return head(5, len(item.entries)) + b"".join(
            key + encoded(item.entries[key][1]) for key in sorted(item.entries))
    if isinstance(item, Tag):
        return head(6, item.number) + encoded(item.content)
    return head(7, item.number) if item.number < 24 else bytes([0xF8, item.number])


def encoded_float(number):
    if math.isnan(number):
        return b"\xf9\x7e\x00"
    for first, form in ((b"\xf9", ">e"), (b"\xfa", ">f"), (b"\xfb", ">d")):
        try:
            packed = struct.pack(form, number)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == number:
            return first + packed
    raise ValueError(number)


class Reader:
    """Reads items from the front of some bytes."""

    def __init__(self, data, depth_max, deterministic=False):
        self.data, self.position, self.path = data, 0, []
        self.depth, self.depth_max, self.deterministic = 0, depth_max, deterministic
        # The checks that make well-formed bytes valid: UTF-8, and no key twice.
        self.validates = True

    def bad(self, error, offset):
        return Bad(error, offset, self.path)

    def take(self, count):
        if count > len(self.data) - self.position:
            raise self.bad("truncated", len(self.data))
        self.position += count
        return self.data[self.position - count:self.position]

    def peek(self):
        if self.position == len(self.data):
            raise self.bad("truncated", self.position)
        return self.data[self.position]

    def at_break(self):
        """Reads over a break, if there is one."""
        found = self.peek() == 0xFF
        self.position += found
        return found

    def head(self):
        """Returns major type, additional information and argument, which is None if indefinite."""
        offset, first = self.position, self.take(1)[0]
        major, info = first >> 5, first & 31
        if first == 0xFF:
            raise self.bad("unexpectedBreak", offset)
        if info < 24:
            return major, info, info
        if info == 31 and major in (2, 3, 4, 5):
            if self.deterministic:
                raise self.bad("indefiniteLength", offset)
            return major, info, None
        if info > 27:
            raise self.bad("reservedInfo", offset)
        size = 1 << info - 24
        argument = int.from_bytes(self.take(size), "big")
        if self.deterministic and major < 7 and len(head(major, argument)) < 1 + size:
            raise self.bad("nonShortest", offset)
        return major, info, argument

    def enter(self, offset):
        if self.depth == self.depth_max:
            raise self.bad("depthExceeded", offset)
        self.depth += 1

    def item(self, follows_path=False):
        """Reads one item of any type."""
        offset = self.position
        major, info, argument = self.head()
        if major < 2:
            return argument if major == 0 else -1 - argument
        if major < 4:
            return self.string(major, argument, offset)
        if major == 7:
            return self.simple(info, argument, offset)
        self.enter(offset)
        if major == 6:
            item = Tag(argument, self.item(follows_path))
        elif major == 4:
            item = []
            for index in self.indices(argument):
                self.path += [index] * follows_path
                item.append(self.item(follows_path))
                del self.path[len(self.path) - follows_path:]
        else:
            item = Map()
            for key, _ in self.keys(argument, item):
                self.path += [str(key)] * follows_path
                item.entries[encoded(key)] = (key, self.item(follows_path))
                del self.path[len(self.path) - follows_path:]
        self.depth -= 1
        return item

    def indices(self, count):
        """The indices of an array whose head was read; its caller reads the elements."""
        index = 0
        while index != count and not (count is None and self.at_break()):
            yield index
            index += 1

    def keys(self, count, seen):
        """The keys of a map whose head was read, with their offsets; its caller reads the values
        and adds the entries to `seen`."""
        last = b""
        for _ in self.indices(count):
            offset = self.position
            key = self.item()
            code = encoded(key)
            if self.validates and code in seen.entries:
                if isinstance(key, str) and self.names_keys:
                    self.path.append(key)
                raise self.bad("duplicateKey", offset)
            if self.deterministic and code < last:
                raise self.bad("unsortedKeys", offset)
            last = code
            yield key, offset

    # Whether the path of a key that is there twice ends with the key.
    names_keys = False

    def string(self, major, argument, offset):
        if argument is not None:
            return self.text(self.take(argument), major, offset)
        chunks = []
        while not self.at_break():
            start = self.position
            kind, info, length = self.head()
            if kind != major or info == 31:
                raise self.bad("invalidChunk", start)
            chunks.append(self.text(self.take(length), major, start))
        return (b"" if major == 2 else "").join(chunks)

    def text(self, data, major, offset):
        if major == 2:
            return data
        try:
            return data.decode("utf-8" if self.validates else "latin-1")
        except UnicodeDecodeError:
            raise self.bad("invalidUTF8", offset) from None

    def simple(self, info, argument, offset):
        if info < 24:
            return {20: False, 21: True, 22: None}.get(info, Simple(info))
        if info == 24:
            if argument < 32:
                raise self.bad("invalidSimple", offset)
            return Simple(argument)
        form = {25: ">e", 26: ">f", 27: ">d"}[info]
        data = self.data[offset + 1:self.position]
        number = struct.unpack(form, data)[0]
        if self.deterministic and len(encoded(number)) < self.position - offset:
            raise self.bad("nonShortest", offset)
        if self.deterministic and encoded(number) != self.data[offset:self.position]:
            raise self.bad("nonCanonicalNaN", offset)
        return number

    def end(self):
        if self.position < len(self.data):
            self.path = []
            raise self.bad("trailingBytes", self.position)


def read(data, depth_max, deterministic=False, validates=True):
    """The one item that the bytes are."""
    reader = Reader(data, depth_max, deterministic)
    reader.validates = validates
    item = reader.item()
    reader.end()
    return item


def depth(item):
    """How many arrays, maps and tags nest in an item."""
    if isinstance(item, Tag):
        return 1 + depth(item.content)
    if isinstance(item, list):
        return 1 + max(map(depth, item), default=0)
    if isinstance(item, Map):
        return 1 + max((max(depth(key), depth(value)) for key, value in item.pairs()), default=0)
    return 0
