// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport

extension RandomMessages {
    /// An entity: a map of anything, or now and then something else.
    mutating func entity() -> CBORValue {
        chance(90) ? .map(map(depth: 4)) : item(depth: 3)
    }

    /// An item of any kind that nests at most `depth` deep.
    mutating func item(depth: Int) -> CBORValue {
        switch Int.random(in: 0..<(depth > 0 ? 14 : 8), using: &generator) {
        case 0: return .unsigned(chance() ? integer() : .max - integer())
        case 1: return .negative(chance() ? integer() : .max - integer())
        case 2: return .bytes(bytes(pick([0, 1, 23, 24])))
        case 3: return .text(text())
        case 4: return pick([.bool(true), .bool(false), .null, .undefined, .simple(32)])
        case 5: return .float(pick([0, -0.0, 1, 1.5, .infinity, .nan, 1e300, 0.1]))
        // Small numbers meet again in other places.
        case 6, 7: return .unsigned(.random(in: 0...3, using: &generator))
        case 8...10: return .map(map(depth: depth - 1))
        case 11, 12: return .array(list(upTo: 5) { $0.item(depth: depth - 1) })
        default: return .tagged(integer(), item(depth: depth - 1))
        }
    }

    /// Text keys mostly, few of them, so that two maps have some in common.
    mutating func map(depth: Int) -> CBORMap {
        var map = CBORMap()
        for key in list(upTo: 6, { $0.entryKey() }) { map[key: key] = item(depth: depth) }
        return map
    }

    mutating func entryKey() -> CBORValue {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: .bytes([1])
        case 1: .float(1)
        case 2: .unsigned(.max)
        case 3...6: CBORValue(pick([-1, 0, 1, .max, .min]))
        default: .text(pick(["a", "b", "c", "dd", "e\u{301}", "\u{E9}", ""]))
        }
    }

    /// The value with some of what is inside it changed.
    mutating func edited(_ value: CBORValue) -> CBORValue {
        switch value {
        case .map(let map) where chance(90):
            var edited = map
            for (key, value) in map where chance(40) {
                edited[key: key] = chance(20) ? nil : self.edited(value)
            }
            if chance(30) { edited[key: entryKey()] = item(depth: 1) }
            return .map(edited)
        case .array(var elements) where chance(90):
            switch Int.random(in: 0...3, using: &generator) {
            case 0: elements += list(upTo: 3) { $0.item(depth: 1) }
            case 1 where !elements.isEmpty:
                let start = Int.random(in: elements.indices, using: &generator)
                elements.removeSubrange(start..<min(elements.count, start + 2))
            case 2: elements = elements.map { chance(30) ? self.edited($0) : $0 }
            default: elements.shuffle(using: &generator)
            }
            return .array(elements)
        default: return item(depth: 1)
        }
    }

    mutating func deltaPatch() -> DeltaPatch {
        DeltaPatch(baseVersion: number(), steps: list(upTo: 6) { $0.deltaStep() })
    }

    mutating func deltaStep() -> DeltaStep {
        let path = list(upTo: 3) { $0.deltaKey() } + [deltaKey()]
        let isShort = chance(20)
        switch Int.random(in: 0...5, using: &generator) {
        case 0: return DeltaStep(.set(item(depth: 2)), at: path)
        case 1: return DeltaStep(.remove, at: path)
        case 2:
            let summand: Int64 = pick([0, 1, -1, .max, .min])
            return DeltaStep(.increment(summand), at: isShort ? [] : path)
        case 3: return DeltaStep(.arrayAppend(item(depth: 2)), at: isShort ? [] : path)
        case 4: return DeltaStep(.arrayRemove(item(depth: 0)), at: isShort ? [] : path)
        default: return DeltaStep(.replace(item(depth: 2)), at: isShort ? [] : path)
        }
    }

    mutating func deltaKey() -> DeltaKey {
        chance() ? .text(pick(["a", "b", "c", "dd", text()])) : .integer(pick([0, 1, -1, .max]))
    }
}
