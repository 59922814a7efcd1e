// SPDX-License-Identifier: MIT

import SyncProtocol

/// A device's place in its database's table; not kept on disk.
struct DeviceNumber: Hashable, Comparable {
    var index: UInt32

    static func < (lhs: DeviceNumber, rhs: DeviceNumber) -> Bool { lhs.index < rhs.index }
}

/// What the server knows of a device in a database.
struct DeviceRecord {
    /// Its name.
    let deviceID: DeviceID
    /// The numbers of its accepted operations.
    var accepted = OperationIDRanges()
    /// The cursors of its latest accepted operations.
    var recent = RecentOperations()
    /// What it has applied, as far as it said so.
    var cursor = Cursor.start
    /// The log's end when its pull from the start began that goes on now; `nil` if none does, or
    /// if tombstones are gone that it has not come to.
    var snapshot: Cursor?
    /// When it was last heard of, in milliseconds since 1970.
    var lastSeenMilliseconds: UInt64 = 0
}

/// The devices of a database, in the order of their coming.
struct DeviceTable {
    private var table = EntityTable<DeviceRecord>()

    /// How many devices there are.
    var count: Int { table.count }
    /// All devices.
    var records: some RandomAccessCollection<DeviceRecord> { table.entries.lazy.map(\.value) }

    /// The number of a device.
    func number(of deviceID: DeviceID) -> DeviceNumber? {
        Self.withKey(of: deviceID) { key in
            table.find(key).map { DeviceNumber(index: UInt32($0)) }
        }
    }

    /// The number of a device whose name lies in `name`.
    func number(named name: UnsafeRawBufferPointer) -> DeviceNumber? {
        table.find(Self.key(name)).map { DeviceNumber(index: UInt32($0)) }
    }

    /// The number of a device, which is added if it is new.
    mutating func insert(_ deviceID: DeviceID) -> DeviceNumber {
        if let number = number(of: deviceID) { return number }
        var text = deviceID.rawValue
        let index = text.withUTF8 { name in
            table.set(Self.key(UnsafeRawBufferPointer(name)), DeviceRecord(deviceID: deviceID))
        }
        return DeviceNumber(index: UInt32(index))
    }

    /// The record of a device, changed in place.
    subscript(_ number: DeviceNumber) -> DeviceRecord {
        get { table.entries[Int(number.index)].value }
        _modify { yield &table[entry: Int(number.index)] }
    }

    private static func withKey<Result>(
        of deviceID: DeviceID, _ body: (EntityKeyBytes) -> Result
    ) -> Result {
        var text = deviceID.rawValue
        return text.withUTF8 { body(key(UnsafeRawBufferPointer($0))) }
    }

    private static func key(_ name: UnsafeRawBufferPointer) -> EntityKeyBytes {
        EntityKeyBytes(
            collection: UnsafeRawBufferPointer(start: nil, count: 0), entityID: name)
    }
}
