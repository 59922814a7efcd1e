// SPDX-License-Identifier: MIT

public import CBOR

/// What changes between two revisions of an entity, field by field.
///
///     let patch = try DeltaPatch.diff(from: old, to: new, baseVersion: 7)
///     let copy = try patch.apply(to: old, version: 7)  // new, in deterministic encoding
///
/// On the wire it is `{"ops": [{"op", "path", "value"}], "baseVersion"}` (protocol, §16). Push and
/// pull carry whole entities and no patches; apps may put patches where they like.
public struct DeltaPatch: WireValue, Hashable {
    /// The version of the entity that the patch is for.
    public var baseVersion: EntityVersion
    /// The changes, each made on what those before it have left. Empty for no change.
    public var steps: [DeltaStep]

    /// Creates a patch.
    public init(baseVersion: EntityVersion, steps: [DeltaStep]) {
        self.baseVersion = baseVersion
        self.steps = steps
    }

    /// Whether nothing changes.
    public var isEmpty: Bool { steps.isEmpty }

    /// Whether the patch is the whole new entity: one `replace` with an empty path.
    public var isFullReplacement: Bool {
        guard steps.count == 1, steps[0].path.isEmpty else { return false }
        return steps[0].action.name == .replace
    }

    /// The size of the patch on the wire in bytes: exact, the length of `encoded()`. O(that size),
    /// because it is found by encoding.
    public var estimatedSize: Int { encoded().count }

    /// The patch, its list of steps and a step stand around a value.
    public static var maxDepth: Int { SyncOperation.entityMaxDepth + 3 }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 2)
        writer.field("ops", list: steps)
        writer.field("baseVersion", baseVersion)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var version: EntityVersion?, list: [DeltaStep]?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "ops": list = try reader.readList()
            case "baseVersion": version = try reader.readNumber()
            default: try reader.skip()
            }
        }
        steps = try require(list, "ops", at: start)
        baseVersion = try require(version, "baseVersion", at: start)
    }
}

extension DeltaPatch {
    /// The patch that makes one revision of an entity out of another.
    ///
    /// Maps are compared entry by entry, at every depth. If more than 70 % of an entity's fields
    /// (the keys of either revision) differ, the patch is one `replace` of the whole. Arrays are
    /// compared as far as they have as many elements as before, or have only got elements at their
    /// end, or have only lost neighbours; other arrays, and those of which more than 70 % differs,
    /// are set whole. So are maps that differ in an entry which no path can name, and tags. A patch
    /// has no `increment` and no `arrayRemove`: those say what an app means, and revisions do not.
    ///
    /// The result does not depend on how the revisions are encoded. O(n · d) time and O(n) memory
    /// for n bytes of both revisions that nest d deep, d ≤ 64; a map of n entries that is not in
    /// order costs O(n log n).
    ///
    /// - Parameter baseVersion: The version of `old`.
    /// - Throws: `invalidEntity`.
    public static func diff(
        from old: [UInt8], to new: [UInt8], baseVersion: EntityVersion
    ) throws(DeltaError) -> DeltaPatch {
        var difference = DeltaDifference()
        difference.add(
            from: try item(old, named: "The entity to compare from"),
            to: try item(new, named: "The entity to compare to"))
        return DeltaPatch(baseVersion: baseVersion, steps: difference.steps)
    }

    /// The entity after all steps, in deterministic encoding. If a step fails, there is no result:
    /// nothing is applied in part.
    ///
    /// O((n + s · d) · log n) time and O(n) memory, for n bytes of entity and patch together, s
    /// steps, and paths of d ≤ 64 keys, whatever the steps are.
    ///
    /// - Parameters:
    ///   - entity: The content that `baseVersion` speaks of: one valid CBOR item.
    ///   - version: The version of `entity`.
    /// - Throws: `DeltaError` about the first step that does not fit; `wrongBaseVersion` and
    ///   `invalidEntity` come before all steps.
    public func apply(
        to entity: [UInt8], version: EntityVersion
    ) throws(DeltaError) -> [UInt8] {
        guard version == baseVersion else {
            throw DeltaError(
                .wrongBaseVersion,
                message: "The patch is for version \(baseVersion); the entity has \(version).")
        }
        var patched = PatchedEntity(try Self.item(entity, named: "The entity"))
        for (index, step) in steps.enumerated() {
            try patched.apply(step, index: index)
        }
        return patched.encoded()
    }

    private static func item(
        _ entity: [UInt8], named name: String
    ) throws(DeltaError) -> CBORValue {
        do throws(CBORError) {
            return try CBORValue(
                decoding: entity, limits: .depthOnly(SyncOperation.entityMaxDepth))
        } catch {
            throw DeltaError.invalidEntity(name, error)
        }
    }
}
