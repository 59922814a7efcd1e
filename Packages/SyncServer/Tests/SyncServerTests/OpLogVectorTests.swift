// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The files of a database against `TestVectors/oplog-log.json`.
@Suite struct OpLogVectorTests {
    static let vectors = (try? TestVectors.load("oplog-log")) ?? []

    /// The `value` of an entry: which file it is, and what is in it.
    private struct Value: Decodable {
        struct Group: Decodable, Equatable {
            var firstCursor: UInt64
            var committedAtMs: UInt64
            var operations: [String]
            var continuesTransaction: [Bool]
        }

        struct Device: Decodable, Equatable {
            var deviceId: String
            var cursor: UInt64
            var lastSeenMs: UInt64
        }

        var file: String
        var groups: [Group]?
        var dbId: String?
        var logId: String?
        var createdAtMs: UInt64?
        var devices: [Device]?
    }

    private func value(_ vector: TestVector) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data((vector.valueJSON ?? "{}").utf8))
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Gives the random id of the vectors' files: the bytes 0 to 15.
    private struct CountingGenerator: RandomNumberGenerator {
        var values: [UInt64] = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908]
        mutating func next() -> UInt64 { values.removeFirst() }
    }

    private func makeDisk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "db")
        try disk.createDirectory(at: "db/log")
        return disk
    }

    @Test func theFileHasVectorsOfEveryKind() {
        #expect(Set(Self.vectors.map(\.kind)) == [.exact, .accept, .reject])
    }

    @Test(arguments: vectors.filter { $0.valueJSON?.contains("\"groups\"") ?? false })
    func segmentsAreReadAndWrittenByteForByte(vector: TestVector) throws {
        let value = try value(vector)
        let groups = try #require(value.groups)
        let disk = try makeDisk()
        try AtomicFile.replace("db/log/\(value.file)", vector.bytes, on: disk)

        var found: [Value.Group] = []
        _ = try FileOpLog.open(
            in: "db/log", on: disk, segmentBytesMax: 1 << 20,
            replay: { replayed, _, _ in
                guard case .group(let group, _) = replayed else { return }
                var operations: [String] = []
                var continues: [Bool] = []
                group.forEach(from: .start) { entry, bytes in
                    operations.append(hex(bytes[entry.range]))
                    continues.append(entry.continuesTransaction)
                    return true
                }
                found.append(
                    Value.Group(
                        firstCursor: group.firstCursor.rawValue,
                        committedAtMs: group.committedAtMilliseconds, operations: operations,
                        continuesTransaction: continues))
            })
        #expect(found == groups)
        guard vector.kind == .exact else { return }

        let fresh = try makeDisk()
        var generator = CountingGenerator()
        let log = try FileOpLog.create(
            in: "db/log", on: fresh, segmentBytesMax: 1 << 20, using: &generator)
        for group in groups {
            var builder = LogGroupBuilder(firstCursor: Cursor(group.firstCursor))
            for (item, continues) in zip(group.operations, group.continuesTransaction) {
                builder.append(
                    stored: try #require(TestVector.bytes(hex: item)),
                    continuesTransaction: continues)
            }
            try log.append(
                builder, committedAtMilliseconds: group.committedAtMs, using: &generator)
        }
        let written = try AtomicFile.read("db/log/\(value.file)", on: fresh) ?? []
        #expect(hex(written) == hex(vector.bytes))
    }

    @Test(arguments: vectors.filter { $0.id.hasPrefix("segment") && $0.kind == .exact })
    func operationsInSegmentsAreWhatTheServerWrites(vector: TestVector) throws {
        for group in try #require(try value(vector).groups) {
            for (index, item) in group.operations.enumerated() {
                let bytes = try #require(TestVector.bytes(hex: item))
                let operation = try SyncOperation(decoding: bytes)
                #expect(operation.encoded() == bytes)
                #expect(operation.cursor == Cursor(group.firstCursor + UInt64(index)))
            }
        }
    }

    @Test(arguments: vectors.filter { $0.kind == .reject })
    func damagedSegmentsAreRefusedAtTheirFrame(vector: TestVector) throws {
        let disk = try makeDisk()
        let path = "db/log/00000000000000000001.seg"
        try AtomicFile.replace(path, vector.bytes, on: disk)
        var indexes = DatabaseIndexes()

        let error = #expect(throws: OpLogError.self) {
            _ = try FileOpLog.open(
                in: "db/log", on: disk, segmentBytesMax: 1 << 20,
                replay: { found, path, offset throws(OpLogError) in
                    try indexes.replay(found, path, offset)
                })
        }

        #expect(error?.code == (vector.error == "damaged" ? .damaged : .newerFormat))
        #expect(["damaged", "newerFormat"].contains(vector.error))
        #expect(error?.path == path)
        #expect(error?.offset == vector.offset.map { UInt64($0) })
        #expect(try AtomicFile.read(path, on: disk) == vector.bytes)
    }

    @Test(arguments: vectors.filter { $0.id == "database" })
    func theIdentityIsReadAndWrittenByteForByte(vector: TestVector) throws {
        let value = try value(vector)
        let disk = try makeDisk()
        try AtomicFile.replace("db/database", vector.bytes, on: disk)

        let identity = try #require(try DatabaseIdentity.read(in: "db", on: disk))
        #expect(identity.databaseID.rawValue == value.dbId)
        #expect(identity.logID.description == value.logId)
        #expect(identity.createdAtMilliseconds == value.createdAtMs)

        try identity.write(in: "db", on: disk)
        #expect(try AtomicFile.read("db/database", on: disk) == vector.bytes)
    }

    @Test(arguments: vectors.filter { $0.id == "devices" })
    func theDeviceCursorsAreReadAndWrittenByteForByte(vector: TestVector) throws {
        let value = try value(vector)
        let disk = try makeDisk()
        try AtomicFile.replace("db/devices", vector.bytes, on: disk)

        let entries = try DeviceCursorFile.read(in: "db", on: disk)
        #expect(
            entries.map {
                Value.Device(
                    deviceId: $0.deviceID.rawValue, cursor: $0.cursor.rawValue,
                    lastSeenMs: $0.lastSeenMilliseconds)
            } == value.devices)

        let records = entries.map { entry in
            var record = DeviceRecord(deviceID: entry.deviceID)
            record.cursor = entry.cursor
            record.lastSeenMilliseconds = entry.lastSeenMilliseconds
            return record
        }
        try DeviceCursorFile.write(records, in: "db", on: disk)
        #expect(try AtomicFile.read("db/devices", on: disk) == vector.bytes)
    }
}
