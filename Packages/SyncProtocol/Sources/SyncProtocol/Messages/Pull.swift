// SPDX-License-Identifier: MIT

public import CBOR

/// `POST /v1/pull`: a device asks for what came after a cursor.
public struct PullRequest: WireValue, Hashable {
    /// The database.
    public var databaseID: DatabaseID
    /// The log that `sinceCursor` belongs to.
    public var logID: LogID?
    /// What the device has durably applied; operations after it are asked for.
    public var sinceCursor: Cursor
    /// At most so many operations, at least 1; a server lowers it to its own limit.
    public var limit: UInt64
    /// The collections asked for: `nil` is all, an empty list is none.
    public var collections: [CollectionName]?
    /// The device that asks; its own operations are left out unless `includeOwn`.
    public var deviceID: DeviceID?
    /// Whether the device's own operations are to come too.
    public var includesOwn: Bool?
    /// At most so many bytes of operations; `nil` is the server's limit.
    public var maxBytes: UInt64?
    /// How long to wait, in milliseconds, if nothing passes the filter yet.
    public var waitMilliseconds: UInt64?
    /// In every later page of a pull that began at 0: the `serverCursor` of its first page.
    public var snapshot: Cursor?

    /// Creates a request.
    public init(
        databaseID: DatabaseID, logID: LogID? = nil, sinceCursor: Cursor, limit: UInt64,
        collections: [CollectionName]? = nil, deviceID: DeviceID? = nil, includesOwn: Bool? = nil,
        maxBytes: UInt64? = nil, waitMilliseconds: UInt64? = nil, snapshot: Cursor? = nil
    ) {
        self.databaseID = databaseID
        self.logID = logID
        self.sinceCursor = sinceCursor
        self.limit = limit
        self.collections = collections
        self.deviceID = deviceID
        self.includesOwn = includesOwn
        self.maxBytes = maxBytes
        self.waitMilliseconds = waitMilliseconds
        self.snapshot = snapshot
    }

    public func encode(to writer: inout CBORWriter) {
        let optional = [
            logID != nil, waitMilliseconds != nil, deviceID != nil, maxBytes != nil,
            snapshot != nil, includesOwn != nil, collections != nil,
        ]
        writer.writeMapHeader(count: 3 + optional.count { $0 })
        writer.field("dbId", databaseID)
        writer.field("limit", limit)
        writer.field("logId", logID)
        writer.field("waitMs", waitMilliseconds)
        writer.field("deviceId", deviceID)
        writer.field("maxBytes", maxBytes)
        writer.field("snapshot", snapshot)
        writer.field("includeOwn", includesOwn)
        if let collections {
            writer.key("collections")
            writer.writeArrayHeader(count: collections.count)
            for collection in collections { writer.write(text: collection.rawValue) }
        }
        writer.field("sinceCursor", sinceCursor)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var database: DatabaseID?, since: Cursor?, size: UInt64?
        var request = PullRequest(databaseID: "", sinceCursor: 0, limit: 0)
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "dbId": database = try reader.readValidName()
            case "sinceCursor": since = try reader.readNumber()
            case "limit": size = try Self.readLimit(from: &reader)
            default: try request.readOptional(key, from: &reader)
            }
        }
        request.databaseID = try require(database, "dbId", at: start)
        request.sinceCursor = try require(since, "sinceCursor", at: start)
        request.limit = try require(size, "limit", at: start)
        if request.snapshot != nil, request.deviceID == nil {
            throw CBORError(
                .missingKey, at: start, path: ["deviceId"],
                message: "A pull with \"snapshot\" must name its device in \"deviceId\".")
        }
        self = request
    }

    private static func readLimit(from reader: inout CBORReader) throws(CBORError) -> UInt64 {
        let start = reader.offset
        let limit = try reader.readWireInteger()
        guard limit > 0 else {
            throw CBORError(.outOfRange, at: start, message: "The limit must be at least 1.")
        }
        return limit
    }

    private mutating func readOptional(
        _ key: CBORKey, from reader: inout CBORReader
    ) throws(CBORError) {
        switch key {
        case "logId": if try !reader.readNullIfPresent() { logID = try reader.readLogID() }
        case "waitMs":
            if try !reader.readNullIfPresent() { waitMilliseconds = try reader.readWireInteger() }
        case "deviceId":
            if try !reader.readNullIfPresent() { deviceID = try reader.readValidName() }
        case "maxBytes":
            if try !reader.readNullIfPresent() { maxBytes = try reader.readWireInteger() }
        case "snapshot": snapshot = try reader.readNumberIfPresent()
        case "includeOwn":
            if try !reader.readNullIfPresent() { includesOwn = try reader.readBool() }
        case "collections":
            if try reader.readNullIfPresent() { return }
            var names: [CollectionName] = []
            try reader.readArray { reader, _ throws(CBORError) in
                names.append(try reader.readValidName())
            }
            collections = names
        default: try reader.skip()
        }
    }
}

/// A page of a pull.
///
/// An older peer sends `ops`, `nextCursor` and `hasMore` only; everything else is then `nil`.
public struct PullResponse: WireValue, Hashable {
    /// The operations, in cursor order.
    public var operations: [SyncOperation]
    /// The last cursor scanned: where the next pull goes on.
    public var nextCursor: Cursor
    /// Whether the next page holds anything that passes the filter.
    public var hasMore: Bool
    /// The highest cursor of the database.
    public var serverCursor: Cursor?
    /// The server's log.
    public var logID: LogID?

    /// Creates a page.
    public init(
        operations: [SyncOperation], nextCursor: Cursor, hasMore: Bool,
        serverCursor: Cursor? = nil, logID: LogID? = nil
    ) {
        self.operations = operations
        self.nextCursor = nextCursor
        self.hasMore = hasMore
        self.serverCursor = serverCursor
        self.logID = logID
    }

    public func encode(to writer: inout CBORWriter) {
        Self.encode(
            to: &writer, logID: logID, nextCursor: nextCursor, hasMore: hasMore,
            serverCursor: serverCursor, operationCount: operations.count
        ) { writer in writer.write(elements: operations) }
    }

    /// Writes a page whose operations are written by `body`, which writes exactly
    /// `operationCount` items: so a server can copy the bytes that it stored.
    public static func encode(
        to writer: inout CBORWriter, logID: LogID?, nextCursor: Cursor, hasMore: Bool,
        serverCursor: Cursor?, operationCount: Int, body: (inout CBORWriter) -> Void
    ) {
        writer.writeMapHeader(count: 3 + [logID != nil, serverCursor != nil].count { $0 })
        writer.key("ops")
        writer.writeArrayHeader(count: operationCount)
        body(&writer)
        writer.field("logId", logID)
        writer.field("hasMore", hasMore)
        writer.field("nextCursor", nextCursor)
        writer.field("serverCursor", serverCursor)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var list: [SyncOperation]?, next: Cursor?, more: Bool?, head: Cursor?, log: LogID?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "ops": list = try reader.readList()
            case "nextCursor": next = try reader.readNumber()
            case "hasMore": more = try reader.readBool()
            case "serverCursor": head = try reader.readNumberIfPresent()
            case "logId": if try !reader.readNullIfPresent() { log = try reader.readLogID() }
            default: try reader.skip()
            }
        }
        operations = try require(list, "ops", at: start)
        nextCursor = try require(next, "nextCursor", at: start)
        hasMore = try require(more, "hasMore", at: start)
        serverCursor = head
        logID = log
    }
}
