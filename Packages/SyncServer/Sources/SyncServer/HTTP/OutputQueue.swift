// SPDX-License-Identifier: MIT

/// Bytes that wait for a socket to take them.
///
/// Small pieces are joined so that they leave in one call; a large one is kept as it is and
/// never copied. Holds no memory when empty.
struct OutputQueue {
    /// Up to this size pieces are joined: above it a copy costs more than a system call.
    private static let joinedBytesMax = 64 * 1024

    /// Number of bytes that wait.
    private(set) var count = 0
    private var current: [UInt8] = []
    private var sent = 0
    private var waiting: [[UInt8]] = []

    var isEmpty: Bool { count == 0 }

    /// Adds `bytes` at the end.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        if current.isEmpty {
            current = bytes
        } else if waiting.isEmpty {
            if current.count + bytes.count <= OutputQueue.joinedBytesMax {
                current.append(contentsOf: bytes)
            } else {
                waiting.append(bytes)
            }
        } else if waiting[waiting.count - 1].count + bytes.count <= OutputQueue.joinedBytesMax {
            waiting[waiting.count - 1].append(contentsOf: bytes)
        } else {
            waiting.append(bytes)
        }
    }

    /// Calls `body` with the first bytes, in one piece, and whether more wait behind them.
    func withFirst<Result>(_ body: (UnsafeRawBufferPointer, _ hasMore: Bool) -> Result) -> Result {
        current.withUnsafeBytes { bytes in
            body(UnsafeRawBufferPointer(rebasing: bytes[sent...]), !waiting.isEmpty)
        }
    }

    /// Removes the first `number` bytes, which lie within one piece.
    mutating func removeFirst(_ number: Int) {
        precondition(
            number <= current.count - sent, "Only bytes of the first piece can have been sent")
        sent += number
        count -= number
        guard sent == current.count else { return }
        sent = 0
        current = waiting.isEmpty ? [] : waiting.removeFirst()
    }
}
