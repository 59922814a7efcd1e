// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// The simulated disk and the real one, given the same calls, show the same.
@Suite struct SimulatedDiskAgreementTests {
    /// One disk with the files that are open on it; every call returns its visible result as text.
    final class Player<Disk: FileSystem> {
        let disk: Disk
        let base: String
        var files: [Disk.File] = []
        var locks: [Disk.Lock] = []

        init(_ disk: Disk, base: String) {
            self.disk = disk
            self.base = base
        }

        func play(using generator: inout SeededGenerator) -> String {
            let path = name(using: &generator)
            do throws(FileSystemError) {
                switch Int.random(in: 0..<14, using: &generator) {
                case 0, 1: return try open(path, using: &generator)
                case 2:
                    let target = name(using: &generator)
                    if parent(path) != parent(target) { return "other directory" }
                    try disk.rename(base + path, to: base + target)
                    return "renamed \(path) \(target)"
                case 3: try disk.removeFile(at: base + path); return "removed \(path)"
                case 4: try disk.createDirectory(at: base + path); return "directory \(path)"
                case 5: return "\(try disk.contentsOfDirectory(at: base + path))"
                case 6: return "\(try disk.fileExists(at: base + path))"
                case 7: try disk.syncDirectory(at: base + path); return "synced \(path)"
                case 8: return try lock(path, using: &generator)
                default: return try useFile(using: &generator)
                }
            } catch {
                return "\(error.operation) \(error.errorNumber)"
            }
        }

        private func open(
            _ path: String, using generator: inout SeededGenerator
        ) throws(FileSystemError) -> String {
            let modes: [FileOpenMode] = [.read, .readWrite, .createNew, .createIfMissing]
            let mode = modes[Int.random(in: 0..<4, using: &generator)]
            files.append(try disk.openFile(at: base + path, mode))
            if files.count > 6 { files.removeFirst() }
            return "opened \(path) \(mode)"
        }

        private func lock(
            _ path: String, using generator: inout SeededGenerator
        ) throws(FileSystemError) -> String {
            if let first = locks.first, Bool.random(using: &generator) {
                first.release()
                locks.removeFirst()
                return "released"
            }
            guard let lock = try disk.lockFile(at: base + path) else { return "held" }
            locks.append(lock)
            return "locked"
        }

        private func useFile(
            using generator: inout SeededGenerator
        ) throws(FileSystemError) -> String {
            if files.isEmpty { return "no file" }
            let file = files[Int.random(in: 0..<files.count, using: &generator)]
            let offset = UInt64.random(in: 0..<12_000, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: return "\(try file.size())"
            case 1: try file.truncate(to: offset); return "truncated"
            case 2: try file.sync(); return "synced"
            case 3: return "\(try file.read(count: 9000, at: offset))"
            default:
                let count = Int.random(in: 0..<6000, using: &generator)
                let byte = UInt8.random(in: .min ... .max, using: &generator)
                try file.write([UInt8](repeating: byte, count: count), at: offset)
                return "wrote"
            }
        }

        private func name(using generator: inout SeededGenerator) -> String {
            let names = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/x"]
            return names[Int.random(in: 0..<names.count, using: &generator)]
        }

        private func parent(_ path: String) -> Substring {
            path.dropLast(path.reversed().prefix { $0 != "/" }.count)
        }
    }

    @Test(arguments: 0..<150 as Range<UInt64>)
    func theSameCallsGiveTheSameResults(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let simulated = Player(SimulatedDisk(), base: "")
        let real = Player(POSIXFileSystem(), base: folder.path + "/")
        var generator = SeededGenerator(seed: seed)
        for step in 0..<120 {
            var copy = generator
            let expected = real.play(using: &generator)
            let result = simulated.play(using: &copy)
            guard result == expected else {
                Issue.record("step \(step): \(result.prefix(80)), really \(expected.prefix(80))")
                return
            }
        }
    }
}
