// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What `verify` finds in a database's files.
@Suite struct VerificationTests {
    /// Segments of a few operations, and a checkpoint when the server stops.
    private func filled(
        pushes: Int = 12, compacts: Bool = false
    ) throws -> ServiceUnderTest {
        let server = try ServiceUnderTest(CompactionTests.configuration())
        var cursor: Cursor = 0
        for number in 1...UInt64(pushes) {
            let answer = try server.push(
                [
                    operation(
                        OperationID(number), number % 2 == 0 ? "e" : EntityID("f\(number)"),
                        base: number % 2 == 0 ? cursor : 0,
                        content: [0x57] + [UInt8](repeating: 7, count: 23))
                ])
            if number % 2 == 0 { cursor = answer.cursors[OperationID(number)] ?? 0 }
        }
        _ = try server.pull(since: 4, device: "b")
        if compacts { try server.compact() }
        return server
    }

    private func verify(_ server: ServiceUnderTest) -> DatabaseVerification {
        DatabaseVerification.verify(
            DataDirectory(path: "data", disk: server.disk).place(of: "db"), on: server.disk)
    }

    @Test(arguments: [false, true]) func soundFilesAreSoundAndCounted(compacts: Bool) throws {
        let server = try filled(pushes: 40, compacts: compacts)
        let log = try server.wholeLog()
        let logID = server.database.logID
        let oldest = server.database.log.oldestCursor

        for isStopped in [false, true] {
            if isStopped { server.service.close() }
            let found = verify(server)

            #expect(found.damage == nil)
            #expect(found.notes.isEmpty || !isStopped, "\(found.notes)")
            #expect(found.operations == log.count)
            #expect(found.head == 40)
            #expect(found.oldestCursor == oldest)
            #expect(found.logID == logID)
            #expect(found.segments == (try server.logFiles().count))
            #expect(found.tornTail == nil)
        }
    }

    @Test func everyFlippedBitOfTheLogIsFoundOrPartOfTheTornTail() throws {
        let server = try filled()
        server.service.close()
        for path in try server.logFiles().map({ server.databaseDirectory + "/log/" + $0 }) {
            let size = Int(try server.disk.openFile(at: path, .read).size())
            let isLast = try server.logFiles().last.map { path.hasSuffix($0) } ?? false
            for byte in stride(from: 0, to: size, by: 7) {
                server.disk.flipBit(path, byte: byte, bit: byte % 8)
                let found = verify(server)
                let isFound = found.damage.map { $0.path == path } ?? false
                #expect(isFound || isLast && found.tornTail != nil, "byte \(byte) of \(path)")
                server.disk.flipBit(path, byte: byte, bit: byte % 8)
            }
        }
        #expect(verify(server).damage == nil)
    }

    @Test func aTornTailIsReportedAndStays() throws {
        let server = try filled()
        server.service.close()
        let path = server.databaseDirectory + "/log/" + (try #require(try server.logFiles().last))
        let file = try server.disk.openFile(at: path, .readWrite)
        let size = try file.size()
        try file.write([1, 0, 0, 0, 5, 5, 5], at: size)

        let found = verify(server)

        #expect(found.damage == nil)
        #expect(found.tornTail == TornTail(path: path, offset: size, bytes: 7))
        #expect(found.lines.contains { $0.contains("7 bytes of a write that was interrupted") })
        #expect(try file.size() == size + 7, "Nothing is changed.")
    }

    @Test func aCheckpointThatSaysSomethingElseIsDamage() throws {
        let server = try filled()
        let database = server.database
        var indexes = DatabaseIndexes(entities: database.entities, devices: database.devices)
        EntityKeyBytes.with("c", "e") { key in
            var revision = database.entities[key] ?? indexes.entities.entries[0].value
            revision.operationID = 1_000
            indexes.restore(key, revision)
        }
        var generator = SeededGenerator(seed: 1)
        var writing = try CheckpointWriting(
            database.log.checkpointHeader, indexes, in: database.directory, on: server.disk,
            using: &generator)
        while try !writing.step() {}
        server.disk.killProcesses()

        let damage = try #require(verify(server).damage)

        #expect(damage.path == Checkpoint.path(in: server.databaseDirectory))
        #expect(damage.message.contains("entity c/e has another revision"))
        #expect(damage.message.contains("remove this file"))
    }

    @Test func anIndexThatSaysSomethingElseIsDamageAndATornOneIsNot() throws {
        let server = try filled(pushes: 40)
        server.service.close()
        let segment = server.databaseDirectory + "/log/" + (try server.logFiles()[0])
        var index = try #require(try SegmentIndex.read(beside: segment, on: server.disk))
        let path = SegmentIndex.path(beside: segment)
        index.operationCount += 1
        try index.write(beside: segment, on: server.disk)

        #expect(verify(server).damage?.path == path)

        server.disk.flipBit(path, byte: 20, bit: 1)
        #expect(verify(server).damage == nil)
        #expect(verify(server).notes.contains { $0.contains("will be made anew") })
    }

    @Test func aDeviceBeyondTheLogIsDamage() throws {
        let server = try filled()
        server.service.close()
        var record = DeviceRecord(deviceID: "b")
        record.cursor = 1_000
        try DeviceCursorFile.write([record], in: server.databaseDirectory, on: server.disk)

        #expect(verify(server).damage?.message.contains("its end was lost") ?? false)
    }

    @Test func anUnfinishedCreationIsNoDamageUnlessItHasOperations() throws {
        let server = try filled()
        server.service.close()
        try server.disk.removeFile(at: DatabaseIdentity.path(in: server.databaseDirectory))

        let damage = verify(server).damage

        #expect(damage?.message.contains("the file that names the database is gone") ?? false)
        let other = DataDirectory(path: "data", disk: server.disk).place(of: "other")
        try server.disk.createDirectory(at: other.path)
        let found = DatabaseVerification.verify(other, on: server.disk)
        #expect(found.damage == nil && found.logID == nil)
    }

    @Test func theJSONNamesEverythingAndIsEscaped() throws {
        var found = DatabaseVerification(databaseID: "db")
        found.damage = .damaged("a\"b\\\u{1}/é", at: 7, "Gone")

        #expect(
            found.json.line.hasPrefix(
                #"{"database":"db","sound":false,"logId":null,"operations":0,"cursor":0,"#
                    + #""oldestCursor":0,"segments":0,"bytes":0,"tornTail":null,"notes":[],"#
                    + #""damage":{"file":"a\"b\\\u0001/é","offset":7,"message":"Gone."#))
    }
}
