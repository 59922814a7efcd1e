// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport

@testable import SyncClient

/// A database directory on a simulated disk, written byte by byte as EntiDB writes one.
struct ForeignDatabase {
    static let directory = "/db"
    static let logPath = directory + "/wal.log"

    let disk = SimulatedDisk()

    init(names: [UInt32: String] = [1: "tasks", 2: "_internal", 3: "notes"]) throws {
        try disk.createDirectory(at: Self.directory)
        try disk.createDirectory(at: Self.directory + "/SEGMENTS")
        try writeManifest(names: names)
        try appendToLog([UInt8]())
    }

    func writeManifest(names: [UInt32: String], lastCheckpoint: UInt64? = nil) throws {
        var bytes = Array("EMFN".utf8)
        for number: UInt16 in [2, 1, 0] { bytes.append(littleEndian: number) }
        bytes.append(littleEndian: UInt32(names.count + 1))
        bytes.append(littleEndian: UInt32(names.count))
        for (id, name) in names.sorted(by: { $0.key < $1.key }) {
            bytes.append(shortText: name)
            bytes.append(littleEndian: id)
        }
        bytes.append(littleEndian: UInt64(1))
        bytes.append(littleEndian: UInt32(0))
        bytes.append(lastCheckpoint == nil ? 0 : 1)
        if let lastCheckpoint { bytes.append(littleEndian: lastCheckpoint) }
        try AtomicFile.replace(Self.directory + "/MANIFEST", bytes, on: disk)
    }

    func appendToLog(_ bytes: [UInt8]) throws {
        let file = try disk.openFile(at: Self.logPath, .createIfMissing)
        try file.write(bytes, at: file.size())
    }

    func appendToLog(_ records: [WALRecord]) throws {
        try appendToLog(records.flatMap { WALRecordCodec.encode($0) })
    }

    func setLog(_ bytes: [UInt8]) throws {
        try disk.openFile(at: Self.logPath, .createIfMissing).truncate(to: 0)
        try appendToLog(bytes)
    }

    /// Writes a segment of EntiDB's.
    func writeSegment(
        _ name: String, _ records: [(id: Int, sequence: UInt64, content: [UInt8]?)],
        collectionID: UInt32 = 1
    ) throws {
        var bytes: [UInt8] = []
        for record in records {
            var one: [UInt8] = []
            one.append(littleEndian: UInt32(4 + 4 + 16 + 1 + 8 + (record.content?.count ?? 0) + 4))
            one.append(littleEndian: collectionID)
            one += [UInt8](repeating: 0, count: 15) + [UInt8(record.id)]
            one.append(record.content == nil ? 1 : 0)
            one.append(littleEndian: record.sequence)
            one += record.content ?? []
            one.append(littleEndian: CRC32.checksum(of: one))
            bytes += one
        }
        try disk.openFile(at: Self.directory + "/SEGMENTS/" + name, .createIfMissing)
            .write(bytes, at: 0)
    }

    func makePoller(
        after sequence: UInt64 = 0, onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) -> WALPoller<SimulatedDisk> {
        WALPoller(directory: Self.directory, disk: disk, after: sequence, onWarning: onWarning)
    }

    /// The id of EntiDB's entity with this number.
    static func id(_ number: Int) -> String {
        UUIDText.text(of: [UInt8](repeating: 0, count: 15) + [UInt8(number)])
    }

    /// A transaction of one put, whole.
    static func put(
        _ txid: UInt64, sequence: UInt64, id: Int, content: [UInt8]
    ) -> [WALRecord] {
        [
            .begin(txid: txid),
            .put(txid: txid, collectionID: 1, entityID: Self.id(id), content: content),
            .commit(txid: txid, sequence: sequence),
        ]
    }
}

extension WALPoller {
    /// Polls until there is nothing more.
    mutating func pollAll() throws(WALError) -> [WALTransaction] {
        var found: [WALTransaction] = []
        while true {
            let poll = try self.poll()
            found += poll.transactions
            if !poll.hasMore { return found }
        }
    }

    /// Polls until there is nothing more, or an error.
    mutating func pollUntilError() -> (found: [WALTransaction], error: WALError?) {
        var found: [WALTransaction] = []
        do throws(WALError) {
            while true {
                let poll = try self.poll()
                found += poll.transactions
                if !poll.hasMore { return (found, nil) }
            }
        } catch {
            return (found, error)
        }
    }
}
