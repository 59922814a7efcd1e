// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What a log keeps when it is compacted, and what opening makes of it.
@Suite struct CompactionTests {
    /// Everything may go at once, and files are small.
    static func configuration(
        compactAfter: UInt64 = 0, retention: UInt64 = 0, stale: UInt64 = 1_000_000
    ) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 2_000
        configuration.frameBytesTarget = 300
        configuration.checkpointBytes = 3_000
        configuration.checkpointAtCloseBytes = 0
        configuration.retention = RetentionRules(
            compactAfterMilliseconds: compactAfter, retentionMilliseconds: retention,
            staleMilliseconds: stale, takesAll: true)
        return configuration
    }

    /// Edits of some entities by two devices, in transactions and alone, with deletes.
    private func fill(_ server: ServiceUnderTest, pushes: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var numbers: [DeviceID: UInt64] = [:]
        for _ in 0..<pushes {
            let device: DeviceID = ["a", "b"].randomElement(using: &generator) ?? "a"
            try server.handshake(device)
            let transaction =
                Bool.random(using: &generator)
                ? TransactionID(UInt64.random(in: 1...(1 << 40), using: &generator)) : nil
            var seen: Set<EntityID> = []
            var operations: [SyncOperation] = []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let entity = EntityID("e\(Int.random(in: 0..<12, using: &generator))")
                guard seen.insert(entity).inserted else { continue }
                numbers[device, default: 0] += 1
                let current = server.revision(of: entity)
                operations.append(
                    operation(
                        OperationID(numbers[device] ?? 0), entity, base: current?.cursor ?? 0,
                        delete: Int.random(in: 0..<5, using: &generator) == 0,
                        transaction: transaction, device: device))
            }
            let answer = try server.push(operations, device: device)
            #expect(answer.conflicts.isEmpty && answer.rejected.isEmpty)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func aPullFromTheStartGivesTheLiveStateAndNothingElseThatMayGo(seed: UInt64) throws {
        let server = try ServiceUnderTest(Self.configuration())
        try fill(server, pushes: 60, seed: seed)
        let before = try server.wholeLog()
        let state = server.liveState
        let head = try server.pull().serverCursor
        for device in ["a", "b"] as [DeviceID] {
            _ = try server.pull(since: head ?? 0, device: device)
        }

        try server.compact()

        let after = try server.wholeLog(limit: 10_000)
        #expect(try server.pull().serverCursor == head)
        #expect(server.liveState == state)
        #expect(Set(after.map(\.entityID)).count == after.count, "One operation an entity is left.")
        #expect(after.allSatisfy { $0.kind == .upsert })
        #expect(after.allSatisfy { before.contains($0) }, "What is left is as it was.")
        // Every operation that is left is the newest of its entity.
        for operation in after {
            #expect(server.revision(of: operation.entityID)?.cursor == operation.cursor)
        }
        let files = try server.logFiles()
        #expect(files.count <= 3, "\(files)")
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func whatOpeningFindsIsTheSameWithAndWithoutTheCheckpoint(seed: UInt64) throws {
        let server = try ServiceUnderTest(Self.configuration())
        try fill(server, pushes: 40, seed: seed)
        if seed % 2 == 0 { try server.compact() }
        try fill(server, pushes: 0, seed: seed)
        let found = server.everything

        try server.restart()
        #expect(server.everything == found)
        #expect(try server.disk.fileExists(at: Checkpoint.path(in: server.databaseDirectory)))

        try server.restart {
            try server.disk.removeFile(at: Checkpoint.path(in: server.databaseDirectory))
            for name in try server.logFiles(ending: ".idx") {
                try server.disk.removeFile(at: server.databaseDirectory + "/log/" + name)
            }
        }
        #expect(server.everything == found)
        #expect(try server.wholeLog(limit: 10_000).count == found.operations)
    }

    @Test func operationsThatAreYoungerStay() throws {
        let server = try ServiceUnderTest(Self.configuration(compactAfter: 5_000))
        server.time.wall = 10_000
        for number in 1...30 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), "e", base: Cursor(number - 1))])
        }
        server.time.wall = 14_999

        try server.compact()
        #expect(try server.wholeLog().count == 30)

        server.time.wall = 15_000
        try server.compact()
        #expect(try server.wholeLog().map(\.operationID) == [30])
    }

    @Test func aTombstoneStaysUntilEveryActiveDeviceHasPassedIt() throws {
        let server = try ServiceUnderTest(Self.configuration(stale: 1_000))
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 1, delete: true)])
        try server.push([operation(3, "f", base: 0)])
        _ = try server.pull(since: 3, device: "a")
        try server.handshake("b")
        _ = try server.pull(since: 1, device: "b")

        try server.compact()
        #expect(try server.wholeLog().map(\.cursor) == [2, 3])
        #expect(try server.handshake().oldestCursor == 0)

        _ = try server.pull(since: 3, device: "b")
        try server.compact()
        #expect(try server.wholeLog().map(\.cursor) == [3])
        #expect(try server.handshake().oldestCursor == 2)
        #expect(server.revision(of: "e") == nil)

        try server.restart()
        #expect(try server.handshake().oldestCursor == 2)
        #expect(server.revision(of: "e") == nil)
    }

    @Test func aDeviceThatIsStaleHoldsNothingUpAndHasToResync() throws {
        let server = try ServiceUnderTest(Self.configuration(stale: 1_000))
        server.time.wall = 1
        try server.push([operation(1, "e", base: 0)])
        try server.handshake("b")
        _ = try server.pull(since: 1, device: "b")
        try server.push([operation(2, "e", base: 1, delete: true)])
        server.time.wall = 2_000
        _ = try server.pull(since: 2, device: "a")

        try server.compact()

        let failure = #expect(throws: ServiceFailure.self) {
            try server.pull(since: 1, device: "b")
        }
        #expect(failure?.status == 410)
        #expect(failure?.response.code == .invalidCursor)
        #expect(failure?.response.details.reason == "compacted")
        #expect(failure?.response.details.oldestCursor == 2)
        #expect(try server.pull(since: 0, device: "b").operations.isEmpty)
        // A resync that began behind the tombstone goes on.
        #expect(try server.pull(since: 1, device: "b", snapshot: 2).nextCursor == 2)
    }

    @Test func aNumberIsAcceptedOnceEvenIfItsOperationIsGone() throws {
        let server = try ServiceUnderTest(Self.configuration())
        for number in 1...20 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), "e", base: Cursor(number - 1))])
        }
        try server.compact()
        for isRestarted in [false, true] {
            if isRestarted { try server.restart() }
            let answer = try server.push([operation(7, "e", base: 6)])
            #expect(answer.cursors[7] == 0)
            #expect(try server.pull().serverCursor == 20)
            #expect(try server.push([operation(20, "e", base: 19)]).cursors[20] == 20)
        }
    }

    @Test(arguments: 0..<60 as Range<Int>)
    func aCrashAtAnyCallOfACompactionLosesNothing(call: Int) throws {
        let server = try ServiceUnderTest(Self.configuration())
        try fill(server, pushes: 40, seed: 5)
        for device in ["a", "b"] as [DeviceID] { _ = try server.pull(since: 60, device: device) }
        let state = server.liveState
        let accepted = server.everything.accepted

        server.disk.halt(afterCalls: call * 3)
        try? server.compact()
        for seed in 0..<3 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            server.disk.forgetPlans()
            try server.crash(using: &generator)
            #expect(server.told.allSatisfy { !$0.contains("is closed") }, "\(server.told)")
            #expect(server.liveState == state)
            #expect(server.everything.accepted == accepted)
            let left = try server.wholeLog(limit: 10_000)
            for operation in left where operation.kind == .upsert {
                #expect(
                    operation.cursor ?? 0 <= server.revision(of: operation.entityID)?.cursor ?? 0)
            }
        }
        try server.compact()
        #expect(server.liveState == state)
        try server.restart()
        #expect(server.liveState == state)
    }

    @Test func aCheckpointInAFileThatWasCompactedSinceIsNotUsed() throws {
        var configuration = Self.configuration()
        configuration.segmentBytesMax = 1 << 20
        configuration.checkpointBytes = 1 << 20
        let server = try ServiceUnderTest(configuration)
        for number in 1...40 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), "e", base: Cursor(number - 1))])
        }
        try server.restart()
        let found = server.everything

        // The crash comes before there is a checkpoint of the new file.
        server.service.beginCompactions()
        while !server.database.isCheckpointOutdated { _ = server.service.advance(to: 0) }
        var generator = SeededGenerator(seed: 1)
        try server.crash(using: &generator)

        #expect(server.told.allSatisfy { !$0.contains("is closed") }, "\(server.told)")
        #expect(server.everything.entities == found.entities)
        #expect(server.everything.accepted == found.accepted)
    }

    @Test func aFullDiskEndsACompactionAndNothingElse() throws {
        let server = try ServiceUnderTest(Self.configuration())
        try fill(server, pushes: 40, seed: 6)
        let state = server.liveState

        server.disk.fullAfter(bytes: 200)
        try server.compact()
        server.disk.fullAfter(bytes: nil)

        #expect(server.told.contains { $0.contains("will be tried again") })
        #expect(server.liveState == state)
        try server.push([operation(1_000, "new", base: 0)])
        #expect(server.revision(of: "new") != nil)
    }
}

extension ServiceUnderTest {
    /// All that indexes hold, to be compared.
    struct Everything: Equatable {
        var entities: [String]
        var accepted: [String]
        var oldestCursor: Cursor
        var head: Cursor
        var operations: Int
    }

    var databaseDirectory: String { "data/databases/db" }

    var database: Database<SimulatedDisk> {
        guard case .open(let database)? = service.databases["db"] else {
            preconditionFailure("The database is open.")
        }
        return database
    }

    var everything: Everything {
        Everything(
            entities: database.entities.lines { "\($0.cursor) \($0.version) \($0.isDeleted)" },
            accepted: database.devices.records.map { "\($0.deviceID) \($0.accepted.bounds)" }
                .sorted(),
            oldestCursor: database.log.oldestCursor, head: database.head,
            operations: (try? wholeLog(limit: 10_000).count) ?? -1)
    }

    /// The entities that are not deleted, with their revisions.
    var liveState: [String] {
        database.entities.lines { "\($0.cursor) \($0.version) \($0.isDeleted)" }
            .filter { $0.hasSuffix("false") }
    }

    func revision(of entityID: EntityID) -> EntityRevision? {
        EntityKeyBytes.with("c", entityID) { database.entities[$0] }
    }

    /// Compacts until there is nothing more to do.
    func compact() throws {
        service.beginCompactions()
        for _ in 0..<10_000 where database.hasMaintenance {
            _ = service.advance(to: 0)
        }
        #expect(!database.hasMaintenance)
    }

    func logFiles(ending suffix: String = ".seg") throws -> [String] {
        try disk.contentsOfDirectory(at: databaseDirectory + "/log").filter { $0.hasSuffix(suffix) }
    }

    /// Stops the service, changes its files, and starts it again.
    func restart(_ change: () throws -> Void) throws {
        service.close()
        try change()
        try restart()
    }
}
