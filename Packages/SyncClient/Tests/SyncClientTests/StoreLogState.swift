// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// What a store that was not closed has on disk after one of its commits.
struct StoreLogState {
    static let markBytes = 23

    /// The store's directory.
    var directory: SimulatedDiskTree
    var log: [UInt8]
    var model: StoreModel

    /// The log's length up to the commit, without the mark behind it.
    var commitEnd: Int { log.count - Self.markBytes }

    /// Four commits with every kind of record; the last three are of several.
    static func afterEachCommit() throws -> [StoreLogState] {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        func state() throws -> StoreLogState {
            StoreLogState(
                directory: try #require(disk.copyTree(at: "/db")),
                log: try disk.contents(of: "/db/wal.log"), model: StoreModel(store))
        }
        let uuid = ForeignDatabase.id(9)
        var states: [StoreLogState] = []
        try store.commit([
            WALWrite(collection: "notes", entityID: "a", content: [0x01]),
            WALWrite(collection: "lists", entityID: "l", content: [0x02]),
        ])
        states.append(try state())
        try store.commit([
            WALWrite(collection: "notes", entityID: uuid, content: [0x43, 1, 2, 3]),
            WALWrite(collection: "notes", entityID: "a", content: nil),
        ])
        states.append(try state())
        let mark = WALPulledMark(logID: [UInt8](1...16), cursor: 7, settlement: 1)
        _ = try store.withWriteLock {
            try $0.commit(
                [
                    WALWrite(collection: "notes", entityID: "b", content: [0x03]),
                    WALWrite(collection: "notes", entityID: uuid, content: nil),
                ], mark: mark)
        }
        states.append(try state())
        try store.commit([
            WALWrite(collection: "notes", entityID: "b", content: [0x04]),
            WALWrite(collection: "lists", entityID: "m", content: [0x05]),
        ])
        states.append(try state())
        return states
    }

    /// A disk with this directory, and `log` as its log.
    func disk(log: some Sequence<UInt8>) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.replaceTree(at: "/db", with: directory)
        let file = try disk.openFile(at: "/db/wal.log", .readWrite)
        try file.truncate(to: 0)
        try file.write(Array(log), at: 0)
        try file.sync()
        return disk
    }

    /// The records of a log that is nothing but whole ones.
    static func records(_ log: [UInt8]) throws -> [WALRecord] {
        var records: [WALRecord] = []
        var offset = 0
        while offset < log.count {
            guard case .record(let record, let count) = WALRecordCodec.decode(log, at: offset)
            else { throw WALError(.damaged, path: "", offset: UInt64(offset), message: "") }
            records.append(record)
            offset += count
        }
        return records
    }
}
