// SPDX-License-Identifier: MIT

import CBOR

/// An entity while steps are applied to it.
///
/// It is a tree of references, so that a step changes its place and copies nothing. Arrays and
/// maps are taken apart when a path leads into them and stay as they were read until then.
struct PatchedEntity {
    private var root: PatchedItem

    init(_ entity: CBORValue) { root = PatchedItem(entity) }

    /// The entity's deterministic encoding. O(size), and O(n log n) for each map of n entries that
    /// was taken apart.
    func encoded() -> [UInt8] {
        var writer = CBORWriter()
        root.encode(to: &writer)
        return writer.bytes
    }

    /// Where a step does its work.
    private enum Place {
        case root
        case entry(PatchedMap, key: [UInt8])
        case element(PatchedArray, slot: Int)
    }

    /// Makes the change of one step.
    ///
    /// - Parameter index: The step's place in its patch, for the error.
    mutating func apply(_ step: DeltaStep, index: Int) throws(DeltaError) {
        if let fault = step.fault {
            throw DeltaError(.invalidStep, step: index, path: step.path, message: fault.message)
        }
        let cursor = Walk(path: step.path, step: index)
        let place = try self.place(cursor)
        if case .set(let value) = step.action { return put(PatchedItem(value), at: place) }
        guard let item = item(at: place) else { throw cursor.missing(step.path.count) }
        switch step.action {
        case .set, .replace: put(PatchedItem(step.action.value ?? .null), at: place)
        case .remove: remove(place)
        case .increment(let summand):
            put(PatchedItem(CBORValue(try cursor.sum(item, summand))), at: place)
        case .arrayAppend(let element): try cursor.array(item).append(PatchedItem(element))
        case .arrayRemove(let element):
            guard try cursor.array(item).removeAll(equalTo: element) else {
                throw cursor.error(
                    .missingElement, "The array has no element equal to the value.")
            }
        }
    }

    private func place(_ cursor: Walk) throws(DeltaError) -> Place {
        var place = Place.root
        for (depth, key) in cursor.path.enumerated() {
            guard let item = item(at: place) else { throw cursor.missing(depth) }
            switch (item.container, key) {
            case (.map(let map), _):
                place = .entry(map, key: key.encoded())
            case (.array(let array), .integer(let index)):
                guard let slot = Int(exactly: index).flatMap(array.slot(at:)) else {
                    throw cursor.error(
                        .indexOutOfRange, upTo: depth + 1,
                        "The array has \(array.count) elements; the index is \(index).")
                }
                place = .element(array, slot: slot)
            default:
                throw cursor.error(
                    .wrongType, upTo: depth + 1,
                    "The key leads into an item that is neither a map nor an array with an index.")
            }
        }
        return place
    }

    private func item(at place: Place) -> PatchedItem? {
        switch place {
        case .root: root
        case .entry(let map, let key): map.entries[key]
        case .element(let array, let slot): array[slot]
        }
    }

    private mutating func put(_ item: PatchedItem, at place: Place) {
        switch place {
        case .root: root = item
        case .entry(let map, let key): map.entries[key] = item
        case .element(let array, let slot): array[slot] = item
        }
    }

    private func remove(_ place: Place) {
        switch place {
        case .root: preconditionFailure("A step that removes has a path.")
        case .entry(let map, let key): map.entries[key] = nil
        case .element(let array, let slot): array[slot] = nil
        }
    }
}

/// The path of one step, and the errors that it can end with.
private struct Walk {
    let path: [DeltaKey]
    let step: Int

    func error(
        _ kind: DeltaError.Kind, upTo count: Int? = nil, _ message: String
    ) -> DeltaError {
        DeltaError(
            kind, step: step, path: Array(path.prefix(count ?? path.count)), message: message)
    }

    /// The error for a map without the last of the first `count` keys.
    func missing(_ count: Int) -> DeltaError {
        error(.missingPath, upTo: count, "The map has no such key.")
    }

    func array(_ item: PatchedItem) throws(DeltaError) -> PatchedArray {
        guard case .array(let array) = item.container else {
            throw error(.wrongType, "The item at the path is no array.")
        }
        return array
    }

    func sum(_ item: PatchedItem, _ summand: Int64) throws(DeltaError) -> Int64 {
        switch item.leaf {
        case .unsigned, .negative: break
        default: throw error(.wrongType, "The item at the path is no integer.")
        }
        let sum = item.leaf?.signedInteger?.addingReportingOverflow(summand)
        guard let sum, !sum.overflow else {
            throw error(.overflow, "The integer or the sum is not in -2^63...2^63 - 1.")
        }
        return sum.partialValue
    }
}
