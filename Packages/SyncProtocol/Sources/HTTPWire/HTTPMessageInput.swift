// SPDX-License-Identifier: MIT

/// The bytes of a connection that no message has consumed yet, and the search for lines in them.
struct HTTPMessageInput: Sendable {
    /// What the scan for a line end found.
    enum Line {
        case needMore
        /// `limit` bytes have come without a line end among them.
        case overLimit
        /// The line ends in front of this offset from `start`; `scanned` is behind its CRLF.
        case ends(at: Int)
    }

    /// Bytes that have come, from `start` on not yet consumed.
    private(set) var bytes: [UInt8] = []
    private(set) var start = 0
    /// How many bytes from `start` on are known to hold no line end; scanning goes on behind.
    private(set) var scanned = 0
    /// Bytes of the current message in front of `start`.
    private(set) var consumed = 0

    /// Bytes that are there and not consumed.
    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    /// The byte `offset` behind `start`, which is there.
    subscript(offset: Int) -> UInt8 { bytes[start + offset] }

    /// Bytes by their offsets from `start`; all of them are there.
    subscript(range: Range<Int>) -> ArraySlice<UInt8> {
        bytes[(start + range.lowerBound)..<(start + range.upperBound)]
    }

    /// Copies bytes to the end.
    mutating func append(_ new: UnsafeRawBufferPointer) {
        // Moving what is left costs no more than what was consumed before.
        if start > 0 && start >= bytes.count - start {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: new)
    }

    /// Counts `count` bytes as consumed and gives memory back when none are left.
    mutating func consume(_ count: Int) {
        start += count
        consumed += count
        scanned = 0
        if start == bytes.count {
            bytes = []
            start = 0
        }
    }

    /// Counts bytes that were taken without ever lying here.
    mutating func countConsumed(_ count: Int) { consumed += count }

    /// Counts positions from the next byte on.
    mutating func beginMessage() { consumed = 0 }

    /// Takes out what has been scanned: a whole head.
    mutating func takeScanned() -> [UInt8] {
        let count = scanned
        guard start == 0 && bytes.count == count else {
            defer { consume(count) }
            return Array(self[0..<count])
        }
        // All of it is taken, so nothing needs to be copied.
        defer { consumed = count }
        let taken = bytes
        bytes = []
        scanned = 0
        return taken
    }

    /// Scans on from `scanned` to the next CRLF, at most to `limit` bytes behind `start`.
    ///
    /// Control characters are refused where they stand, so binary garbage is answered at once.
    mutating func scanLine(limit: Int) throws(HTTPRejection) -> Line {
        let end = min(bytes.count, start + limit)
        let index = HTTPMessageInput.firstNonText(in: bytes, from: start + scanned, to: end)
        scanned = index - start
        guard index < end else { return scanned >= limit ? .overLimit : .needMore }
        switch bytes[index] {
        case ASCII.carriageReturn:
            if scanned + 1 >= limit { return .overLimit }
            guard index + 1 < bytes.count else { return .needMore }
            guard bytes[index + 1] == ASCII.lineFeed else {
                throw reject(400, "A CR stands alone; end each line with CRLF.", at: scanned)
            }
            defer { scanned += 2 }
            return .ends(at: scanned)
        case ASCII.lineFeed:
            throw reject(400, "An LF stands alone; end each line with CRLF.", at: scanned)
        default:
            throw reject(400, "A control character stands in the head; remove it.", at: scanned)
        }
    }

    private static func firstNonText(in bytes: [UInt8], from first: Int, to end: Int) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var index = first
            while index < end && ASCII.isValue(bytes[index]) { index += 1 }
            return index
        }
    }

    /// A rejection at the byte `offset` behind `start`.
    func reject(_ status: Int, _ reason: String, at offset: Int = 0) -> HTTPRejection {
        HTTPRejection(status: status, reason: reason, position: consumed + offset)
    }
}
