// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// Captured writes of any local store become operations, or are left out.
@Suite struct OperationTransformerTests {
    /// A store that has nothing but records of bases.
    private struct Bases: LocalStoreAccess {
        var lastCommit: UInt64 { 0 }
        var records: [String: BaseRecord] = [:]

        func content(of key: EntityKey) throws(SyncError) -> [UInt8]? { nil }
        func record(_ id: String, in collection: String) throws(SyncError) -> [UInt8]? {
            records[collection + "/" + id]?.encoded()
        }
        func records(in collection: String) throws(SyncError) -> [LocalRecord] { [] }
        func localCollections(prefix: String) throws(SyncError) -> [String] { [] }
        func capture(after checkpoint: UInt64) throws(SyncError) -> CapturedTransactions {
            CapturedTransactions(transactions: [], checkpoint: checkpoint)
        }
        func noteCaptured(through checkpoint: UInt64) {}
        func commit(
            _ writes: [StoreWrite], cursor: Cursor, logID: LogID?, settlement: UInt64
        ) throws(SyncError) {}
    }

    private func operations(
        _ transactions: [[StoreWrite]], store: Bases = Bases(), epoch: UInt64 = 0
    ) throws -> [SyncOperation] {
        var state = ReplicaState(databaseID: "db", deviceID: "d")
        state.logEpoch = epoch
        let transformer = OperationTransformer(
            store: store, state: state, wallMilliseconds: 1_000)
        let captured = CapturedTransactions(transactions: transactions, checkpoint: 9)
        guard
            case .enqueue(let operations, 9)? = try transformer.change(
                for: captured, queue: QueueState())
        else { return [] }
        return operations
    }

    private func write(_ id: String, in collection: String = "notes") -> StoreWrite {
        StoreWrite(collection: collection, id: id, content: [1])
    }

    @Test func leavesOutWhatNoServerTakes() throws {
        let long = String(repeating: "a", count: 257)
        let made = try operations([
            [write("x", in: "_drafts"), write("x")],
            [write(long)], [write("y", in: String(repeating: "c", count: 129))], [write("")],
        ])

        #expect(made.map(\.key) == [EntityKey("notes", "x")])
        // With the other member left out there is no transaction to keep together.
        #expect(made.map(\.transactionID) == [nil])
    }

    @Test func keepsNamesApartThatOnlyLookAlike() throws {
        let made = try operations([[write("\u{E9}")], [write("e\u{301}")]])

        #expect(made.map(\.base) == [0, 0])
        #expect(made.map(\.baseOperationID) == [nil, nil])
    }

    @Test(
        "bases the first edit on what the device knows",
        arguments: [(0, 7, 4), (1, 0, 4)] as [(UInt64, Cursor, EntityVersion)])
    func basesTheFirstEditOnWhatTheDeviceKnows(
        _ epoch: UInt64, _ base: Cursor, _ version: EntityVersion
    ) throws {
        let record = BaseRecord(
            cursor: 7, version: 3, isDeleted: false, generation: 0, logEpoch: 0)
        let made = try operations(
            [[write("x")]], store: Bases(records: ["_base:notes/x": record]), epoch: epoch)

        #expect(made.map(\.base) == [base])
        #expect(made.map(\.entityVersion) == [version])
    }

    @Test func makesADeleteOfAWriteWithoutContent() throws {
        let made = try operations([[StoreWrite(collection: "notes", id: "x", content: nil)]])

        #expect(made.map(\.kind) == [.delete])
        #expect(made.map(\.entityCBOR) == [nil])
    }

    @Test func changesNothingWhereNothingIsNew() throws {
        let transformer = OperationTransformer(
            store: Bases(), state: ReplicaState(databaseID: "db", deviceID: "d"),
            wallMilliseconds: 0)
        var queue = QueueState()
        queue.apply(.enqueue([], checkpoint: 9))

        let change = try transformer.change(
            for: CapturedTransactions(transactions: [[write("x")]], checkpoint: 9), queue: queue)

        #expect(change == nil)
    }
}
