// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Law 9: damage is found, never guessed around, and closes one database only.
@Suite struct OpLogDamageTests {
    private static let directory = "data/databases/db"

    /// A database of ten operations in several segments, stopped; and `other` beside it.
    private func makeDisk() throws -> (disk: SimulatedDisk, segments: [String]) {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 400
        let server = try ServiceUnderTest(configuration)
        try server.handshake(database: "other")
        try server.push([operation(1, "e", base: 0, database: "other")], database: "other")
        for number in 1...10 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        _ = try server.pull(since: 10, device: "z")
        server.service.close()
        let segments = try server.disk.contentsOfDirectory(at: Self.directory + "/log")
            .filter { $0.hasSuffix(".seg") }
        try #require(segments.count > 3)
        return (server.disk, segments.map { Self.directory + "/log/" + $0 })
    }

    private func copy(_ source: String, to path: String, on disk: SimulatedDisk) throws {
        try AtomicFile.replace(path, try #require(try AtomicFile.read(source, on: disk)), on: disk)
    }

    private func expectDamage(_ disk: SimulatedDisk, naming path: String, _ words: String) throws {
        let server = try ServiceUnderTest(disk: disk, shakesHands: false)

        let told = try #require(server.told.first)
        #expect(server.told.count == 1)
        #expect(told.contains("database db is closed"))
        #expect(told.contains(path))
        #expect(told.contains(words), "\(told)")
        #expect(told.contains("restore it from a backup") || told.contains("restore"))
        let failures = [
            #expect(throws: ServiceFailure.self) { try server.handshake() },
            #expect(throws: ServiceFailure.self) { try server.push([]) },
            #expect(throws: ServiceFailure.self) { _ = try server.pull() },
        ]
        for failure in failures {
            #expect(failure?.status == 503)
            #expect(failure?.response.message.contains("damaged") == true)
            // A stranger learns no path.
            #expect(failure?.response.message.contains("data/") == false)
        }
        #expect(server.service.status == ServiceStatus(databases: 2, damaged: 1, readOnly: 0))
        #expect(try server.wholeLog(database: "other").count == 1)
    }

    @Test func aWholeLogOpensAgain() throws {
        let (disk, _) = try makeDisk()

        let server = try ServiceUnderTest(disk: disk)

        #expect(server.told.isEmpty)
        #expect(try server.wholeLog().count == 10)
    }

    @Test(arguments: 0..<3)
    func findsAFlippedBitInASegment(segment: Int) throws {
        let (disk, segments) = try makeDisk()
        disk.flipBit(segments[segment], byte: 90, bit: 3)

        try expectDamage(disk, naming: segments[segment], "at byte 40")
    }

    @Test func findsAMissingSegment() throws {
        let (disk, segments) = try makeDisk()
        try disk.removeFile(at: segments[1])

        try expectDamage(disk, naming: segments[2], "one is missing")
    }

    @Test func findsThatTheFirstSegmentIsMissing() throws {
        let (disk, segments) = try makeDisk()
        try disk.removeFile(at: segments[0])

        try expectDamage(disk, naming: Self.directory + "/log", "are gone")
    }

    @Test func findsThatAllSegmentsAreMissing() throws {
        let (disk, segments) = try makeDisk()
        for segment in segments { try disk.removeFile(at: segment) }

        try expectDamage(disk, naming: Self.directory + "/log", "no segment")
    }

    @Test func findsARepeatedSegment() throws {
        let (disk, segments) = try makeDisk()
        try copy(segments[0], to: segments[1], on: disk)

        try expectDamage(disk, naming: segments[1], "where")
    }

    @Test func findsASegmentThatWasCutShort() throws {
        let (disk, segments) = try makeDisk()
        let file = try disk.openFile(at: segments[0], .readWrite)
        try file.truncate(to: try file.size() - 30)

        try expectDamage(disk, naming: segments[0], "")
    }

    @Test func findsASegmentWithoutItsLastFrames() throws {
        let (disk, segments) = try makeDisk()
        let file = try disk.openFile(at: segments[0], .readWrite)
        try file.truncate(to: 40)

        try expectDamage(disk, naming: segments[1], "one is missing or ended early")
    }

    @Test func findsThatTheEndWasLostIfADeviceHasAppliedIt() throws {
        let (disk, segments) = try makeDisk()
        try disk.removeFile(at: try #require(segments.last))

        try expectDamage(disk, naming: Self.directory + "/log", "its end was lost")
    }

    @Test func findsADatabaseOfAnotherName() throws {
        let (disk, _) = try makeDisk()
        try copy("data/databases/other/database", to: Self.directory + "/database", on: disk)

        try expectDamage(disk, naming: Self.directory + "/database", "belongs to database other")
    }

    @Test(arguments: ["database", "devices"])
    func findsAFlippedBitInASmallFile(name: String) throws {
        let (disk, _) = try makeDisk()
        disk.flipBit(Self.directory + "/" + name, byte: 20, bit: 0)

        try expectDamage(disk, naming: Self.directory + "/" + name, "fails its checksum")
    }

    @Test func doesNotMakeADatabaseAnewOverAnOldLog() throws {
        let (disk, _) = try makeDisk()
        try disk.removeFile(at: Self.directory + "/database")
        let server = try ServiceUnderTest(disk: disk, shakesHands: false)

        let failure = #expect(throws: ServiceFailure.self) { try server.handshake() }

        #expect(failure?.status == 503)
        #expect(server.told.last?.contains("the file that names the database is gone") == true)
    }

    @Test func cutsATornTailThatNobodyWasToldOfAndSaysSo() throws {
        let (disk, segments) = try makeDisk()
        let file = try disk.openFile(at: try #require(segments.last), .readWrite)
        try file.write([1, 2, 3], at: try file.size())

        let server = try ServiceUnderTest(disk: disk)

        #expect(
            server.told == [
                "database db: cut 3 bytes of a write that a crash interrupted and that nobody "
                    + "was told of"
            ])
        #expect(try server.wholeLog().count == 10)
        try server.push([operation(11, "new", base: 0)])
        #expect(try server.wholeLog().count == 11)
    }

    /// Law 9 says that nothing is changed when damage stops the open: the torn tail stays, too.
    @Test(arguments: ["log/00000000000000000001.seg", "devices"])
    func cutsNoTornTailWhereDamageStopsTheOpen(name: String) throws {
        let (disk, segments) = try makeDisk()
        disk.flipBit(Self.directory + "/" + name, byte: 20, bit: 0)
        let last = try #require(segments.last)
        let file = try disk.openFile(at: last, .readWrite)
        try file.write([1, 2, 3], at: try file.size())
        let before = disk.copyTree()

        try expectDamage(disk, naming: Self.directory + "/" + name, "")

        let isUnchanged = disk.copyTree() == before
        #expect(isUnchanged)
    }

    @Test func ignoresDirectoriesThatAreNoDatabase() throws {
        let (disk, _) = try makeDisk()
        try disk.createDirectory(at: "data/databases/UPPER")
        try disk.createDirectory(at: "data/databases/unfinished")

        let server = try ServiceUnderTest(disk: disk)

        #expect(server.told == ["ignored data/databases/UPPER: not the name of a database"])
        #expect(server.service.status.databases == 2)
        try server.handshake(database: "unfinished")
    }

    @Test func aDiskThatFailsAtOpenIsTriedAgain() throws {
        let (disk, _) = try makeDisk()
        // The first file that is read after the lists is the identity of `db`.
        var call = 0
        var server: ServiceUnderTest
        repeat {
            call += 1
            disk.failNextCall(number: call, errorNumber: FileSystemError.Number.tooManyOpenFiles)
            guard let started = try? ServiceUnderTest(disk: disk, shakesHands: false) else {
                continue
            }
            server = started
            if server.told.contains(where: { $0.contains("database db is closed") }) {
                #expect(try server.wholeLog().count == 10)
                #expect(server.service.status.damaged == 0)
                return
            }
            server.service.close()
        } while call < 40
        Issue.record("No call failed while the database was opened.")
    }
}
