// SPDX-License-Identifier: MIT

public import CBOR
public import SyncProtocol

/// An entry of the conflict log: what met, and what stood. It stays until it is dismissed, so that
/// what lost is never gone.
public struct ConflictRecord: Sendable, Hashable {
    /// The entry's name; entries sort by it as they came.
    public var id: String
    /// What met.
    public var conflict: EntityConflict
    /// What stood.
    public var resolution: ConflictResolution
    /// When, by this device's wall clock in milliseconds since 1970.
    public var resolvedAtMilliseconds: UInt64

    /// The local collection that holds the log.
    static let collection = "_conflicts"

    /// The content that did not stand; `nil` if that was a deletion, or after a merge.
    public var lostContent: [UInt8]? {
        switch resolution {
        case .keepRemote: conflict.local
        case .keepLocal: conflict.remote
        case .merge: nil
        }
    }

    var write: StoreWrite {
        StoreWrite(collection: Self.collection, id: id, content: encoded())
    }
}

extension ConflictRecord: WireValue {
    /// Writes the entry as it stands in the store.
    public func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: 12)
        writer.write(text: id)
        writer.write(text: conflict.key.collection.rawValue)
        writer.write(text: conflict.key.entityID.rawValue)
        for content in [conflict.base, conflict.local, conflict.remote] {
            writer.write(content: content)
        }
        writer.write(uint: conflict.localTimestamp?.rawValue ?? 0)
        writer.write(uint: conflict.remoteTimestamp?.rawValue ?? 0)
        writer.write(text: conflict.localDeviceID.rawValue)
        writer.write(text: conflict.remoteDeviceID?.rawValue ?? "")
        switch resolution {
        case .keepRemote: writer.write(uint: 0)
        case .keepLocal: writer.write(uint: 1)
        case .merge(let merged): writer.write(content: merged)
        }
        writer.write(uint: resolvedAtMilliseconds)
    }

    /// Reads an entry as it stands in the store.
    public init(from reader: inout CBORReader) throws(CBORError) {
        var texts: [String] = [], contents: [[UInt8]?] = [], numbers: [UInt64] = []
        var resolved: ConflictResolution?
        let start = reader.offset
        try reader.readArray { reader, index throws(CBORError) in
            switch (index, try reader.peekType()) {
            case (10, .unsigned):
                resolved = try reader.readUInt() == 0 ? .keepRemote : .keepLocal
            case (10, _): resolved = .merge(try reader.readContent())
            case (_, .text): texts.append(try reader.readText())
            case (_, .unsigned): numbers.append(try reader.readUInt())
            default: contents.append(try reader.readContent())
            }
        }
        guard texts.count == 5, contents.count == 3, numbers.count == 3, let resolved else {
            throw CBORError(
                .invalidValue, at: start, message: "This is no entry of a conflict log.")
        }
        id = texts[0]
        conflict = EntityConflict(
            key: EntityKey(CollectionName(texts[1]), EntityID(texts[2])), base: contents[0],
            local: contents[1], remote: contents[2],
            localTimestamp: numbers[0] == 0 ? nil : HybridTimestamp(numbers[0]),
            remoteTimestamp: numbers[1] == 0 ? nil : HybridTimestamp(numbers[1]),
            localDeviceID: DeviceID(texts[3]),
            remoteDeviceID: texts[4].isEmpty ? nil : DeviceID(texts[4]))
        resolution = resolved
        resolvedAtMilliseconds = numbers[2]
    }
}

/// An operation that the server will not take. It no longer waits in the queue, its entity is back
/// at its base revision, and nothing of it is lost until it is discarded.
public struct QuarantinedOperation: Sendable, Hashable {
    /// The entry's name; entries sort by it as they came.
    public var id: String
    /// The operation as it was sent.
    public var operation: SyncOperation
    /// Why the server refused it.
    public var code: RejectionCode
    /// Why, in the server's words.
    public var message: String
    /// Which of the logs that the device has seen the operation's base belongs to.
    var logEpoch: UInt64
    /// The content of this device's own edit that the operation was made on, if it was made on one.
    var madeOn: [UInt8]?

    /// The local collection that holds the quarantine.
    static let collection = "_quarantine"

    var write: StoreWrite {
        StoreWrite(collection: Self.collection, id: id, content: encoded())
    }
}

extension QuarantinedOperation: WireValue {
    /// Writes the entry as it stands in the store.
    public func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: madeOn == nil ? 5 : 6)
        writer.write(text: id)
        operation.encode(to: &writer)
        writer.write(text: code.rawValue)
        writer.write(text: message)
        writer.write(uint: logEpoch)
        if let madeOn { writer.write(bytes: madeOn) }
    }

    /// Reads an entry as it stands in the store.
    public init(from reader: inout CBORReader) throws(CBORError) {
        var texts: [String] = [], held: SyncOperation?, epoch: UInt64 = 0, earlier: [UInt8]?
        let start = reader.offset
        try reader.readArray { reader, _ throws(CBORError) in
            switch try reader.peekType() {
            case .text: texts.append(try reader.readText())
            case .map: held = try SyncOperation(from: &reader)
            case .bytes: earlier = try reader.readBytes()
            default: epoch = try reader.readUInt()
            }
        }
        guard texts.count == 3, let held else {
            throw CBORError(.invalidValue, at: start, message: "This is no quarantined operation.")
        }
        id = texts[0]
        operation = held
        code = RejectionCode(rawValue: texts[1])
        message = texts[2]
        logEpoch = epoch
        madeOn = earlier
    }
}

extension CBORWriter {
    mutating func write(content: [UInt8]?) {
        if let content { write(bytes: content) } else { writeNull() }
    }
}

extension CBORReader {
    mutating func readContent() throws(CBORError) -> [UInt8]? {
        try readNullIfPresent() ? nil : try readBytes()
    }
}
