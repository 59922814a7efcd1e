// SPDX-License-Identifier: MIT

import CBOR

/// An item of an entity that is being patched.
final class PatchedItem {
    private var content: Content

    private enum Content {
        /// As it was read: no path has led into it.
        case whole(CBORValue)
        case apart(Container)
    }

    /// An array or a map that has been taken apart.
    enum Container {
        case array(PatchedArray)
        case map(PatchedMap)
    }

    init(_ value: CBORValue) { content = .whole(value) }

    /// The item taken apart, or `nil` if it is neither an array nor a map. O(elements) at the first
    /// time.
    var container: Container? {
        switch content {
        case .apart(let container): return container
        case .whole(.array(let elements)):
            return takeApart(.array(PatchedArray(elements)))
        case .whole(.map(let map)):
            return takeApart(.map(PatchedMap(map)))
        case .whole: return nil
        }
    }

    private func takeApart(_ container: Container) -> Container {
        content = .apart(container)
        return container
    }

    /// The item, unless it is an array or a map.
    var leaf: CBORValue? {
        switch content {
        case .apart, .whole(.array), .whole(.map): nil
        case .whole(let value): value
        }
    }

    /// Writes the item. Recurses as deep as it nests.
    func encode(to writer: inout CBORWriter) {
        switch content {
        case .whole(let value): value.encode(to: &writer)
        case .apart(.array(let array)):
            writer.writeArrayHeader(count: array.count)
            array.forEach { $0.encode(to: &writer) }
        case .apart(.map(let map)):
            writer.writeMapHeader(count: map.entries.count)
            let sorted = map.entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (key, item) in sorted {
                writer.writeEncodedItem(key)
                item.encode(to: &writer)
            }
        }
    }
}

/// A map that is being patched. Finding, adding and removing an entry are O(1) on average: keys are
/// hashed with the process's random seed, so a sender cannot choose keys that collide.
final class PatchedMap {
    /// The entries by their encoded keys.
    var entries: [[UInt8]: PatchedItem]

    init(_ map: CBORMap) {
        entries = [:]
        entries.reserveCapacity(map.count)
        for (key, value) in map { entries[key.encoded()] = PatchedItem(value) }
    }
}
