// SPDX-License-Identifier: MIT

public import CBOR

/// One change to one place of an entity.
public struct DeltaStep: Hashable, Sendable {
    /// The way from the entity to the place, at most `pathCountMax` keys; empty for the entity
    /// itself, which `set` and `remove` do not take.
    public var path: [DeltaKey]
    /// What is done there.
    public var action: Action

    /// What a step does. The item at the path must be there, except for `set`.
    public enum Action: Hashable, Sendable {
        /// A map's entry gets this value, whether it was there or not; an array's element, which
        /// must be there, is replaced.
        case set(CBORValue)
        /// A map's entry, or an array's element, goes; later elements move down by one.
        case remove
        /// The integer at the path goes up by this, or down.
        case increment(Int64)
        /// The array at the path gets this element at its end.
        case arrayAppend(CBORValue)
        /// All elements equal to this one leave the array at the path; there must be one. No array
        /// and no map: those are removed by their index.
        case arrayRemove(CBORValue)
        /// The item at the path is replaced.
        case replace(CBORValue)
    }

    /// How many keys a path may have: as many as lead to the innermost item of an entity that
    /// nests as deep as it may.
    public static let pathCountMax = SyncOperation.entityMaxDepth

    /// Creates a step. `DeltaPatch.apply` refuses one that breaks a rule about steps.
    public init(_ action: Action, at path: [DeltaKey]) {
        self.path = path
        self.action = action
    }
}

extension DeltaStep {
    /// A rule that the step breaks, whatever the entity.
    struct Fault {
        /// The part at fault, spelled as its wire key.
        enum Part: String { case path, value }
        var part: Part
        var code: CBORError.Code
        var message: String
    }

    /// What is wrong with the step itself, or `nil`. O(size of the value).
    var fault: Fault? {
        switch action {
        case .set, .remove:
            guard !path.isEmpty else {
                return Fault(
                    part: .path, code: .invalidValue,
                    message: "An entity is neither set nor removed; use replace.")
            }
        case .arrayRemove(.array), .arrayRemove(.map):
            return Fault(
                part: .value, code: .wrongType,
                message: "Arrays and maps are removed from an array by their index.")
        default: break
        }
        guard path.count <= Self.pathCountMax else {
            return Fault(
                part: .path, code: .limitExceeded,
                message: "A path has at most \(Self.pathCountMax) keys.")
        }
        guard action.value?.nests(atMost: levelsLeft) ?? true else {
            return Fault(
                part: .value, code: .depthExceeded,
                message: "With this value at its place, the entity would nest deeper than "
                    + "\(SyncOperation.entityMaxDepth) levels.")
        }
        return nil
    }

    /// How deep the value may nest where it would stand.
    private var levelsLeft: Int {
        switch action {
        case .arrayAppend, .arrayRemove: SyncOperation.entityMaxDepth - path.count - 1
        default: SyncOperation.entityMaxDepth - path.count
        }
    }
}

extension DeltaStep.Action {
    /// How the action is spelled on the wire.
    public var wireName: String { name.rawValue }

    /// The spellings on the wire.
    enum Name: String, CaseIterable {
        case set, remove, increment, arrayAppend, arrayRemove, replace

        /// The name with these bytes; `String` takes some different texts for equal.
        init?(spelling: String) {
            let known = Self.allCases.first { $0.rawValue.utf8.elementsEqual(spelling.utf8) }
            guard let known else { return nil }
            self = known
        }
    }

    var name: Name {
        switch self {
        case .set: .set
        case .remove: .remove
        case .increment: .increment
        case .arrayAppend: .arrayAppend
        case .arrayRemove: .arrayRemove
        case .replace: .replace
        }
    }

    /// The value on the wire; only `remove` has none.
    var value: CBORValue? {
        switch self {
        case .remove: nil
        case .increment(let number): CBORValue(number)
        case .set(let value), .arrayAppend(let value), .arrayRemove(let value),
            .replace(let value):
            value
        }
    }
}

extension CBORValue {
    /// Whether arrays, maps and tags nest at most `levels` deep. Recurses no deeper than that.
    fileprivate func nests(atMost levels: Int) -> Bool {
        switch self {
        case .array(let elements):
            levels > 0 && elements.allSatisfy { $0.nests(atMost: levels - 1) }
        case .map(let map):
            levels > 0
                && map.allSatisfy {
                    $0.key.nests(atMost: levels - 1) && $0.value.nests(atMost: levels - 1)
                }
        case .tagged(_, let content): levels > 0 && content.nests(atMost: levels - 1)
        default: levels >= 0
        }
    }
}
