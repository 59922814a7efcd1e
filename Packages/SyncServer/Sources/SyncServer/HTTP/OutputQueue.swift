// SPDX-License-Identifier: MIT

/// Bytes that wait for a socket to take them.
///
/// Small pieces are joined so that they leave in one call; a large one is kept as it is and
/// never copied. Holds no memory when empty.
struct OutputQueue {
    /// Up to this size pieces are joined: above it a copy costs more than a system call.
    private static let joinedBytesMax = 64 * 1024
    /// A piece from this size on is not copied.
    private static let ownPieceBytesMin = 8 * 1024

    /// Number of bytes that wait.
    private(set) var count = 0
    private var pieces: [ArraySlice<UInt8>] = []
    /// How many pieces are gone.
    private var head = 0
    /// How many bytes of the first piece, or of `tail` if there is no piece, are gone.
    private var sent = 0
    /// Small pieces behind the others, joined.
    private var tail: [UInt8] = []

    var isEmpty: Bool { count == 0 }

    /// Adds `bytes` at the end.
    mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        let isPiece = bytes.count >= Self.ownPieceBytesMin
        if isPiece || tail.count + bytes.count > Self.joinedBytesMax {
            if !tail.isEmpty { pieces.append(tail[...]) }
            tail = []
        }
        if isPiece { pieces.append(bytes) } else { tail.append(contentsOf: bytes) }
    }

    /// Calls `body` with the first bytes, in one piece, and whether more wait behind them.
    func withFirst<Result>(_ body: (UnsafeRawBufferPointer, _ hasMore: Bool) -> Result) -> Result {
        let first = head < pieces.count ? pieces[head] : tail[...]
        return first.withUnsafeBytes { bytes in
            body(
                UnsafeRawBufferPointer(rebasing: bytes[sent...]), count > first.count - sent)
        }
    }

    /// Removes the first `number` bytes, which lie within one piece.
    mutating func removeFirst(_ number: Int) {
        let length = head < pieces.count ? pieces[head].count : tail.count
        precondition(number <= length - sent, "Only bytes of the first piece can have been sent")
        sent += number
        count -= number
        guard sent == length else { return }
        sent = 0
        if head < pieces.count {
            pieces[head] = []
            head += 1
            if head == pieces.count { (pieces, head) = ([], 0) }
        } else {
            tail = []
        }
    }
}
