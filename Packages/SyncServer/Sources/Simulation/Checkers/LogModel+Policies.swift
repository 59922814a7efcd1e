// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// The policies of a server by their names in the protocol, and what they come to (§5.8), worked
/// out anew: nothing here is the server's.
struct PolicyModel {
    /// What the handshake announces.
    let announced: ConflictPolicy

    /// What becomes of an operation in conflict.
    enum Ruling {
        /// The device is told.
        case conflict
        /// It is taken, and stands.
        case taken
        /// It is taken, and this stands.
        case overruled(SyncOperation)
    }

    init(_ announced: ConflictPolicy = .detect) { self.announced = announced }

    /// The name of a collection's policy.
    func name(_ collection: CollectionName) -> String {
        announced.byCollection.first { $0.key == collection }?.value ?? announced.standard
    }

    /// Whether the server takes what is in conflict in a collection, now and then or always.
    func decides(_ collection: CollectionName) -> Bool {
        ["clientWins", "lastWriteWins", "merge"].contains(name(collection))
    }

    /// Whether an operation's clock is too wrong for its collection.
    func isSkewed(_ operation: SyncOperation, nowMilliseconds: UInt64) -> Bool {
        name(operation.collection) == "lastWriteWins"
            && Self.clock(operation) >> 16 > nowMilliseconds + 60_000
    }

    /// Decides about an operation in conflict with `current`.
    ///
    /// - Parameter base: What the operation was made on, if the log has it.
    func ruling(
        on operation: SyncOperation, current: SyncOperation?, base: SyncOperation?,
        maxEntityBytes: UInt64
    ) -> Ruling {
        switch name(operation.collection) {
        case "clientWins": return .taken
        case "lastWriteWins":
            guard let current, Self.isLater(current, than: operation) else { return .taken }
            return .overruled(current)
        case "merge":
            guard let current, let base, let old = Self.fields(base),
                let mine = Self.fields(operation), let theirs = Self.fields(current)
            else { return .conflict }
            let minePrevail = Self.isLater(operation, than: current)
            var all: [[UInt8]: [UInt8]] = [:]
            for name in Set(old.keys).union(mine.keys).union(theirs.keys) {
                let isMine = mine[name] != old[name]
                let isTheirs = theirs[name] != old[name]
                all[name] = isMine && (!isTheirs || minePrevail) ? mine[name] : theirs[name]
            }
            if all == mine { return .taken }
            if all == theirs { return .overruled(current) }
            var merged = minePrevail ? operation : current
            let content = Self.encode(all)
            merged.entityCBOR = content
            return UInt64(content.count) > maxEntityBytes ? .conflict : .overruled(merged)
        default: return .conflict
        }
    }

    private static func clock(_ operation: SyncOperation) -> UInt64 {
        if let stamp = operation.hybridTimestamp { return stamp.rawValue }
        let milliseconds = operation.timestampMilliseconds
        return milliseconds >= 1 << 47 ? UInt64(Int64.max) : milliseconds * 65_536
    }

    private static func isLater(_ one: SyncOperation, than other: SyncOperation) -> Bool {
        if clock(one) != clock(other) { return clock(one) > clock(other) }
        let (name, otherName) = (Array(one.deviceID.rawValue.utf8), other.deviceID.rawValue.utf8)
        if !name.elementsEqual(otherName) { return otherName.lexicographicallyPrecedes(name) }
        return one.operationID.rawValue > other.operationID.rawValue
    }

    /// The fields of a map with text and integer keys, all encoded.
    private static func fields(_ operation: SyncOperation) -> [[UInt8]: [UInt8]]? {
        guard operation.kind == .upsert, let content = operation.entityCBOR else { return nil }
        do throws(CBORError) {
            guard case .map(let map) = try CBORValue(decoding: content) else { return nil }
            var fields: [[UInt8]: [UInt8]] = [:]
            for (key, value) in map {
                let name = key.encoded()
                // Major types 0 and 1 are integers, 3 is text.
                guard let head = name.first, [0, 1, 3].contains(head >> 5) else { return nil }
                fields[name] = value.encoded()
            }
            return fields
        } catch {
            return nil
        }
    }

    private static func encode(_ fields: [[UInt8]: [UInt8]]) -> [UInt8] {
        var writer = CBORWriter()
        writer.writeMapHeader(count: fields.count)
        let sorted = fields.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return writer.bytes + sorted.flatMap { $0.key + $0.value }
    }
}
