// SPDX-License-Identifier: MIT

public import CBOR

/// `POST /v1/cursor`: a device says what it has applied, without pulling.
public struct CursorReport: WireValue, Hashable {
    /// The database.
    public var databaseID: DatabaseID
    /// The device.
    public var deviceID: DeviceID
    /// The highest cursor that the device has durably applied.
    public var cursor: Cursor

    /// Creates a report.
    public init(databaseID: DatabaseID, deviceID: DeviceID, cursor: Cursor) {
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.cursor = cursor
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 3)
        writer.field("dbId", databaseID)
        writer.field("cursor", cursor)
        writer.field("deviceId", deviceID)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var database: DatabaseID?, device: DeviceID?, position: Cursor?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "dbId": database = try reader.readValidName()
            case "deviceId": device = try reader.readValidName()
            case "cursor": position = try reader.readNumber()
            default: try reader.skip()
            }
        }
        databaseID = try require(database, "dbId", at: start)
        deviceID = try require(device, "deviceId", at: start)
        cursor = try require(position, "cursor", at: start)
    }
}

/// The answer to a `CursorReport`: the cursor that the server keeps for the device.
public struct CursorAnswer: WireValue, Hashable {
    /// The kept cursor: a report never lowers it.
    public var cursor: Cursor

    /// Creates an answer.
    public init(cursor: Cursor) { self.cursor = cursor }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 1)
        writer.field("cursor", cursor)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var position: Cursor?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "cursor": position = try reader.readNumber()
            default: try reader.skip()
            }
        }
        cursor = try require(position, "cursor", at: start)
    }
}
