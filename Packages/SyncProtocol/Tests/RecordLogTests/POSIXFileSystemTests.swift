// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncTestSupport
import Testing

@Suite struct POSIXFileSystemTests {
    let disk = POSIXFileSystem()
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func path(_ name: String) -> String { folder.path + "/" + name }

    @Test func bytesAreReadWhereTheyWereWritten() throws {
        let file = try disk.openFile(at: path("a"), .createNew)

        try file.write([1, 2, 3], at: 5)
        try file.sync()

        #expect(try file.size() == 8)
        #expect(try file.read(count: 20, at: 3) == [0, 0, 1, 2, 3])
        #expect(try file.read(count: 20, at: 8) == [])
        try file.truncate(to: 6)
        try file.truncate(to: 8)
        #expect(try file.read(count: 20, at: 4) == [0, 1, 0, 0])
        try disk.syncDirectory(at: folder.path)
    }

    @Test func errorsNameTheCallTheFileAndWhatTheSystemSaid() throws {
        let missing = #expect(throws: FileSystemError.self) {
            try disk.openFile(at: path("missing"), .read)
        }
        #expect(missing?.isNotFound == true)
        #expect(missing?.description.contains("open failed on \(path("missing"))") == true)
        #expect(missing?.message.contains("No such file") == true)

        _ = try disk.openFile(at: path("a"), .createNew)
        let taken = #expect(throws: FileSystemError.self) {
            try disk.openFile(at: path("a"), .createNew)
        }
        #expect(taken?.alreadyExists == true)

        #expect(throws: FileSystemError.self) { try disk.openFile(at: folder.path, .read) }
        let reading = try disk.openFile(at: path("a"), .read)
        #expect(throws: FileSystemError.self) { try reading.write([1], at: 0) }
        #expect(throws: FileSystemError.self) { try reading.read(count: 1, at: .max) }
    }

    @Test(arguments: [
        (FileSystemError.Number.outOfSpace, "Free space"),
        (FileSystemError.Number.readOnlyFileSystem, "mount it read-write"),
        (FileSystemError.Number.permissionDenied, "permission"),
        (FileSystemError.Number.tooManyOpenFiles, "ulimit -n"),
        (FileSystemError.Number.inputOutput, "another disk"),
    ])
    func errorsThatTheUserCanRemedySayHow(_ errorNumber: Int32, _ remedy: String) {
        let error = FileSystemError(operation: .write, path: "a", errorNumber: errorNumber)

        #expect(error.message.contains(remedy))
    }

    #if os(Linux)
        @Test func aFullDeviceIsOutOfSpace() throws {
            let full = try disk.openFile(at: "/dev/full", .readWrite)

            let error = #expect(throws: FileSystemError.self) { try full.write([1], at: 0) }

            #expect(error?.isOutOfSpace == true)
        }
    #endif

    @Test func aLockIsRefusedTwiceInOneProcessUntilItIsReleased() throws {
        let first = try #require(try disk.lockFile(at: path("lock")))
        #expect(try disk.lockFile(at: path("lock")) == nil)

        first.release()
        first.release()
        var second = try disk.lockFile(at: path("lock"))
        #expect(second != nil)
        #expect(try disk.lockFile(at: path("lock")) == nil)
        second = nil
        #expect(try disk.lockFile(at: path("lock")) != nil)
    }

    @Test func descriptorsCloseWithTheLastReference() throws {
        // More than the usual limit of 1024, one after the other.
        for _ in 0..<3000 { _ = try disk.openFile(at: path("a"), .createIfMissing) }
        for _ in 0..<3000 { try #require(try disk.lockFile(at: path("a"))).release() }
        for _ in 0..<3000 { try disk.syncDirectory(at: folder.path) }
    }

    @Test func namesComeInBytewiseOrder() throws {
        // Two forms of é: different names, which String comparison would take for one.
        let names = ["Z", "a", "b", "e\u{301}", "\u{E9}"]
        for name in names.reversed() { _ = try disk.openFile(at: path(name), .createNew) }

        let found = try disk.contentsOfDirectory(at: folder.path)

        #expect(found.map { Array($0.utf8) } == names.map { Array($0.utf8) })
    }

    @Test func filesAreTheirOwnersAlone() throws {
        _ = try disk.openFile(at: path("a"), .createNew)
        try disk.createDirectory(at: path("d"))

        for (name, mode) in [("a", 0o600), ("d", 0o700)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
            #expect(attributes[.posixPermissions] as? Int == mode)
        }
    }

    @Test func aRecordLogOnRealFilesIsReopenedCutAndChecked() throws {
        var generator = SeededGenerator(seed: 1)
        let log = try RecordLogFile.create(
            at: path("log"), on: disk, purpose: .test, using: &generator)
        let offsets = try log.write(samplePayloads(0..<50))
        try log.close()
        func open() throws -> RecordLogFile<POSIXFileSystem> {
            try RecordLogFile.open(at: path("log"), on: disk, purpose: .test)
        }
        #expect(try open().payloads() == samplePayloads(0..<50))
        #expect(try disk.contentsOfDirectory(at: folder.path) == ["log"])

        let raw = try disk.openFile(at: path("log"), .readWrite)
        let size = try raw.size()
        try raw.write([1, 2, 3], at: size)
        #expect(try open().recovery == .init(records: 50, cutBytes: 3, cutOffset: size))
        #expect(try raw.size() == size)

        try raw.write([0xFF], at: offsets[7] + 17)
        let error = #expect(throws: RecordLogError.self) { try open() }
        #expect(error?.code == .damaged)
        #expect(error?.offset == offsets[7])
    }

    @Test func anAtomicFileOnRealFilesIsReplaced() throws {
        for number in 0..<3 as Range<UInt8> {
            try AtomicFile.replace(path("m"), [number], on: disk)
            #expect(try AtomicFile.read(path("m"), on: disk) == [number])
        }
        #expect(try disk.contentsOfDirectory(at: folder.path) == ["m"])
    }
}
