// SPDX-License-Identifier: MIT

/// The entries of a map, by their keys.
///
/// Types mostly ask in one of two orders, that of the input or that of their properties, so the
/// search begins behind the last find. A long way round is gone once: then all keys are put into a
/// dictionary, and a map of n keys costs O(n) in any order.
final class EntryTable {
    private struct Entry {
        /// Where the key's text is, or its integer.
        let key: Int
        /// The length of the text in bytes, or one of the kinds below.
        let length: Int
        /// Where the key's head is.
        let offset: Int
        let value: ItemPlace

        static let integer = -1
        /// Text in chunks, or no key that a type can have.
        static let uncommon = -2
    }

    private let document: DecodedDocument
    private var entries: UnsafeMutablePointer<Entry>
    private var capacity = 16
    private(set) var count = 0
    /// The entry to look at first.
    private var next = 0
    private var lookup: [WireKey: Int]?

    /// Up to this many keys are looked at one by one.
    private static let searchedOneByOne = 16

    init(_ document: DecodedDocument) {
        self.document = document
        entries = .allocate(capacity: capacity)
    }

    deinit { entries.deallocate() }

    /// Forgets all and takes the entries of another map. Returns the place behind it.
    func list(_ map: ItemPlace) -> ItemPlace {
        count = 0
        next = 0
        lookup = nil
        let head = document.head(at: map.offset)
        var place = document.place(inside: map)
        if head.isIndefinite {
            while document.byte(at: place.offset) != breakByte { list(&place) }
            place.offset += 1
        } else {
            for _ in 0..<head.itemCount / 2 { list(&place) }
        }
        return place
    }

    /// Takes the entry at a place, and goes on behind it.
    @inline(__always)
    private func list(_ place: inout ItemPlace) {
        let key = place
        place = document.place(after: key)
        append(key.offset, value: place)
        place = document.place(after: place)
    }

    private func append(_ offset: Int, value: ItemPlace) {
        if count == capacity { grow() }
        let head = document.head(at: offset)
        let key: Int
        let length: Int
        switch head.major {
        case 3 where !head.isIndefinite:
            (key, length) = (head.end, Int(truncatingIfNeeded: head.argument))
        case 0, 1:
            let magnitude = Int(exactly: head.argument)
            key = head.major == 0 ? magnitude ?? 0 : ~(magnitude ?? 0)
            length = magnitude == nil ? Entry.uncommon : Entry.integer
        default: (key, length) = (0, Entry.uncommon)
        }
        entries[count] = Entry(key: key, length: length, offset: offset, value: value)
        count += 1
    }

    @inline(never)
    private func grow() {
        let new = UnsafeMutablePointer<Entry>.allocate(capacity: 2 * capacity)
        new.update(from: entries, count: count)
        entries.deallocate()
        entries = new
        capacity *= 2
    }

    /// Where the keys' heads are, in the order of the input.
    var keyOffsets: [Int] { (0..<count).map { entries[$0].offset } }

    /// The keys in the order of the input, but those that no type can have.
    var keys: [WireKey] {
        if let lookup { return lookup.sorted { $0.value < $1.value }.map(\.key) }
        return keyOffsets.compactMap(document.wireKey)
    }

    /// Takes other keys for those in the map; of keys that become the same, the first holds.
    func convertKeys(_ convert: (WireKey) -> WireKey) {
        lookup = makeLookup(convert)
    }

    private func makeLookup(_ convert: (WireKey) -> WireKey) -> [WireKey: Int] {
        var lookup: [WireKey: Int] = [:]
        for index in 0..<count {
            guard let key = document.wireKey(at: entries[index].offset) else { continue }
            let converted = convert(key)
            lookup[converted] = lookup[converted] ?? index
        }
        return lookup
    }
}

extension EntryTable {
    /// The place of the value of a key that is text.
    @inline(__always)
    func find(_ text: String) -> ItemPlace? {
        guard lookup == nil else { return find(.text(text)) }
        var text = text
        return text.withUTF8 { utf8 in
            guard let start = utf8.baseAddress else { return find(.text("")) }
            return search(utf8.count) { key in
                document.hasBytes(UnsafeRawPointer(start), count: utf8.count, at: key)
            } ?? findSlowly { .text(String(decoding: utf8, as: UTF8.self)) }
        }
    }

    /// The place of the value of a key that is an integer.
    func find(_ integer: Int) -> ItemPlace? {
        guard lookup == nil else { return find(.integer(integer)) }
        return search(Entry.integer) { $0 == integer } ?? findSlowly { .integer(integer) }
    }

    /// Looks at the next few keys.
    @inline(__always)
    private func search(_ length: Int, _ isKey: (Int) -> Bool) -> ItemPlace? {
        var index = next
        for _ in 0..<min(count, Self.searchedOneByOne) {
            if index >= count { index = 0 }
            if entries[index].length == length, isKey(entries[index].key) {
                next = index + 1
                return entries[index].value
            }
            index += 1
        }
        return nil
    }

    /// Looks at all keys, after a few were others.
    @inline(never)
    private func findSlowly(_ key: () -> WireKey) -> ItemPlace? {
        if count <= Self.searchedOneByOne {
            // All have been looked at but the uncommon ones.
            let hasUncommon = (0..<count).contains { entries[$0].length == Entry.uncommon }
            guard hasUncommon else { return nil }
        }
        return find(key())
    }

    private func find(_ key: WireKey) -> ItemPlace? {
        let lookup = lookup ?? makeLookup { $0 }
        self.lookup = lookup
        return lookup[key].map { index in
            next = index + 1
            return entries[index].value
        }
    }
}
