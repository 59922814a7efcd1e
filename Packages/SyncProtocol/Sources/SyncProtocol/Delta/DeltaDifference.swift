// SPDX-License-Identifier: MIT

import CBOR

/// Collects the steps from one revision of an entity to another. It recurses as deep as they nest.
struct DeltaDifference {
    private(set) var steps: [DeltaStep] = []
    /// The way to the items being compared.
    private var path: [DeltaKey] = []

    /// Adds the steps that make `new` out of `old` at the current path.
    mutating func add(from old: CBORValue, to new: CBORValue) {
        let count = steps.count
        let isDone: Bool
        switch (old, new) {
        case (.map(let old), .map(let new)): isDone = addEntries(from: old, to: new)
        case (.array(let old), .array(let new)): isDone = addElements(from: old, to: new)
        default: isDone = old == new
        }
        guard !isDone else { return }
        steps.removeLast(steps.count - count)
        append(path.isEmpty ? .replace(new) : .set(new))
    }

    private mutating func append(_ action: DeltaStep.Action) {
        steps.append(DeltaStep(action, at: path))
    }

    private mutating func within(_ key: DeltaKey, _ body: (inout DeltaDifference) -> Void) {
        path.append(key)
        body(&self)
        path.removeLast()
    }

    /// Whether so much of a whole differs that it is sent anew: more than 70 %.
    private func isMost(_ count: Int, of whole: Int) -> Bool { count * 10 > whole * 7 }

    /// - Returns: Whether the steps make the map; otherwise it must be sent whole.
    private mutating func addEntries(from old: CBORMap, to new: CBORMap) -> Bool {
        var fields = 0
        var changed = 0
        for (key, before, after) in PairedEntries(old, new) {
            fields += 1
            guard let name = DeltaKey(key) else {
                guard before == after else { return false }
                continue
            }
            let count = steps.count
            within(name) { difference in
                switch (before, after) {
                case (let before?, let after?): difference.add(from: before, to: after)
                case (nil, let after?): difference.append(.set(after))
                default: difference.append(.remove)
                }
            }
            if steps.count > count { changed += 1 }
        }
        return !path.isEmpty || !isMost(changed, of: fields)
    }

    /// - Returns: Whether the steps make the array; otherwise it must be sent whole.
    private mutating func addElements(from old: [CBORValue], to new: [CBORValue]) -> Bool {
        let shorter = min(old.count, new.count)
        let prefix = zip(old, new).prefix { $0 == $1 }.count
        let suffix = zip(old.reversed(), new.reversed()).prefix(shorter - prefix)
            .prefix { $0 == $1 }.count
        if old.count == new.count {
            return addChanges(from: old, to: new, in: prefix..<old.count - suffix)
        }
        if old.count == prefix {
            guard !isMost(new.count - prefix, of: new.count) else { return false }
            for element in new[prefix...] { append(.arrayAppend(element)) }
            return true
        }
        guard new.count == prefix + suffix else { return false }
        let removed = old.count - new.count
        guard !isMost(removed, of: old.count), let index = Int64(exactly: prefix) else {
            return false
        }
        for _ in 0..<removed { within(.integer(index)) { $0.append(.remove) } }
        return true
    }

    /// Adds the changes of elements that stay in their places.
    private mutating func addChanges(
        from old: [CBORValue], to new: [CBORValue], in range: Range<Int>
    ) -> Bool {
        var changed = 0
        for index in range {
            let count = steps.count
            guard let key = Int64(exactly: index) else { return false }
            within(.integer(key)) { $0.add(from: old[index], to: new[index]) }
            if steps.count > count { changed += 1 }
        }
        return !isMost(changed, of: old.count)
    }
}

/// The entries of two maps side by side, in the order of their encoded keys.
private struct PairedEntries: Sequence, IteratorProtocol {
    private typealias Entry = (encodedKey: [UInt8], key: CBORValue, value: CBORValue)
    private let old: [Entry]
    private let new: [Entry]
    private var oldIndex = 0
    private var newIndex = 0

    init(_ old: CBORMap, _ new: CBORMap) {
        self.old = old.map { ($0.key.encoded(), $0.key, $0.value) }
        self.new = new.map { ($0.key.encoded(), $0.key, $0.value) }
    }

    mutating func next() -> (key: CBORValue, before: CBORValue?, after: CBORValue?)? {
        let before = oldIndex < old.count ? old[oldIndex] : nil
        let after = newIndex < new.count ? new[newIndex] : nil
        guard let key = before ?? after else { return nil }
        guard let before, let after, before.encodedKey != after.encodedKey else {
            oldIndex += 1
            newIndex += 1
            return (key.key, before?.value, after?.value)
        }
        if before.encodedKey.lexicographicallyPrecedes(after.encodedKey) {
            oldIndex += 1
            return (before.key, before.value, nil)
        }
        newIndex += 1
        return (after.key, nil, after.value)
    }
}
