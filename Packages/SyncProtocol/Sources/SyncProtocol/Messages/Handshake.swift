// SPDX-License-Identifier: MIT

public import CBOR

/// The version of the protocol that this library speaks.
public let syncProtocolVersion: UInt64 = 1

/// `POST /v1/handshake`: a device says who it is and where it stands.
public struct HandshakeRequest: WireValue, Hashable {
    /// The database.
    public var databaseID: DatabaseID
    /// The device.
    public var deviceID: DeviceID
    /// What runs on the device, for people to read.
    public var clientInfo: ClientInfo
    /// The version that the device speaks; absent on the wire means 1.
    public var protocolVersion: UInt64
    /// The log that the device's cursor belongs to.
    public var logID: LogID?
    /// What the device last saw.
    public var cursor: Cursor?

    /// Creates a request.
    public init(
        databaseID: DatabaseID, deviceID: DeviceID, clientInfo: ClientInfo,
        protocolVersion: UInt64 = syncProtocolVersion, logID: LogID? = nil, cursor: Cursor? = nil
    ) {
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.clientInfo = clientInfo
        self.protocolVersion = protocolVersion
        self.logID = logID
        self.cursor = cursor
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 4 + [logID != nil, cursor != nil].count { $0 })
        writer.field("dbId", databaseID)
        writer.field("logId", logID)
        writer.field("cursor", cursor)
        writer.field("deviceId", deviceID)
        writer.field("clientInfo", clientInfo)
        writer.field("protocolVersion", protocolVersion)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var database: DatabaseID?, device: DeviceID?, info: ClientInfo?, version: UInt64?
        var log: LogID?, seen: Cursor?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "dbId": database = try reader.readValidName()
            case "deviceId": device = try reader.readValidName()
            case "clientInfo": info = try ClientInfo(from: &reader)
            case "protocolVersion":
                if try !reader.readNullIfPresent() { version = try reader.readWireInteger() }
            case "logId": if try !reader.readNullIfPresent() { log = try reader.readLogID() }
            case "cursor": seen = try reader.readNumberIfPresent()
            default: try reader.skip()
            }
        }
        databaseID = try require(database, "dbId", at: start)
        deviceID = try require(device, "deviceId", at: start)
        clientInfo = try require(info, "clientInfo", at: start)
        protocolVersion = version ?? 1
        logID = log
        cursor = seen
    }
}

/// What runs on a device.
public struct ClientInfo: WireValue, Hashable {
    /// The operating system or runtime.
    public var platform: String
    /// The app's version.
    public var appVersion: String
    /// Anything else that an operator wants to see.
    public var metadata: [String: String]

    /// Creates a description.
    public init(platform: String, appVersion: String, metadata: [String: String] = [:]) {
        self.platform = platform
        self.appVersion = appVersion
        self.metadata = metadata
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: metadata.isEmpty ? 2 : 3)
        if !metadata.isEmpty {
            writer.key("metadata")
            writer.writeMapHeader(count: metadata.count)
            for (name, text) in metadata.sorted(by: { deterministicOrder($0.key, $1.key) }) {
                writer.write(text: name)
                writer.write(text: text)
            }
        }
        writer.field("platform", platform)
        writer.field("appVersion", appVersion)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var system: String?, version: String?, more: [String: String] = [:]
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "platform": system = try reader.readText()
            case "appVersion": version = try reader.readText()
            case "metadata":
                if try reader.readNullIfPresent() { return }
                try reader.readMap { reader, name throws(CBORError) in
                    more[name.text] = try reader.readText()
                }
            default: try reader.skip()
            }
        }
        platform = try require(system, "platform", at: start)
        appVersion = try require(version, "appVersion", at: start)
        metadata = more
    }
}

/// The answer to a handshake: where the server stands and what it can do.
///
/// An older peer sends `serverCursor` and `capabilities` only; everything else is then `nil`.
public struct HandshakeResponse: WireValue, Hashable {
    /// The highest cursor of the database.
    public var serverCursor: Cursor
    /// What the server offers: `pull`, `push`, `sse`, `webSocket` and what later versions add.
    public var capabilities: [String: Bool]
    /// The version that the server speaks.
    public var protocolVersion: UInt64?
    /// The server's log.
    public var logID: LogID?
    /// The highest cursor of a tombstone that was dropped; 0 if none was.
    public var oldestCursor: Cursor?
    /// The highest number that the server has accepted from this device; 0 if none.
    public var lastOperationID: OperationID?
    /// The server's limits.
    public var limits: SyncLimits?
    /// The server's wall clock in milliseconds since 1970.
    public var serverTimeMilliseconds: UInt64?
    /// What the server does about conflicts.
    public var conflictPolicy: ConflictPolicy?

    /// Creates an answer.
    public init(
        serverCursor: Cursor, capabilities: [String: Bool], protocolVersion: UInt64? = nil,
        logID: LogID? = nil, oldestCursor: Cursor? = nil, lastOperationID: OperationID? = nil,
        limits: SyncLimits? = nil, serverTimeMilliseconds: UInt64? = nil,
        conflictPolicy: ConflictPolicy? = nil
    ) {
        self.serverCursor = serverCursor
        self.capabilities = capabilities
        self.protocolVersion = protocolVersion
        self.logID = logID
        self.oldestCursor = oldestCursor
        self.lastOperationID = lastOperationID
        self.limits = limits
        self.serverTimeMilliseconds = serverTimeMilliseconds
        self.conflictPolicy = conflictPolicy
    }

    public func encode(to writer: inout CBORWriter) {
        let optional = [
            logID != nil, limits != nil, lastOperationID != nil, oldestCursor != nil,
            serverTimeMilliseconds != nil, conflictPolicy != nil, protocolVersion != nil,
        ]
        writer.writeMapHeader(count: 2 + optional.count { $0 })
        writer.field("logId", logID)
        if let limits { writer.field("limits", limits) }
        writer.field("lastOpId", lastOperationID)
        writer.key("capabilities")
        writer.writeMapHeader(count: capabilities.count)
        for (name, offered) in capabilities.sorted(by: { deterministicOrder($0.key, $1.key) }) {
            writer.write(text: name)
            writer.write(bool: offered)
        }
        writer.field("oldestCursor", oldestCursor)
        writer.field("serverCursor", serverCursor)
        writer.field("serverTimeMs", serverTimeMilliseconds)
        if let conflictPolicy { writer.field("conflictPolicy", conflictPolicy) }
        writer.field("protocolVersion", protocolVersion)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var head: Cursor?, offered: [String: Bool]?
        var response = HandshakeResponse(serverCursor: 0, capabilities: [:])
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "serverCursor": head = try reader.readNumber()
            case "capabilities":
                var flags: [String: Bool] = [:]
                try reader.readMap { reader, name throws(CBORError) in
                    // A capability that later versions describe otherwise is not ours to read.
                    guard try reader.peekType() == .bool else { return try reader.skip() }
                    flags[name.text] = try reader.readBool()
                }
                offered = flags
            default: try response.readOptional(key, from: &reader)
            }
        }
        response.serverCursor = try require(head, "serverCursor", at: start)
        response.capabilities = try require(offered, "capabilities", at: start)
        self = response
    }

    private mutating func readOptional(
        _ key: CBORKey, from reader: inout CBORReader
    ) throws(CBORError) {
        switch key {
        case "protocolVersion":
            if try !reader.readNullIfPresent() { protocolVersion = try reader.readWireInteger() }
        case "logId": if try !reader.readNullIfPresent() { logID = try reader.readLogID() }
        case "oldestCursor": oldestCursor = try reader.readNumberIfPresent()
        case "lastOpId": lastOperationID = try reader.readNumberIfPresent()
        case "limits":
            if try !reader.readNullIfPresent() { limits = try SyncLimits(from: &reader) }
        case "serverTimeMs":
            if try !reader.readNullIfPresent() {
                serverTimeMilliseconds = try reader.readWireInteger()
            }
        case "conflictPolicy":
            if try !reader.readNullIfPresent() {
                conflictPolicy = try ConflictPolicy(from: &reader)
            }
        default: try reader.skip()
        }
    }
}

/// What a server does about conflicts, for each collection. A policy's name is kept as it was
/// spelled, so that a later server's can be shown.
public struct ConflictPolicy: WireValue, Hashable {
    /// The policy of a collection that has none of its own.
    public var standard: String
    /// The policies of single collections.
    public var byCollection: [CollectionName: String]

    /// The server reports conflicts and leaves them to the device.
    public static let detect = ConflictPolicy(standard: "detect")

    /// Creates a policy.
    public init(standard: String, byCollection: [CollectionName: String] = [:]) {
        self.standard = standard
        self.byCollection = byCollection
    }

    public func encode(to writer: inout CBORWriter) {
        guard !byCollection.isEmpty else { return writer.write(text: standard) }
        writer.writeMapHeader(count: byCollection.count + 1)
        writer.write(text: "" as String)
        writer.write(text: standard)
        let sorted = byCollection.sorted { deterministicOrder($0.key.rawValue, $1.key.rawValue) }
        for (collection, policy) in sorted {
            writer.write(text: collection.rawValue)
            writer.write(text: policy)
        }
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        self = .detect
        guard try reader.peekType() == .map else {
            standard = try reader.readText()
            return
        }
        var policies: [CollectionName: String] = [:]
        try reader.readMap { reader, key throws(CBORError) in
            policies[CollectionName(key.text)] = try reader.readText()
        }
        standard = policies.removeValue(forKey: "") ?? "detect"
        byCollection = policies
    }
}
