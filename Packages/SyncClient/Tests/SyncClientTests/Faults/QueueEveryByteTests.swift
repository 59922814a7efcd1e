// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The file of a queue on a simulated disk.
enum QueueFiles {
    static let path = "/q/queue.log"

    static func makeDisk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "/q")
        try disk.syncDirectory(at: "/")
        return disk
    }

    static func openQueue(
        _ disk: SimulatedDisk, compactionBytesMin: UInt64 = 1 << 20
    ) throws(SyncError) -> OfflineQueue<SimulatedDisk> {
        try OfflineQueue(
            directory: "/q", on: disk, using: SeededGenerator(seed: UInt64(disk.callCount)),
            compactionBytesMin: compactionBytesMin)
    }

    /// Opens the queue and shows what is there.
    static func open(_ disk: SimulatedDisk) throws -> OpenedFiles<QueueState> {
        do throws(SyncError) {
            let queue = try openQueue(disk)
            return OpenedFiles(queue.state, repairs: queue.cutBytes) {
                withExtendedLifetime(queue) {}
            }
        } catch {
            guard error.message.hasPrefix(path), !error.message.contains("failed on") else {
                throw error
            }
            let words = error.message.dropFirst(path.count + " at byte ".count)
            throw DamageReport(
                path: path, offset: UInt64(words.prefix { $0.isNumber }), message: error.message)
        }
    }

    static func operation(_ number: UInt64, bytes: Int = 8) -> SyncOperation {
        var operation = QueueStateTests.operations("e\(number)")[0]
        operation.operationID = OperationID(number)
        operation.entityCBOR = [UInt8](repeating: UInt8(number % 200), count: bytes)
        return operation
    }
}

/// Law 9, byte by byte, for a queue's file.
@Suite struct QueueEveryByteTests {
    private static let markBytes = 17

    private func makeFiles() throws -> (
        disk: SimulatedDisk, matrix: DamageMatrix<QueueState>, frameEnds: Set<Int>
    ) {
        let disk = try QueueFiles.makeDisk()
        let queue = try QueueFiles.openQueue(disk)
        var earlier = [queue.state]
        var frameEnds: Set<Int> = [40]
        for changes: [QueueChange] in [
            [.enqueue([QueueFiles.operation(1), QueueFiles.operation(2)], checkpoint: 3)],
            [.noteSent(1)], [.remove([1]), .enqueue([QueueFiles.operation(3)], checkpoint: 4)],
        ] {
            try queue.commit(changes, settlement: queue.state.settlement + 1)
            earlier.append(queue.state)
            let size = try #require(disk.bytes(at: QueueFiles.path)).count
            frameEnds.formUnion([size - Self.markBytes, size])
        }
        let content = earlier.removeLast()
        let matrix = DamageMatrix(
            disk, at: "/q", content: content, earlier: earlier, open: QueueFiles.open)
        return (disk, matrix, frameEnds)
    }

    @Test func findsEveryFlippedBit() throws {
        let (disk, matrix, _) = try makeFiles()
        let mark = try #require(disk.bytes(at: QueueFiles.path)).count - Self.markBytes

        let report = matrix.flipEveryBit(of: QueueFiles.path) {
            $0 < mark ? [.refused] : [.harmless]
        }

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.counts == [.refused: 8 * mark, .harmless: 8 * Self.markBytes])
    }

    /// A queue that lost its end behind one of its syncs is what it was then: only the store tells
    /// more (`DeviceCutTests`).
    @Test func cutsEveryLengthBehindItsLastWholeCommit() throws {
        let (disk, matrix, frameEnds) = try makeFiles()
        let mark = try #require(disk.bytes(at: QueueFiles.path)).count - Self.markBytes

        let report = matrix.cutToEveryLength(of: QueueFiles.path) {
            if $0 >= mark { return [.harmless] }
            if $0 < 40 { return [.refused] }
            return frameEnds.contains($0) ? [.forgotten] : [.cut]
        }

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test(arguments: ["queue.log.compacted", "queue.log.compacted.new", "queue.log.new"])
    func leftoversMayHoldAnything(name: String) throws {
        let (disk, _, _) = try makeFiles()
        let state = try QueueFiles.openQueue(disk).state
        let whole = try #require(disk.bytes(at: QueueFiles.path))
        for bytes in [[], [1, 2, 3], whole] as [[UInt8]] {
            let disk = SimulatedDisk(copyOf: disk, at: "/q")
            disk.replaceTree(at: "/q/" + name, with: SimulatedDiskTree(file: bytes))

            let queue = try QueueFiles.openQueue(disk, compactionBytesMin: 1)
            #expect(queue.state == state)
            try queue.commit([.noteSent(3)])
            #expect(try disk.contentsOfDirectory(at: "/q").first == "queue.log")
            #expect(try QueueFiles.openQueue(disk).state == queue.state)
        }
    }
}
