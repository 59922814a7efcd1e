// SPDX-License-Identifier: MIT

import RecordLog

/// What the system says of this process.
struct ProcessFigures: Equatable {
    /// When the process began, in seconds since 1970.
    var startSeconds: Double
    /// Processor time of user and system, in seconds.
    var cpuSeconds: Double
    /// Memory that is resident, in bytes; `nil` where `/proc` does not say.
    var residentBytes: UInt64?
}

extension ProcessFigures {
    /// The figures at present, of a process that began at `startMilliseconds`.
    init(startMilliseconds: UInt64) {
        startSeconds = Double(startMilliseconds) / 1_000
        cpuSeconds = SystemClock.processorSeconds
        residentBytes = Self.residentBytes(in: "/proc/self/statm", on: POSIXFileSystem())
    }

    /// The second number of Linux's `statm`, which counts pages.
    static func residentBytes(in path: String, on disk: some FileSystem) -> UInt64? {
        guard let bytes = try? disk.openFile(at: path, .read).read(count: 256, at: 0) else {
            return nil
        }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return nil }
        return pages * SystemClock.pageBytes
    }
}
