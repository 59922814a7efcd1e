// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncTestSupport

typealias SimulatedLog = RecordLogFile<SimulatedDisk>

extension RecordLogPurpose {
    static let test = RecordLogPurpose("TEST")
}

/// A log on a simulated disk, with what the tests ask of it most.
struct TestLog {
    let disk: SimulatedDisk
    let path = "log"
    var generator: SeededGenerator

    init(on disk: SimulatedDisk = SimulatedDisk(), seed: UInt64 = 1) {
        self.disk = disk
        generator = SeededGenerator(seed: seed)
    }

    mutating func create() throws -> SimulatedLog {
        try SimulatedLog.create(at: path, on: disk, purpose: .test, using: &generator)
    }

    func open(_ access: RecordLogAccess = .readWrite) throws -> SimulatedLog {
        try SimulatedLog.open(at: path, on: disk, purpose: .test, access: access)
    }

    /// Makes `bytes` the durable content of the file.
    func replace(with bytes: [UInt8]) throws {
        try AtomicFile.replace(path, bytes, on: disk)
    }

    var bytes: [UInt8] { disk.bytes(at: path) ?? [] }

    /// The error that opening the log ends with, or `nil`.
    func openError(_ access: RecordLogAccess = .readWrite) -> RecordLogError? {
        do {
            _ = try open(access)
            return nil
        } catch {
            return error as? RecordLogError
        }
    }
}

extension RecordLogFile {
    /// The payloads of all synced records.
    func payloads() throws -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        try forEach { record in
            payloads.append(Array(record.payload))
            return true
        }
        return payloads
    }

    /// Appends and syncs one batch of records.
    @discardableResult
    func write(_ payloads: [[UInt8]]) throws -> [UInt64] {
        let offsets = try payloads.map { try append($0) }
        try sync()
        return offsets
    }
}

extension Collection<UInt8> {
    /// How many bytes there are without the zeros that they end with.
    var countWithoutZeroTail: Int {
        count - Array(reversed()).prefix { $0 == 0 }.count
    }
}

/// Records of different lengths that no two are alike.
func samplePayloads(_ range: Range<Int>) -> [[UInt8]] {
    range.map { number in
        (0..<(number * 7) % 40).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
            + Array("#\(number)".utf8)
    }
}

/// A new folder, removed with the last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path(percentEncoded: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
