// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Backups beside a server, and putting them in place.
@Suite struct BackupTests {
    private let directory = "data"

    private func server(pushes: UInt64 = 20) throws -> ServiceUnderTest {
        let server = try ServiceUnderTest(CompactionTests.configuration())
        for number in 1...pushes {
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        _ = try server.pull(since: 3, device: "b")
        try server.service.databases.values.forEach { slot in
            if case .open(let database) = slot { try database.saveDevices() }
        }
        return server
    }

    private func data(_ disk: SimulatedDisk, _ path: String = "data") -> DataDirectory<
        SimulatedDisk
    > {
        DataDirectory(path: path, disk: disk)
    }

    @discardableResult
    private func backUp(_ disk: SimulatedDisk) throws -> [DatabaseVerification] {
        try Backup.make(of: data(disk), nil, in: "copies/one", nowMilliseconds: 5)
    }

    private func restore(
        _ disk: SimulatedDisk, to path: String = "data", replaces: Bool = false, seed: UInt64 = 9
    ) throws -> [RenewedDatabase] {
        var generator = SeededGenerator(seed: seed)
        return try data(disk, path).restore(
            from: data(disk, "copies/one"), nil, replaces: replaces, using: &generator)
    }

    @Test(arguments: [false, true]) func aBackupBesideAServerHoldsAllThatWasAcknowledged(
        compacts: Bool
    ) throws {
        let server = try server()
        if compacts { try server.compact() }
        let log = try server.wholeLog()

        let found = try backUp(server.disk)

        #expect(found.map(\.damage) == [nil])
        #expect(found.map(\.operations) == [log.count])
        let contents = try #require(try Backup.read(in: "copies/one", on: server.disk))
        #expect(contents.madeAtMilliseconds == 5)
        #expect(contents.databases.map(\.databaseID) == ["db"])
        #expect(contents.databases.map(\.logID) == [server.database.logID])
        #expect(contents.databases.map(\.head) == [20])
        // The server goes on.
        try server.push([operation(100, "more", base: 0)])
        let restored = try restore(server.disk, to: "other")
        #expect(restored.count == 1 && restored[0].replaced == nil)
        #expect(restored[0].oldLogID == server.database.logID)
        let copy = try Database.open(
            "db", in: data(server.disk, "other").place(of: "db").path, on: server.disk,
            configuration: ServiceConfiguration())
        let database = try #require(copy?.database)
        #expect(database.logID == restored[0].newLogID)
        #expect(database.logID != restored[0].oldLogID)
        #expect(database.head == 20)
        #expect(database.devices.records.allSatisfy { $0.cursor == 0 })
    }

    @Test func aTornTailIsNotCopied() throws {
        let server = try server()
        let path = server.databaseDirectory + "/log/" + (try #require(try server.logFiles().last))
        let file = try server.disk.openFile(at: path, .readWrite)
        try file.write([1, 0, 0, 0, 5, 5, 5], at: try file.size())

        #expect(try backUp(server.disk).map(\.tornTail) == [nil])
    }

    @Test func aBackupWantsAnEmptyDirectory() throws {
        let server = try server()
        try backUp(server.disk)

        let error = #expect(throws: MaintenanceError.self) { try backUp(server.disk) }

        #expect(error?.status == .cannotMake)
    }

    @Test func aBackupOfDamagedFilesIsUnfinishedAndIsNotRestored() throws {
        let server = try server()
        server.service.close()
        let path = server.databaseDirectory + "/log/" + (try server.logFiles()[0])
        server.disk.flipBit(path, byte: 60, bit: 1)

        let error = #expect(throws: MaintenanceError.self) { try backUp(server.disk) }

        #expect(error?.status == .damage)
        #expect(error?.description.contains("at byte") ?? false)
        let refusal = #expect(throws: MaintenanceError.self) {
            try restore(server.disk, to: "other")
        }
        #expect(refusal?.status == .notThere)
    }

    @Test func noServerServesABackup() throws {
        let server = try server()
        try backUp(server.disk)

        let error = #expect(throws: ServiceStartError.self) {
            try SyncService(
                directory: "copies/one", disk: server.disk, clock: server.time.clock,
                generator: SeededGenerator(seed: 1), tell: { _ in })
        }

        #expect(error?.description.contains("restore --from copies/one") ?? false)
    }

    @Test func restoringWaitsForTheServerAndReplacesOnlyWhenTold() throws {
        let server = try server()
        try backUp(server.disk)
        let logID = server.database.logID

        #expect(throws: MaintenanceError.self) { try restore(server.disk, replaces: true) }
        #expect { try restore(server.disk) } throws: {
            ($0 as? MaintenanceError)?.status == .inUse
        }
        try server.push([operation(100, "more", base: 0)])
        server.service.close()
        #expect { try restore(server.disk) } throws: {
            ($0 as? MaintenanceError)?.status == .cannotMake
        }
        let restored = try restore(server.disk, replaces: true)

        let kept = try #require(restored[0].replaced)
        #expect(try DatabaseIdentity.read(in: kept, on: server.disk)?.logID == logID)
        try server.restart()
        try server.handshake("c")
        #expect(server.database.head == 20)
        #expect(server.database.logID == restored[0].newLogID)
        // A device of the old log is told.
        let failure = #expect(throws: ServiceFailure.self) {
            try server.handshake("a", logID: logID, cursor: 21)
        }
        #expect(failure?.response.details.reason == "otherLog")
    }

    @Test(arguments: 0..<60 as Range<Int>)
    func aRestoreThatIsInterruptedIsRunAgain(call: Int) throws {
        let server = try server(pushes: 6)
        try backUp(server.disk)
        let logID = server.database.logID
        server.service.close()

        server.disk.halt(afterCalls: call * 4)
        _ = try? restore(server.disk, replaces: true, seed: 1)
        var generator = SeededGenerator(seed: UInt64(call))
        server.disk.forgetPlans()
        server.disk.crash(using: &generator)

        // What is served meanwhile is the old database, none, or the whole new one.
        let place = data(server.disk).place(of: "db")
        if try server.disk.fileExists(at: place.path) {
            let found = DatabaseVerification.verify(place, on: server.disk)
            #expect(found.damage == nil)
            #expect(found.operations == 6)
        }
        let restored = try restore(server.disk, replaces: true, seed: 2)
        let found = DatabaseVerification.verify(place, on: server.disk)
        #expect(found.damage == nil)
        #expect(found.logID == restored[0].newLogID && found.logID != logID)
        #expect(found.operations == 6)
    }

    @Test func aNewLogIDForgetsWhatDevicesApplied() throws {
        let server = try server()
        let logID = server.database.logID
        var generator = SeededGenerator(seed: 4)

        #expect { try data(server.disk).renewLogIDs(nil, using: &generator) } throws: {
            ($0 as? MaintenanceError)?.status == .inUse
        }
        server.service.close()
        let renewed = try data(server.disk).renewLogIDs("db", using: &generator)

        #expect(renewed.map(\.oldLogID) == [logID])
        try server.restart()
        #expect(try server.handshake("c").logID == renewed[0].newLogID)
        #expect(server.database.devices.records.allSatisfy { $0.cursor == 0 })
        #expect(try server.wholeLog().count == 20)
    }

    @Test func aDatabaseThatIsNotThereIsNamedWithThoseThatAre() throws {
        let server = try server()

        let error = #expect(throws: MaintenanceError.self) { try data(server.disk).places("x") }
        #expect(error?.status == .notThere)
        #expect(error?.description.contains("There is: db.") ?? false)
        #expect { try data(server.disk, "nowhere").places() } throws: {
            ($0 as? MaintenanceError)?.description.contains("is not a data directory") ?? false
        }
    }
}
