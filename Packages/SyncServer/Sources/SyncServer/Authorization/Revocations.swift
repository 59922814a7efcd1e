// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// The devices that may no longer sync, by database: the file `revoked` in the data directory,
/// replaced whole. Its body is an array of `[dbId, device, revokedAtMs]`, where a device may end in
/// `*`.
///
/// It is one file for all databases, so that a running server notices a change by looking at one
/// name, and that a database which is put back from a backup does not let a device in again.
struct Revocations: Equatable {
    struct Entry: Equatable {
        var databaseID: DatabaseID
        var devices: DevicePattern
        var revokedAtMilliseconds: UInt64
    }

    /// In the order in which they were made.
    private(set) var entries: [Entry] = []
    /// What is asked for with each request.
    private var devices: [DatabaseID: Set<DeviceID>] = [:]
    private var patterns: [DatabaseID: [DevicePattern]] = [:]

    init() {}

    init(_ entries: some Sequence<Entry>) {
        for entry in entries { insert(entry) }
    }

    /// Whether a device may no longer sync. O(1), and O(n) in the database's entries with a `*`.
    func contains(_ deviceID: DeviceID, in databaseID: DatabaseID) -> Bool {
        if entries.isEmpty { return false }
        return devices[databaseID]?.contains(deviceID) ?? false
            || patterns[databaseID]?.contains { $0.matches(deviceID) } ?? false
    }

    /// Whether none of a token's devices may sync any more, however it calls itself.
    func cover(_ pattern: DevicePattern, in databaseID: DatabaseID) -> Bool {
        if let device = pattern.device { return contains(device, in: databaseID) }
        return patterns[databaseID]?.contains { $0.covers(pattern) } ?? false
    }

    /// Returns whether it was not there.
    @discardableResult
    mutating func insert(_ entry: Entry) -> Bool {
        if let device = entry.devices.device {
            guard devices[entry.databaseID, default: []].insert(device).inserted else {
                return false
            }
        } else {
            if patterns[entry.databaseID]?.contains(entry.devices) ?? false { return false }
            patterns[entry.databaseID, default: []].append(entry.devices)
        }
        entries.append(entry)
        return true
    }

    /// Returns whether it was there.
    mutating func remove(_ pattern: DevicePattern, in databaseID: DatabaseID) -> Bool {
        let rest = entries.filter { $0.databaseID != databaseID || $0.devices != pattern }
        guard rest.count < entries.count else { return false }
        self = Revocations(rest)
        return true
    }
}

// The file.
extension Revocations {
    /// How long a file may be: about a million entries.
    static let bytesMax = 64 << 20

    static func path(in directory: String) -> String { directory + "/revoked" }

    /// Replaces the file, durably.
    func write(in directory: String, on disk: some FileSystem) throws(OpLogError) {
        var writer = CBORWriter(capacity: 48 * entries.count)
        writer.writeArrayHeader(count: entries.count)
        for entry in entries {
            writer.writeArrayHeader(count: 3)
            writer.write(text: entry.databaseID.rawValue)
            writer.write(text: entry.devices.text)
            writer.write(uint: entry.revokedAtMilliseconds)
        }
        try ChecksummedFile.replace(
            Self.path(in: directory), purpose: "ESRV", body: writer.bytes, on: disk)
    }

    /// Reads the file; nobody is revoked if there is none.
    ///
    /// - Throws: `OpLogError` if it cannot be read; nobody knows then who is revoked.
    static func read(
        in directory: String, on disk: some FileSystem
    ) throws(OpLogError) -> Revocations {
        let path = path(in: directory)
        guard let body = try ChecksummedFile.read(path, purpose: "ESRV", on: disk) else {
            return Revocations()
        }
        return try ChecksummedFile.decode(body, of: path) { reader throws(CBORError) in
            var revocations = Revocations()
            try reader.readArray { reader, _ throws(CBORError) in
                revocations.insert(try readEntry(&reader))
            }
            return revocations
        }
    }

    private static func readEntry(_ reader: inout CBORReader) throws(CBORError) -> Entry {
        var database: DatabaseID?
        var devices: DevicePattern?
        var time: UInt64 = 0
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: database = DatabaseID(try reader.readText())
            case 1: devices = DevicePattern(try reader.readText())
            case 2: time = try reader.readUInt()
            default: try reader.skip()
            }
        }
        guard let database, database.isValid, let devices else {
            throw reader.error(.invalidValue, "A revoked device is not whole.")
        }
        return Entry(databaseID: database, devices: devices, revokedAtMilliseconds: time)
    }
}
