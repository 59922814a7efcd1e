// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The revisions that the server makes, and what surrounds them (protocol, §5.8).
@Suite struct PolicyPushTests {
    /// A server where `lastWriteWins` holds, and `merge` in collection `m`.
    private func makeServer(
        _ change: (inout ServiceConfiguration) -> Void = { _ in }
    ) throws -> ServiceUnderTest {
        var configuration = ServiceConfiguration()
        configuration.policies.standard = .lastWriteWins
        configuration.policies.byCollection = ["m": .merge, "d": .detect, "w": .clientWins]
        change(&configuration)
        let server = try ServiceUnderTest(configuration)
        try server.handshake("b")
        return server
    }

    /// An edit of `b`.
    private func edit(
        _ number: OperationID, _ entity: EntityID, base: Cursor? = nil, baseOp: OperationID? = nil,
        stamp: HybridTimestamp, transaction: TransactionID? = nil, content: [UInt8]? = nil,
        delete: Bool = false, collection: CollectionName = "c"
    ) -> SyncOperation {
        operation(
            number, entity, base: base, baseOp: baseOp, delete: delete, content: content,
            transaction: transaction, device: "b", collection: collection, stamp: stamp)
    }

    @Test func theHandshakeAnnouncesThePolicies() throws {
        let server = try makeServer()

        let announced = try server.handshake().conflictPolicy

        #expect(
            announced
                == ConflictPolicy(
                    standard: "lastWriteWins",
                    byCollection: ["m": "merge", "d": "detect", "w": "clientWins"]))
    }

    @Test func theServersRevisionCarriesWhatStandsBehindTheOperation() throws {
        let server = try makeServer()
        var first = operation(1, "e", base: 0, version: 5, content: [0x11], stamp: 90)
        first.labels = ["tenant": .text("x")]
        first.timestampMilliseconds = 123
        try server.push([first])

        let answer = try server.push([edit(1, "e", base: 0, stamp: 50)], device: "b")

        #expect(answer.cursors == [1: 2])
        #expect(answer.serverCursor == 3)
        let log = try server.wholeLog()
        #expect(log[1].entityVersion == 5)
        var expected = first
        expected.operationID = 3
        expected.deviceID = .server
        expected.entityVersion = 6
        expected.base = nil
        expected.cursor = 3
        #expect(log[2] == expected)
    }

    @Test func runsEndWhereTheServerTakesACursor() throws {
        let server = try makeServer()
        try server.push([operation(1, "e", base: 0, stamp: 90)])

        let answer = try server.push(
            [
                edit(1, "f", base: 0, stamp: 1), edit(2, "e", base: 0, stamp: 50),
                edit(3, "g", base: 0, stamp: 1), edit(4, "h", base: 0, stamp: 1),
            ], device: "b")

        #expect(
            answer.accepted == [
                AcceptedRun(firstOperationID: 1, firstCursor: 2, count: 2),
                AcceptedRun(firstOperationID: 3, firstCursor: 5, count: 2),
            ])
        #expect(answer.serverCursor == 6)
    }

    @Test func everyEditOfAChainThatLosesIsOverruledAndTheOneThatWinsStands() throws {
        let server = try makeServer()
        try server.push([operation(1, "e", base: 0, content: [0x11], stamp: 90)])

        let answer = try server.push(
            [
                edit(1, "e", base: 0, stamp: 50), edit(2, "e", baseOp: 1, stamp: 60),
                edit(3, "e", baseOp: 2, stamp: 95), edit(4, "e", baseOp: 3, stamp: 96),
            ], device: "b")

        #expect(answer.cursors == [1: 2, 2: 4, 3: 6, 4: 7])
        let log = try server.wholeLog()
        #expect(log.map(\.deviceID) == ["a", "b", .server, "b", .server, "b", "b"])
        #expect(log.map(\.operationID) == [1, 1, 3, 2, 5, 3, 4])
        #expect(log.map(\.entityVersion) == [1, 1, 2, 2, 3, 3, 3])
        #expect(log[4].entityCBOR == [0x11])
    }

    @Test func aChainMergesStepByStep() throws {
        let server = try makeServer()
        func content(_ x: CBORValue, _ y: CBORValue) -> [UInt8] {
            (["x": x, "y": y] as CBORValue).encoded()
        }
        func first(_ number: OperationID, _ base: Cursor, _ bytes: [UInt8]) -> SyncOperation {
            operation(number, "e", base: base, content: bytes, collection: "m", stamp: 5)
        }
        try server.push([first(1, 0, content(0, 0)), first(2, 1, content(1, 0))])

        // Made on cursor 1: the base of the second is the first, as b wrote it.
        let answer = try server.push(
            [
                edit(1, "e", base: 1, stamp: 6, content: content(0, 1), collection: "m"),
                edit(2, "e", baseOp: 1, stamp: 7, content: content(0, 2), collection: "m"),
            ], device: "b")

        #expect(answer.cursors == [1: 3, 2: 5])
        let log = try server.wholeLog()
        #expect(log[3].entityCBOR == content(1, 1))
        #expect(log[5].entityCBOR == content(1, 2))
        #expect(log[5].hybridTimestamp == 7)
    }

    @Test func aMergeThatIsTooLargeIsAConflict() throws {
        let server = try makeServer { $0.limits.maxEntityBytes = 12 }
        func push(
            _ number: OperationID, _ base: Cursor, _ value: CBORValue, _ device: DeviceID
        ) throws -> PushResponse {
            try server.push(
                [
                    operation(
                        number, "e", base: base, content: value.encoded(), device: device,
                        collection: "m", stamp: 5)
                ], device: device)
        }
        _ = try push(1, 0, [:], "a")
        _ = try push(2, 1, ["x": "12345678"], "a")

        #expect(try push(1, 1, ["y": "12345678"], "b").conflicting == [1])
    }

    @Test func theServersRevisionBelongsToTheTransaction() throws {
        let server = try makeServer()
        try server.push([operation(1, "e", base: 0, stamp: 90)])

        try server.push(
            [
                edit(1, "f", base: 0, stamp: 1, transaction: 8),
                edit(2, "e", base: 0, stamp: 50, transaction: 8),
                edit(3, "g", base: 0, stamp: 1, transaction: 8),
                edit(4, "h", base: 0, stamp: 1),
            ], device: "b")

        let log = try server.wholeLog()
        #expect(log.map(\.transactionID) == [nil, 8, 8, 8, 8, nil])
        let page = try server.pull(since: 1, limit: 1)
        #expect(page.operations.count == 4)
        #expect(page.hasMore)
    }

    @Test func aTransactionWithARefusedMemberLeavesNoRevisionOfTheServer() throws {
        let server = try makeServer()
        try server.push([
            operation(1, "e", base: 0, stamp: 90),
            operation(2, "x", base: 0, collection: "d", stamp: 90),
        ])

        let answer = try server.push(
            [
                edit(1, "e", base: 0, stamp: 50, transaction: 8),
                edit(2, "x", base: 0, stamp: 95, transaction: 8, collection: "d"),
                edit(3, "f", base: 0, stamp: 1),
            ], device: "b")

        #expect(answer.rejectionCodes == [1: .transactionAborted])
        #expect(answer.conflicting == [2])
        #expect(answer.cursors == [3: 3])
        #expect(try server.wholeLog().count == 3)
    }

    @Test func aConflictShowsTheRevisionThatTheServerHasJustMade() throws {
        let server = try makeServer()
        try server.push([
            operation(1, "e", base: 0, content: (["x": 1] as CBORValue).encoded(), collection: "m"),
            operation(
                2, "e", base: 1, content: (["x": 2] as CBORValue).encoded(), collection: "m"),
        ])

        let answer = try server.push(
            [
                edit(
                    1, "e", base: 1, stamp: 5,
                    content: (["x": 1, "y": 1] as CBORValue).encoded(), collection: "m"),
                edit(2, "e", baseOp: 1, stamp: 6, delete: true, collection: "m"),
            ], device: "b")

        let state = try #require(answer.conflicts.first?.serverState)
        #expect(state.cursor == 4)
        #expect(state.deviceID == .server)
        #expect(state.entityCBOR == (["x": 2, "y": 1] as CBORValue).encoded())
    }

    /// Its device has sent the edit under another number since, and went on from there.
    @Test(arguments: ["c", "w"] as [CollectionName])
    func aRefusedOperationThatComesLateIsNotDecided(collection: CollectionName) throws {
        let server = try makeServer()
        let early = edit(1, "e", base: 0, stamp: 5, content: [0x01], collection: collection)
        try server.push([edit(2, "o", base: 0, stamp: 5)], device: "b")
        try server.push([operation(1, "e", base: 0, collection: collection, stamp: 3)])

        let late = try server.push([early], device: "b")

        #expect(late.conflicts.map { $0.clientOperation.operationID } == [1])
        #expect(late.accepted?.isEmpty == true)
        #expect(server.database.head == 2)
    }

    @Test func whatFollowsARefusedOperationIsAConflictUnderEveryPolicy() throws {
        let server = try makeServer()

        let answer = try server.push(
            [
                edit(1, "e", base: 0, stamp: 1, content: [0xFF], collection: "w"),
                edit(2, "e", baseOp: 1, stamp: 2, collection: "w"),
            ], device: "b")

        #expect(answer.rejectionCodes == [1: .malformed])
        #expect(answer.conflicting == [2])
    }

    @Test(
        arguments: [
            // The clock of the tests stands at 1 s.
            (nil, HybridTimestamp(61_000 << 16), true), (nil, HybridTimestamp(61_001 << 16), false),
            (nil, HybridTimestamp(61_000 << 16 | 0xFFFF), true), (61_000, nil, true),
            (61_001, nil, false), (.max >> 1, nil, false), (61_001, HybridTimestamp(1), true),
        ] as [(UInt64?, HybridTimestamp?, Bool)])
    func aStampMoreThanAMinuteAheadIsRejected(
        wall: UInt64?, stamp: HybridTimestamp?, isTaken: Bool
    ) throws {
        let server = try makeServer()
        var ahead = operation(1, "e", base: 0, stamp: stamp)
        ahead.timestampMilliseconds = wall ?? 0
        var elsewhere = ahead
        elsewhere.collection = "m"
        elsewhere.operationID = 2

        let answer = try server.push([ahead, elsewhere])

        #expect(answer.rejectionCodes == (isTaken ? [:] : [1: .clockSkew]))
        #expect(answer.cursors[2] != nil)
    }

    @Test func equalStampsAreDecidedByTheDevicesName() throws {
        let server = try makeServer()
        try server.handshake("A")
        try server.push([operation(1, "e", base: 0, content: [0x01], stamp: 5)])

        try server.push(
            [operation(1, "e", base: 0, content: [0x02], device: "A", stamp: 5)], device: "A")
        #expect(try server.wholeLog().last?.entityCBOR == [0x01])
        try server.push([edit(1, "e", base: 0, stamp: 5, content: [0x03])], device: "b")
        // The server's name is above those of all devices with letters in front.
        #expect(try server.wholeLog().last?.entityCBOR == [0x01])
    }

    @Test func aStampOfOldIsTheWallClockAndSaturates() {
        #expect(WriteStamp.stamp(nil, timestampMilliseconds: 3).rawValue == 3 << 16)
        #expect(WriteStamp.stamp(nil, timestampMilliseconds: .max).rawValue == wireIntegerMax)
        #expect(WriteStamp.stamp(nil, timestampMilliseconds: 1 << 47).rawValue == wireIntegerMax)
        #expect(WriteStamp.stamp(9, timestampMilliseconds: 3).rawValue == 9)
    }

    @Test func aDuplicateIsNotOverruledAgain() throws {
        let server = try makeServer()
        try server.push([operation(1, "e", base: 0, stamp: 90)])
        let loser = edit(1, "e", base: 0, stamp: 50)

        let first = try server.push([loser], device: "b")
        let again = try server.push([loser], device: "b")

        #expect(first == again)
        #expect(try server.wholeLog().count == 3)
    }

    @Test func aRestartKnowsTheServersRevisions() throws {
        let server = try makeServer { $0.maxDevices = 2 }
        try server.push([operation(1, "e", base: 0, stamp: 90)])
        try server.push([edit(1, "e", base: 0, stamp: 50)], device: "b")

        try server.restart()

        // The server is no device of its own: there is still room for the two that there are.
        try server.handshake("b")
        let answer = try server.push(
            [edit(1, "e", base: 0, stamp: 50), edit(2, "e", base: 3, stamp: 1)], device: "b")
        #expect(answer.cursors == [1: 2, 2: 4])
        #expect(try server.wholeLog().count == 4)
        #expect(server.told.isEmpty)
    }

    @Test func compactionKeepsWhatTheServerLetStandAndWaitsForNoServer() throws {
        let server = try makeServer {
            let policies = $0.policies
            $0 = CompactionTests.configuration()
            $0.policies = policies
        }
        try server.push([
            operation(1, "e", base: 0, content: [0x11], stamp: 90),
            operation(2, "gone", base: 0, stamp: 90),
        ])
        try server.push([edit(1, "e", base: 0, stamp: 50)], device: "b")
        try server.push([operation(3, "gone", base: 2, delete: true, stamp: 91)])
        for device in ["a", "b"] as [DeviceID] { _ = try server.pull(since: 5, device: device) }

        try server.compact()
        try server.restart()

        let log = try server.wholeLog(limit: 10_000)
        #expect(log.map(\.cursor) == [4])
        #expect(log.map(\.deviceID) == [.server])
        #expect(try server.handshake().oldestCursor == 5)
        let answer = try server.push(
            [edit(1, "e", base: 0, stamp: 50), edit(2, "e", base: 4, stamp: 60)], device: "b")
        #expect(answer.cursors[2] == 6)
        #expect(answer.conflicts.isEmpty && answer.rejected.isEmpty)
    }

    @Test func aBaseThatWasCompactedAwayMergesNothing() throws {
        let server = try makeServer {
            let policies = $0.policies
            $0 = CompactionTests.configuration()
            $0.policies = policies
        }
        let values: [CBORValue] = [["x": 1], ["x": 2]]
        for (index, value) in values.enumerated() {
            try server.push([
                operation(
                    OperationID(UInt64(index + 1)), "e", base: Cursor(UInt64(index)),
                    content: value.encoded(), collection: "m", stamp: 5)
            ])
        }
        let late = edit(
            1, "e", base: 1, stamp: 6, content: (["x": 1, "y": 1] as CBORValue).encoded(),
            collection: "m")
        try server.compact()

        let answer = try server.push([late], device: "b")

        #expect(answer.conflicting == [1])
        #expect(answer.conflicts.first?.serverState.cursor == 2)
    }

    @Test func nobodyMayPushInTheServersName() throws {
        let server = try makeServer()

        #expect(throws: (any Error).self) {
            try server.push([operation(1, "e", device: .server)], device: .server)
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func noCrashLeavesALoserWithoutWhatStands(seed: UInt64) throws {
        let server = try makeServer { $0.frameBytesTarget = 1 }
        try server.push([operation(1, "e", base: 0, content: [0x11], stamp: 90)])
        var generator = SeededGenerator(seed: seed)

        // Now and then what follows it begins on another page of the disk.
        let length = Int.random(in: 2_600..<3_400, using: &generator)
        _ = try server.stage(
            [
                edit(1, "f", base: 0, stamp: 1),
                edit(
                    2, "e", base: 0, stamp: 50,
                    content: CBORValue.bytes([UInt8](repeating: 0, count: length)).encoded()),
                edit(3, "g", base: 0, stamp: 1),
            ], device: "b")
        // The power goes at some call of the commit, or behind it.
        server.disk.halt(afterCalls: Int.random(in: 0..<3, using: &generator))
        server.service.commit()
        try server.crash(using: &generator)

        let log = try server.wholeLog()
        let ofEntity = log.filter { $0.entityID == "e" }
        #expect(ofEntity.last?.entityCBOR == [0x11])
        #expect(ofEntity.count == 1 || ofEntity.count == 3)
    }
}
