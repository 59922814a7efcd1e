// SPDX-License-Identifier: MIT

/// Bytes whose heads come after their content.
///
/// A head begins as one byte. If its argument turns out to need more, they are noted with their
/// place and put in at the end, all in one pass, so that nesting does not move bytes again and
/// again.
struct NotationOutput {
    private var body: [UInt8] = []
    private var longHeads: [LongHead] = []
    /// The bytes of all arguments in `longHeads`.
    private var longHeadBytes = 0

    private struct LongHead {
        /// Where in the body the argument goes.
        var position: Int
        var argument: UInt64
        var size: Int
    }

    /// The number of bytes that are certain. It grows for content that is already there when a head
    /// around it is filled in.
    var count: Int { body.count + longHeadBytes }

    mutating func append(_ byte: UInt8) {
        body.append(byte)
    }

    mutating func append(_ bytes: some Collection<UInt8>) {
        body.append(contentsOf: bytes)
    }

    /// Appends a head's first byte, to be filled in.
    mutating func open() -> Int {
        body.append(0)
        return body.count - 1
    }

    mutating func set(_ head: Int, to byte: UInt8) {
        body[head] = byte
    }

    /// Fills in a head that `open()` has begun.
    mutating func fill(_ head: Int, major: UInt8, info: UInt8, argument: UInt64) {
        body[head] = major << 5 | info
        guard info >= 24 else { return }
        let size = 1 << Int(info - 24)
        longHeads.append(LongHead(position: head + 1, argument: argument, size: size))
        longHeadBytes += size
    }

    /// Appends a head whose argument is known.
    mutating func appendHead(major: UInt8, info: UInt8, argument: UInt64) {
        body.append(major << 5 | info)
        if info >= 24 { append(argument, size: 1 << Int(info - 24), to: &body) }
    }

    /// The additional information of the shortest head with this argument.
    static func info(of argument: UInt64) -> UInt8 {
        switch headSize(argument: argument) {
        case 1: UInt8(truncatingIfNeeded: argument)
        case 2: 24
        case 3: 25
        case 5: 26
        default: 27
        }
    }

    /// All bytes, with the long heads in their places.
    consuming func assembled() -> [UInt8] {
        guard !longHeads.isEmpty else { return body }
        // Heads are filled in from the inside out.
        longHeads.sort { $0.position < $1.position }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var start = 0
        for head in longHeads {
            result.append(contentsOf: body[start..<head.position])
            append(head.argument, size: head.size, to: &result)
            start = head.position
        }
        result.append(contentsOf: body[start...])
        return result
    }

    private func append(_ argument: UInt64, size: Int, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: argument.bigEndian) { bytes.append(contentsOf: $0.suffix(size)) }
    }
}
