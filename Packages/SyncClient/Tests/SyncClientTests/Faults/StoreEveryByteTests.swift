// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// All that the files of a store hold.
struct StoreContent: Equatable, CustomStringConvertible {
    struct Entry: Equatable {
        var content: [UInt8]?
        var sequence: UInt64
        var isPulled: Bool
    }

    var entries: [String: Entry] = [:]
    var lastSequence: UInt64

    init(_ store: SimulatedStore) {
        lastSequence = store.withWriteLock { $0.lastSequence }
        for (collection, found) in store.index.read({ $0.collections }) {
            found.entries.forEach { id, entry in
                entries["\(collection.text)/\(id.text)"] = Entry(
                    content: entry.content, sequence: entry.sequence, isPulled: entry.isPulled)
                return true
            }
        }
    }

    var description: String {
        let keys = entries.sorted { $0.key < $1.key }.map { "\($0.key)@\($0.value.sequence)" }
        return "\(keys) at \(lastSequence)"
    }
}

/// The files of a store on a simulated disk.
enum StoreFiles {
    /// Opens the store and shows what is there.
    static func open(_ disk: SimulatedDisk) throws -> OpenedFiles<StoreContent> {
        do throws(StoreError) {
            let store = try disk.openStore(StoreCrashTests.configuration)
            let repairs = store.recovery.tornBytes + UInt64(store.recovery.removedSegments)
            return OpenedFiles(StoreContent(store), repairs: repairs) { store.close() }
        } catch {
            guard error.code == .damaged else { throw error }
            throw DamageReport(error)
        }
    }
}

extension StoreContent {
    /// What a reader in another process shows: entities without their sequences.
    init(_ reader: DiskEntityReader<SimulatedDisk>) {
        lastSequence = reader.lastSequence
        for collection in reader.collections {
            for entity in reader.rawEntities(in: collection) {
                entries["\(collection)/\(entity.id)"] = Entry(
                    content: entity.content, sequence: 0, isPulled: false)
            }
        }
    }
}

extension DamageReport {
    init(_ error: StoreError) {
        self.init(path: error.path, offset: error.offset, message: error.message)
    }
}

/// Law 9, byte by byte, for the files of a store: a manifest, two segments with tombstones and
/// pulled entities, and a log with every kind of record behind them.
@Suite struct StoreEveryByteTests {
    private static let markBytes = 23

    private struct Files {
        var disk: SimulatedDisk
        var matrix: DamageMatrix<StoreContent>
        /// Where each commit of the log ends.
        var commitEnds: Set<Int>
        /// What readers show, after each commit.
        var read: [StoreContent]

        func size(_ path: String) throws -> Int { try #require(disk.bytes(at: path)).count }
    }

    private static let log = "/db/wal.log"
    private static let small = [
        "/db/MANIFEST", "/db/SEGMENTS/seg-000001.dat", "/db/SEGMENTS/seg-000002.dat",
    ]

    private func commit(
        _ store: SimulatedStore, _ id: String, _ content: [UInt8]?, pulled: UInt64? = nil
    ) throws {
        let mark = pulled.map {
            WALPulledMark(logID: [UInt8](1...16), cursor: $0, settlement: 1)
        }
        _ = try store.withWriteLock {
            try $0.commit(
                [WALWrite(collection: "notes", entityID: id, content: content)], mark: mark)
        }
    }

    private func makeFiles() throws -> Files {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try commit(store, "a", [0x01])
        try commit(store, ForeignDatabase.id(1), [0x02], pulled: 1)
        try store.checkpoint()
        try commit(store, "a", nil)
        try store.checkpoint()
        var earlier = [StoreContent(store)]
        var read = [StoreContent(try DiskEntityReader(directory: "/db", disk: disk))]
        var commitEnds: Set<Int> = [0]
        for step in 0..<3 {
            switch step {
            case 0: try commit(store, "b", [0x43, 1, 2, 3])
            case 1: try commit(store, ForeignDatabase.id(2), [0x05], pulled: 7)
            default: try commit(store, ForeignDatabase.id(2), nil)
            }
            earlier.append(StoreContent(store))
            read.append(StoreContent(try DiskEntityReader(directory: "/db", disk: disk)))
            let size = try disk.contents(of: Self.log).count
            // The marks behind them are there as well.
            commitEnds.formUnion([size - Self.markBytes, size])
        }
        let content = earlier.removeLast()
        store.close()
        return Files(
            disk: disk,
            matrix: DamageMatrix(
                disk, at: "/db", content: content, earlier: earlier, open: StoreFiles.open),
            commitEnds: commitEnds, read: read)
    }

    @Test(arguments: small)
    func findsEveryFlippedBitAndEveryLengthOfManifestAndSegments(path: String) throws {
        let files = try makeFiles()

        var report = files.matrix.flipEveryBit(of: path) { _ in [.refused] }
        report.add(files.matrix.cutToEveryLength(of: path) { _ in [.refused] })
        report.add(files.matrix.remove(path, allowing: [.refused]))

        #expect(report.lies.isEmpty, "\(report)")
        #expect(try report.caseCount == 9 * files.size(path) + 1)
    }

    /// `StoreDamageTests` has the logs of stores that were not closed.
    @Test func findsEveryFlippedBitOfTheLog() throws {
        let files = try makeFiles()
        let mark = try files.size(Self.log) - Self.markBytes

        let report = files.matrix.flipEveryBit(of: Self.log) {
            $0 < mark ? [.refused] : [.harmless]
        }

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.counts == [.refused: 8 * mark, .harmless: 8 * Self.markBytes])
    }

    /// A log that ends behind one of its commits is what it was after that commit: nothing outside
    /// the log tells more, but the queue of a device that captures (`DeviceCutTests`). Behind any
    /// other byte the end is cut as a torn tail, and told of.
    @Test func cutsTheLogAtEveryLengthBehindItsLastWholeCommit() throws {
        let files = try makeFiles()
        let mark = try files.size(Self.log) - Self.markBytes

        let report = files.matrix.cutToEveryLength(of: Self.log) {
            if $0 >= mark { return [.harmless] }
            return files.commitEnds.contains($0) ? [.forgotten] : [.cut]
        }

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.counts[.forgotten] == files.commitEnds.filter { $0 < mark }.count)
    }

    @Test func findsAMissingLog() throws {
        let report = try makeFiles().matrix.remove(Self.log, allowing: [.refused])

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test func theLockMayHoldAnythingOrBeGone() throws {
        let files = try makeFiles()
        for bytes in [[0], [UInt8](repeating: 0xA5, count: 5000)] as [[UInt8]] {
            let disk = SimulatedDisk(copyOf: files.disk, at: "/db")
            disk.replaceTree(at: "/db/LOCK", with: SimulatedDiskTree(file: bytes))
            #expect(try StoreFiles.open(disk).content == StoreFiles.open(files.disk).content)
        }
        let report = files.matrix.remove("/db/LOCK", allowing: [.harmless])
        #expect(report.lies.isEmpty, "\(report)")
    }

    /// A reader beside the store takes an end that is not whole for one that is being written, and
    /// waits: it shows an earlier moment, and never anything else.
    @Test func readersShowNothingButTheTruth() throws {
        let files = try makeFiles()
        let matrix = DamageMatrix(
            files.disk, at: "/db", content: try #require(files.read.last),
            earlier: files.read.dropLast()
        ) { disk in
            do throws(StoreError) {
                let reader = try DiskEntityReader(directory: "/db", disk: disk)
                return OpenedFiles(StoreContent(reader), repairs: 0) {}
            } catch {
                guard error.code == .damaged else { throw error }
                throw DamageReport(error)
            }
        }
        let mark = try files.size(Self.log) - Self.markBytes

        var report = MatrixReport()
        for path in Self.small {
            report.add(matrix.flipEveryBit(of: path, bits: [3]) { _ in [.refused] })
        }
        report.add(
            matrix.flipEveryBit(of: Self.log, bits: [0, 6]) {
                $0 < mark ? [.refused] : [.harmless]
            })
        report.add(
            matrix.cutToEveryLength(of: Self.log) { $0 >= mark ? [.harmless] : [.forgotten] })

        #expect(report.lies.isEmpty, "\(report)")
    }

    /// What an interrupted replacement leaves under another name is nobody's.
    @Test(arguments: ["MANIFEST.new", "SEGMENTS/seg-000003.dat"])
    func leftoversMayHoldAnything(name: String) throws {
        let files = try makeFiles()
        let disk = SimulatedDisk(copyOf: files.disk, at: "/db")
        disk.replaceTree(at: "/db/" + name, with: SimulatedDiskTree(file: [1, 2, 3]))

        let found = try StoreFiles.open(disk)

        #expect(try found.content == StoreFiles.open(files.disk).content)
    }
}
