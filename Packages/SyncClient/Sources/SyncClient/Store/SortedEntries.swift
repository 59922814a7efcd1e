// SPDX-License-Identifier: MIT

/// What the store knows of one entity.
struct StoredEntry: Sendable, Equatable {
    /// The entity's encoded CBOR; `nil` for a tombstone.
    var content: [UInt8]?
    /// The commit sequence of the last write.
    var sequence: UInt64
    /// Whether that write was pulled.
    var isPulled: Bool
}

/// The entries of one collection, ordered by the bytes of their ids.
///
/// Sorted chunks of some hundred entries: a look-up is two binary searches, and an insertion moves
/// one chunk, never the whole collection.
struct SortedEntries: Sendable {
    struct Element: Sendable {
        var id: TextKey
        var entry: StoredEntry
    }

    private static let chunkCountMax = 256
    private var chunks: [[Element]] = []
    /// How many entries there are, tombstones included.
    private(set) var count = 0

    init() {}

    subscript(id: TextKey) -> StoredEntry? {
        guard let place = place(of: id), place.isPresent else { return nil }
        return chunks[place.chunk][place.index].entry
    }

    /// Sets the entry of `id`, and gives back the one that was there.
    @discardableResult
    mutating func updateValue(_ entry: StoredEntry, for id: TextKey) -> StoredEntry? {
        guard let place = place(of: id) else {
            chunks.append([Element(id: id, entry: entry)])
            count += 1
            return nil
        }
        if place.isPresent {
            let previous = chunks[place.chunk][place.index].entry
            chunks[place.chunk][place.index].entry = entry
            return previous
        }
        chunks[place.chunk].insert(Element(id: id, entry: entry), at: place.index)
        count += 1
        if chunks[place.chunk].count > Self.chunkCountMax {
            let upper = Array(chunks[place.chunk][(Self.chunkCountMax / 2)...])
            chunks[place.chunk].removeSubrange((Self.chunkCountMax / 2)...)
            chunks.insert(upper, at: place.chunk + 1)
        }
        return nil
    }

    /// Removes the entries that `isGone` tells.
    mutating func removeAll(where isGone: (StoredEntry) -> Bool) {
        for index in chunks.indices where chunks[index].contains(where: { isGone($0.entry) }) {
            chunks[index].removeAll { isGone($0.entry) }
        }
        chunks.removeAll(where: \.isEmpty)
        count = chunks.reduce(0) { $0 + $1.count }
    }

    /// Calls `body` with the entries from `start` on in order, until it returns `false`.
    func forEach<E: Error>(
        from start: TextKey? = nil, _ body: (TextKey, StoredEntry) throws(E) -> Bool
    ) throws(E) {
        let first = start.flatMap { place(of: $0) }
        var index = first?.index ?? 0
        for chunk in (first?.chunk ?? 0)..<chunks.count {
            while index < chunks[chunk].count {
                let element = chunks[chunk][index]
                guard try body(element.id, element.entry) else { return }
                index += 1
            }
            index = 0
        }
    }

    /// Where `id` is or belongs; `nil` if there are no chunks yet.
    private func place(of id: TextKey) -> (chunk: Int, index: Int, isPresent: Bool)? {
        guard !chunks.isEmpty else { return nil }
        // The last chunk whose first id is not above `id`, or the first chunk.
        let after = Self.firstIndex(in: 0..<chunks.count) { id < chunks[$0][0].id }
        let chunk = max(0, after - 1)
        let index = Self.firstIndex(in: 0..<chunks[chunk].count) { !(chunks[chunk][$0].id < id) }
        let isPresent = index < chunks[chunk].count && chunks[chunk][index].id == id
        return (chunk, index, isPresent)
    }

    /// The first index of which `holds` is true, given that it is then true of all that follow.
    private static func firstIndex(in range: Range<Int>, _ holds: (Int) -> Bool) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
