// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A pipe that wakes a thread which polls. Owns its descriptors.
final class SocketWakeup: Sendable {
    /// Readable from the first `signal()` until `clear()`.
    let readEnd: CInt
    private let writeEnd: CInt

    /// Makes the pipe; nil if the process has no descriptors left.
    init?() {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        ends.forEach(SocketCalls.prepare)
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        SocketCalls.close(readEnd)
        SocketCalls.close(writeEnd)
    }

    /// Wakes the poller. Any thread may call it; a full pipe means that it is awake already.
    func signal() {
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    /// Makes `readEnd` unreadable until the next signal.
    func clear() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            while read(readEnd, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
