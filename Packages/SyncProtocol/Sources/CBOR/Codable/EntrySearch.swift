// SPDX-License-Identifier: MIT

/// Finds a map's values by their keys.
///
/// Types mostly ask in one of two orders, that of the input or that of their properties, so the
/// search begins behind the last find. A long way round is gone once: then all keys are put into a
/// table, and a map of n keys costs O(n) in any order.
final class EntrySearch {
    private let document: DecodedDocument
    private let first: Int
    private let end: Int
    /// The key to look at first.
    private var next: Int
    private var table: [WireKey: Int]?

    /// Up to this many keys are looked at one by one.
    private static let searchedOneByOne = 16

    init(_ document: DecodedDocument, map node: Int) {
        self.document = document
        first = node + 1
        end = document.nodes[node].next
        next = first
    }

    /// The nodes of the keys in the order of the input. O(n).
    var keyNodes: [Int] {
        var nodes: [Int] = []
        var node = first
        while node < end {
            nodes.append(node)
            node = entry(after: node)
        }
        return nodes
    }

    /// The node of a key's value.
    func find(_ key: WireKey) -> Int? {
        if let table { return table[key] }
        guard first < end else { return nil }
        if next == end { next = first }
        let start = next
        var looked = 0
        repeat {
            let node = next
            next = entry(after: node)
            if document.matches(node, key) { return document.nodes[node].next }
            if next == end { next = first }
            looked += 1
            if looked > Self.searchedOneByOne {
                let table = makeTable()
                self.table = table
                return table[key]
            }
        } while next != start
        return nil
    }

    private func entry(after keyNode: Int) -> Int {
        document.nodes[document.nodes[keyNode].next].next
    }

    private func makeTable() -> [WireKey: Int] {
        var table: [WireKey: Int] = [:]
        for node in keyNodes {
            guard let key = document.wireKey(node) else { continue }
            table[key] = document.nodes[node].next
        }
        return table
    }
}
