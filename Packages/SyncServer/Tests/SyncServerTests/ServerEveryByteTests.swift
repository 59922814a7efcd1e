// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Law 9, byte by byte: each bit of each file of the server is flipped, and each file is cut to
/// each length.
@Suite struct ServerEveryByteTests {
    /// A stopped server's files: two databases, `db` in several segments.
    private struct Files {
        var disk: SimulatedDisk
        var segments: [String]
        var content: ServerFiles.Content
        /// What `db` held after each push, oldest first.
        var earlier: [ServerFiles.Content]

        func matrix() -> DamageMatrix<ServerFiles.Content> {
            DamageMatrix(
                disk, at: ServerFiles.directory, content: content, earlier: earlier,
                open: ServerFiles.open)
        }
    }

    /// - Parameter isHeadApplied: Whether a device has said that it applied everything.
    private func makeFiles(isHeadApplied: Bool) throws -> Files {
        var configuration = ServerFiles.configuration
        configuration.segmentBytesMax = 350
        let server = try ServiceUnderTest(configuration)
        try server.handshake(database: "Other")
        try server.push([operation(1, "e", base: 0, database: "Other")], database: "Other")
        // The first push fills a segment.
        try server.push([
            operation(1, "e", base: 0, transaction: 1), operation(2, "f", base: 0, transaction: 1),
        ])
        try server.push([operation(3, "e", base: 1)])
        try server.push([operation(4, "f", base: 2, delete: true)])
        _ = try server.pull(since: isHeadApplied ? 4 : 2, device: "z")
        server.service.close()
        let segments = try ServerFiles.segments(server.disk)
        try #require(segments.count == 2)
        let content = try ServerFiles.open(server.disk).content
        server.disk.killProcesses()
        let whole = try #require(content["db"])
        try #require(whole.operations.count == 4)
        let earlier = [0, 2, 3].map { count in
            var earlier = content
            earlier["db"]?.operations = Array(whole.operations.prefix(count))
            return earlier
        }
        return Files(
            disk: server.disk, segments: segments, content: content, earlier: earlier)
    }

    private func size(_ path: String, _ files: Files) throws -> Int {
        try #require(files.disk.bytes(at: path)).count
    }

    private static let markBytes = 17

    @Test(arguments: 0..<2)
    func findsEveryFlippedBitOfASegment(segment: Int) throws {
        let files = try makeFiles(isHeadApplied: false)
        let path = files.segments[segment]
        let mark = try size(path, files) - Self.markBytes
        let isLast = segment == 1

        // The last mark of the last segment is nobody's data: it is cut, told of, and made anew.
        let report = files.matrix().flipEveryBit(of: path) {
            isLast && $0 >= mark ? [.harmless] : [.refused]
        }

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.counts[.refused] == 8 * (isLast ? mark : mark + Self.markBytes))
    }

    @Test(arguments: ["database", "devices"], ServerFiles.databases)
    func findsEveryFlippedBitAndEveryLengthOfASmallFile(
        name: String, databaseID: DatabaseID
    ) throws {
        let files = try makeFiles(isHeadApplied: true)
        let path = ServerFiles.path(name, of: databaseID)

        var report = files.matrix().flipEveryBit(of: path) { _ in [.refused] }
        report.add(files.matrix().cutToEveryLength(of: path) { _ in [.refused] })

        #expect(report.lies.isEmpty, "\(report)")
        #expect(try report.caseCount == 9 * size(path, files))
    }

    /// The next segment's name says how far a segment went. Without its mark it is whole.
    @Test func findsEveryLengthOfASegmentThatAnotherFollows() throws {
        let files = try makeFiles(isHeadApplied: false)
        let path = files.segments[0]
        let mark = try size(path, files) - Self.markBytes
        var matrix = files.matrix()
        matrix.witnesses = [files.segments[1]]

        let report = matrix.cutToEveryLength(of: path) { $0 == mark ? [.harmless] : [.refused] }

        #expect(report.lies.isEmpty, "\(report)")
    }

    /// A device that has applied an operation is proof that it was synced.
    @Test func findsEveryLengthOfTheLastSegmentThatLacksWhatADeviceApplied() throws {
        let files = try makeFiles(isHeadApplied: true)
        let path = files.segments[1]
        let mark = try size(path, files) - Self.markBytes

        let report = files.matrix().cutToEveryLength(of: path) {
            $0 >= mark ? [.harmless] : [.refused]
        }

        #expect(report.lies.isEmpty, "\(report)")
    }

    /// Where no device has said so, nothing outside the segment tells how long it was: a file that
    /// ends behind one of its earlier syncs is what it was after that sync. Behind any other byte
    /// the end is cut as a torn tail, and told of.
    @Test func showsAnEarlierMomentIfTheLastSegmentLostItsEndAndNoDeviceHadApplied() throws {
        let files = try makeFiles(isHeadApplied: false)
        let path = files.segments[1]
        let bytes = try #require(files.disk.bytes(at: path))
        let mark = bytes.count - Self.markBytes
        let frameEnds = try frameEnds(files.disk, path)

        let report = files.matrix().cutToEveryLength(of: path) { length in
            if length >= mark { return [.harmless] }
            if length < 40 { return [.refused] }
            return frameEnds.contains(length) ? [.forgotten] : [.cut]
        }

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.counts[.forgotten] == frameEnds.filter { $0 < mark }.count)
    }

    /// Where frames of the segment end, its marks included.
    private func frameEnds(_ disk: SimulatedDisk, _ path: String) throws -> Set<Int> {
        let log = try RecordLogFile.open(
            at: path, on: disk, purpose: FileOpLog<SimulatedDisk>.purpose, access: .read)
        var ends: Set<Int> = [40]
        try log.forEach { record in
            ends.formUnion([Int(record.nextOffset), Int(record.nextOffset) + Self.markBytes])
            return true
        }
        return ends
    }

    /// The lock's content is nobody's; the lock is taken on the file.
    @Test func theLockFileMayHoldAnythingOrBeGone() throws {
        let files = try makeFiles(isHeadApplied: true)
        let path = ServerFiles.directory + "/lock"
        for bytes in [[], [0], [UInt8](repeating: 0xA5, count: 5000)] as [[UInt8]] {
            files.disk.replaceTree(at: path, with: SimulatedDiskTree(file: bytes))

            #expect(try ServerFiles.open(files.disk).content == files.content)
            files.disk.killProcesses()
        }
        let report = files.matrix().remove(path, allowing: [.harmless])
        #expect(report.lies.isEmpty, "\(report)")
    }

    /// The devices' file may be missing, as before its first write: then devices say anew what they
    /// have applied.
    @Test func aMissingDevicesFileForgetsOnlyWhatDevicesSayAgain() throws {
        var files = try makeFiles(isHeadApplied: true)
        var without = files.content
        without["db"]?.cursors = [:]
        files.earlier = [without]

        let report = files.matrix().remove(
            ServerFiles.path("devices"), allowing: [.forgotten])

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test(arguments: 0..<2)
    func findsAMissingSegment(segment: Int) throws {
        let files = try makeFiles(isHeadApplied: true)
        var matrix = files.matrix()
        matrix.witnesses = files.segments

        let report = matrix.remove(files.segments[segment], allowing: [.refused])

        #expect(report.lies.isEmpty, "\(report)")
    }
}
