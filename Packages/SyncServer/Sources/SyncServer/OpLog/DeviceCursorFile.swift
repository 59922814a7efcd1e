// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// What the devices of a database have applied: the file `devices`, replaced whole.
///
/// It is written some seconds after a change, so after a crash it may lag behind what devices said;
/// it is never ahead. Its body is an array of `[deviceId, cursor, lastSeenMs]`, with the snapshot
/// of a pull from the start behind, if one goes on.
enum DeviceCursorFile {
    /// One device.
    struct Entry: Equatable {
        var deviceID: DeviceID
        var cursor: Cursor
        var lastSeenMilliseconds: UInt64
        var snapshot: Cursor?
    }

    static func path(in directory: String) -> String { directory + "/devices" }

    /// Replaces the file, durably.
    static func write(
        _ devices: some Collection<DeviceRecord>, in directory: String, on disk: some FileSystem
    ) throws(OpLogError) {
        var writer = CBORWriter(capacity: 48 * devices.count)
        writer.writeArrayHeader(count: devices.count)
        for device in devices {
            writer.writeArrayHeader(count: device.snapshot == nil ? 3 : 4)
            writer.write(text: device.deviceID.rawValue)
            writer.write(uint: device.cursor.rawValue)
            writer.write(uint: device.lastSeenMilliseconds)
            if let snapshot = device.snapshot { writer.write(uint: snapshot.rawValue) }
        }
        try ChecksummedFile.replace(
            path(in: directory), purpose: "ESDC", body: writer.bytes, on: disk)
    }

    /// Reads the file; no devices if there is none.
    static func read(
        in directory: String, on disk: some FileSystem
    ) throws(OpLogError) -> [Entry] {
        let path = path(in: directory)
        guard let body = try ChecksummedFile.read(path, purpose: "ESDC", on: disk) else {
            return []
        }
        return try ChecksummedFile.decode(body, of: path) { reader throws(CBORError) in
            var entries: [Entry] = []
            try reader.readArray { reader, _ throws(CBORError) in
                var entry = Entry(deviceID: "", cursor: .start, lastSeenMilliseconds: 0)
                try reader.readArray { reader, index throws(CBORError) in
                    switch index {
                    case 0: entry.deviceID = DeviceID(try reader.readText())
                    case 1: entry.cursor = Cursor(try reader.readUInt())
                    case 2: entry.lastSeenMilliseconds = try reader.readUInt()
                    case 3: entry.snapshot = Cursor(try reader.readUInt())
                    default: try reader.skip()
                    }
                }
                guard entry.deviceID.isValid else {
                    throw reader.error(.invalidValue, "A device's name is missing.")
                }
                entries.append(entry)
            }
            return entries
        }
    }
}
