// SPDX-License-Identifier: MIT

/// The entries of a map, with keys of any type, in the bytewise order of their encoded keys
/// (RFC 8949 §4.2.1).
public struct CBORMap: Sendable {
    struct Entry: Sendable {
        let encodedKey: [UInt8]
        let key: CBORValue
        var value: CBORValue
    }

    /// Sorted by `encodedKey`, without duplicates.
    private var entries: [Entry] = []

    /// Makes a map without entries.
    public init() {}

    /// Makes a map of entries in any order, or `nil` if two keys are the same value.
    init?(_ entries: consuming [Entry]) {
        func isSorted(_ entries: [Entry]) -> Bool {
            zip(entries, entries.dropFirst()).allSatisfy {
                $0.encodedKey.lexicographicallyPrecedes($1.encodedKey)
            }
        }
        self.entries = entries
        guard !isSorted(self.entries) else { return }
        self.entries.sort { $0.encodedKey.lexicographicallyPrecedes($1.encodedKey) }
        guard isSorted(self.entries) else { return nil }
    }

    /// The value of a key; set it to `nil` to remove the entry. Labelled because a number without a
    /// label is a position.
    ///
    /// Finding is O(log n) comparisons, adding and removing O(n).
    ///
    /// - Precondition: No simple value in the key is 24 to 31, which do not exist.
    public subscript(key key: CBORValue) -> CBORValue? {
        get {
            let (index, isFound) = search(key.encoded())
            return isFound ? entries[index].value : nil
        }
        set {
            let encodedKey = key.encoded()
            let (index, isFound) = search(encodedKey)
            switch (isFound, newValue) {
            case (true, let value?): entries[index].value = value
            case (true, nil): entries.remove(at: index)
            case (false, let value?):
                entries.insert(Entry(encodedKey: encodedKey, key: key, value: value), at: index)
            case (false, nil): break
            }
        }
    }

    /// Where a key is, or where it belongs.
    private func search(_ encodedKey: [UInt8]) -> (index: Int, isFound: Bool) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].encodedKey.lexicographicallyPrecedes(encodedKey) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, low < entries.count && entries[low].encodedKey == encodedKey)
    }
}

extension CBORMap: RandomAccessCollection {
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of entries.
    public var endIndex: Int { entries.count }

    /// The entry at a position of the deterministic order.
    public subscript(position: Int) -> (key: CBORValue, value: CBORValue) {
        (entries[position].key, entries[position].value)
    }

    /// Writes the map, keys in order; those of keys that are maps too.
    func encode(to writer: inout CBORWriter, keyOrder: CBORKeyOrder) {
        writer.writeMapHeader(count: entries.count)
        guard keyOrder == .lengthFirst else {
            for entry in entries {
                writer.writeEncodedItem(entry.encodedKey)
                entry.value.encode(to: &writer)
            }
            return
        }
        let ordered = entries.map { (key: $0.key.encoded(keyOrder: keyOrder), value: $0.value) }
            .sorted { one, other in
                one.key.count == other.key.count
                    ? one.key.lexicographicallyPrecedes(other.key)
                    : one.key.count < other.key.count
            }
        for entry in ordered {
            writer.writeEncodedItem(entry.key)
            entry.value.encode(to: &writer, keyOrder: keyOrder)
        }
    }
}

extension CBORMap: Hashable {
    /// Whether both have the same keys with the same values.
    public static func == (lhs: CBORMap, rhs: CBORMap) -> Bool {
        lhs.elementsEqual(rhs) { $0.key == $1.key && $0.value == $1.value }
    }

    /// Hashes the entries. O(size of the map).
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for (key, value) in self {
            hasher.combine(key)
            hasher.combine(value)
        }
    }
}
