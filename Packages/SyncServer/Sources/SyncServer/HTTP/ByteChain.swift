// SPDX-License-Identifier: MIT

/// Bytes in parts that lie where they lie: large parts are kept as they are and never copied, small
/// ones are joined.
struct ByteChain: Equatable {
    /// Below this size a copy costs less than a part of its own.
    private static let copiedBytesMax = 8 << 10

    /// How many bytes there are.
    private(set) var count = 0
    private var closed: [ArraySlice<UInt8>] = []
    /// The small parts behind the closed ones, joined.
    private var open: [UInt8] = []

    /// Creates a chain of one part.
    init(_ bytes: [UInt8] = []) { append(bytes[...]) }

    /// The parts in order; none is empty.
    var parts: [ArraySlice<UInt8>] { open.isEmpty ? closed : closed + [open[...]] }

    /// All bytes in one piece; O(n).
    var joined: [UInt8] { Array(parts.joined()) }

    /// Adds bytes at the end.
    mutating func append(_ bytes: ArraySlice<UInt8>) {
        count += bytes.count
        if bytes.count < Self.copiedBytesMax {
            open.append(contentsOf: bytes)
            return
        }
        close()
        closed.append(bytes)
    }

    /// Adds another chain at the end.
    mutating func append(_ chain: ByteChain) {
        for part in chain.closed { append(part) }
        append(chain.open[...])
    }

    /// Takes bytes away at the end. O(1) for few.
    ///
    /// - Precondition: `length` is not above `count`.
    mutating func truncate(to length: Int) {
        precondition(length <= count, "A chain cannot be cut to more than it has.")
        var surplus = count - length
        count = length
        let fromOpen = min(surplus, open.count)
        open.removeLast(fromOpen)
        surplus -= fromOpen
        while surplus > 0, let last = closed.last {
            if last.count > surplus {
                closed[closed.count - 1] = last.dropLast(surplus)
                return
            }
            closed.removeLast()
            surplus -= last.count
        }
    }

    private mutating func close() {
        guard !open.isEmpty else { return }
        closed.append(open[...])
        open = []
    }

    /// Two chains are equal if their bytes are, however these are parted.
    static func == (left: ByteChain, right: ByteChain) -> Bool {
        left.count == right.count && left.parts.joined().elementsEqual(right.parts.joined())
    }
}
