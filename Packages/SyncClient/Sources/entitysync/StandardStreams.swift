// SPDX-License-Identifier: MIT

/// Standard output, collected until it is flushed.
struct StandardOutput {
    private static let bufferBytesMax = 64 << 10
    private var buffer: [UInt8] = []

    mutating func write(_ text: String) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.bufferBytesMax { flush() }
    }

    mutating func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferBytesMax { flush() }
    }

    /// Writes what was collected. If nobody reads it any more, the process ends, quietly: that is
    /// how `… | head` ends it.
    mutating func flush() {
        guard Platform.write(buffer, to: Platform.standardOutput) else { Platform.exit(0) }
        buffer.removeAll(keepingCapacity: true)
    }
}

enum StandardError {
    /// Writes a line.
    static func write(_ text: String) {
        _ = Platform.write(Array((text + "\n").utf8), to: Platform.standardError)
    }
}
