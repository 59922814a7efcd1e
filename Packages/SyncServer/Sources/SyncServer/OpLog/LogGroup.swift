// SPDX-License-Identifier: MIT

import SyncProtocol

// The payload of one frame of the op log: a group of operations at an unbroken run of cursors. What
// is committed together lies in one or more groups, which are written and synced together; a
// transaction lies in one. Integers little-endian:
//
//      0   2  group format   1
//      2   2  flags          0; a reader refuses flags that it does not know
//      4   4  count N        at least 1
//      8   8  first cursor
//     16   8  committed at   the server's wall clock, milliseconds since 1970
//     24  4N  lengths        of each operation in bytes; the top bit says that it belongs to the
//                            same transaction as the operation before it
//  24+4N      operations     N CBOR items one behind the other, each with its `cursor`: the very
//                            bytes that a pull returns

/// Collects what is committed together: operations that are encoded one after the other.
struct LogGroupBuilder {
    /// The cursor of the first operation.
    let firstCursor: Cursor
    /// Each operation's length, with `LogGroup.continuesBit`.
    private(set) var lengths: [UInt32] = []
    /// The operations, one behind the other.
    private(set) var operations: [UInt8] = []
    /// Where each operation begins in `operations`.
    private var starts: [Int] = []

    init(firstCursor: Cursor) { self.firstCursor = firstCursor }

    /// How many operations were added.
    var count: Int { lengths.count }
    /// The cursor that the next operation gets.
    var nextCursor: Cursor { Cursor(firstCursor.rawValue + UInt64(lengths.count)) }

    /// Adds an operation, one encoded CBOR item that holds `nextCursor`.
    mutating func append(_ item: [UInt8], continuesTransaction: Bool) {
        starts.append(operations.count)
        operations.append(contentsOf: item)
        lengths.append(UInt32(item.count) | (continuesTransaction ? LogGroup.continuesBit : 0))
    }

    /// The bytes of the operation at `cursor`, if it was added here.
    func operation(at cursor: Cursor) -> ArraySlice<UInt8>? {
        guard cursor >= firstCursor, cursor < nextCursor else { return nil }
        let index = Int(cursor.rawValue - firstCursor.rawValue)
        let start = starts[index]
        return operations[start..<(start + Int(lengths[index] & ~LogGroup.continuesBit))]
    }

    /// The frames' payloads, in order, with their first cursors.
    ///
    /// A frame is read as a whole, so each has `LogGroup.bytesTarget` at most, unless a single
    /// transaction has more.
    func payloads(
        committedAtMilliseconds: UInt64, bytesTarget: Int = LogGroup.bytesTarget
    ) -> [(firstCursor: Cursor, payload: [UInt8])] {
        var payloads: [(firstCursor: Cursor, payload: [UInt8])] = []
        var first = 0
        var transaction = 0
        for index in lengths.indices.dropFirst() + [lengths.count] {
            let isLast = index == lengths.count
            if !isLast, lengths[index] & LogGroup.continuesBit != 0 { continue }
            // The transaction that ends here fits into the frame, or begins the next one.
            if transaction > first, end(of: index - 1) - starts[first] > bytesTarget {
                payloads.append(payload(first..<transaction, committedAtMilliseconds))
                first = transaction
            }
            transaction = index
        }
        payloads.append(payload(first..<lengths.count, committedAtMilliseconds))
        return payloads
    }

    private func end(of index: Int) -> Int {
        starts[index] + Int(lengths[index] & ~LogGroup.continuesBit)
    }

    private func payload(
        _ range: Range<Int>, _ committedAtMilliseconds: UInt64
    ) -> (firstCursor: Cursor, payload: [UInt8]) {
        let cursor = Cursor(firstCursor.rawValue + UInt64(range.lowerBound))
        let items = operations[starts[range.lowerBound]..<end(of: range.upperBound - 1)]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(LogGroup.headerLength + 4 * range.count + items.count)
        bytes.append(littleEndian: LogGroup.format)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(range.count))
        bytes.append(littleEndian: cursor.rawValue)
        bytes.append(littleEndian: committedAtMilliseconds)
        for length in lengths[range] { bytes.append(littleEndian: length) }
        bytes.append(contentsOf: items)
        return (cursor, bytes)
    }
}

/// The payload of a frame, taken apart. Holds the payload and nothing else.
struct LogGroup {
    static let format: UInt16 = 1
    static let headerLength = 24
    static let continuesBit: UInt32 = 1 << 31
    /// How many bytes of operations a frame holds at most, if there is a choice: enough that the
    /// bytes around them are nothing, and little to read for one operation out of their midst.
    static let bytesTarget = 64 << 10

    /// One operation of a group.
    struct Entry {
        /// Where its bytes lie in `payload`.
        var range: Range<Int>
        /// Whether it belongs to the transaction of the operation before it.
        var continuesTransaction: Bool
    }

    /// All of the frame's payload.
    let payload: [UInt8]
    /// How many operations there are, at least 1.
    let count: Int
    /// The cursor of the first.
    let firstCursor: Cursor
    /// When the group was committed, in milliseconds since 1970.
    let committedAtMilliseconds: UInt64

    /// The cursor of the last operation.
    var lastCursor: Cursor { Cursor(firstCursor.rawValue + UInt64(count - 1)) }

    /// Takes a payload apart.
    ///
    /// - Throws: `LogGroupFault` if the lengths do not add up, or the format is a later one.
    init(_ payload: [UInt8]) throws(LogGroupFault) {
        guard payload.count >= Self.headerLength else {
            throw LogGroupFault(message: "The group ends inside its header")
        }
        let header = payload.withUnsafeBytes { bytes in
            (
                format: bytes.littleEndian(at: 0, as: UInt16.self),
                flags: bytes.littleEndian(at: 2, as: UInt16.self),
                count: bytes.littleEndian(at: 4, as: UInt32.self),
                firstCursor: bytes.littleEndian(at: 8, as: UInt64.self),
                committedAt: bytes.littleEndian(at: 16, as: UInt64.self)
            )
        }
        guard header.format == Self.format, header.flags == 0 else {
            throw LogGroupFault(
                isNewerFormat: true,
                message: "The group has format \(header.format) with flags \(header.flags), and "
                    + "this program knows format \(Self.format) without flags")
        }
        let tableEnd = Self.headerLength + 4 * Int(header.count)
        guard header.count > 0, tableEnd <= payload.count, header.firstCursor > 0,
            header.firstCursor <= wireIntegerMax - UInt64(header.count)
        else { throw LogGroupFault(message: "The group's count or first cursor is out of range") }
        self.payload = payload
        count = Int(header.count)
        firstCursor = Cursor(header.firstCursor)
        committedAtMilliseconds = header.committedAt
        guard lengthSum == payload.count - tableEnd else {
            throw LogGroupFault(message: "The lengths of the group's operations do not add up")
        }
    }

    /// Where the first operation's bytes begin.
    var operationsStart: Int { Self.headerLength + 4 * count }

    private var lengthSum: Int {
        payload.withUnsafeBytes { bytes in
            var sum = 0
            for index in 0..<count {
                sum += Int(Self.length(in: bytes, index) & ~Self.continuesBit)
            }
            return sum
        }
    }

    static func length(in bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
        bytes.littleEndian(at: headerLength + 4 * index, as: UInt32.self)
    }

    /// Calls `body` with each operation from the one at `cursor` on, until it returns `false`.
    ///
    /// - Returns: Whether `body` never returned `false`.
    @discardableResult
    func forEach(
        from cursor: Cursor, _ body: (Cursor, Entry, UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        payload.withUnsafeBytes { bytes in
            var start = operationsStart
            for index in 0..<count {
                let length = Self.length(in: bytes, index)
                let end = start + Int(length & ~Self.continuesBit)
                let position = Cursor(firstCursor.rawValue + UInt64(index))
                if position >= cursor {
                    let entry = Entry(
                        range: start..<end, continuesTransaction: length & Self.continuesBit != 0)
                    if !body(position, entry, bytes) { return false }
                }
                start = end
            }
            return true
        }
    }

    /// Where each operation begins in `payload`, and where the last one ends.
    var operationBounds: [Int] {
        var bounds = [operationsStart]
        bounds.reserveCapacity(count + 1)
        forEach(from: firstCursor) { _, entry, _ in
            bounds.append(entry.range.upperBound)
            return true
        }
        return bounds
    }
}

/// Why a frame's payload, whose checksum is right, is not a group.
struct LogGroupFault: Error, Equatable {
    /// Whether a later version of this program may know what it is.
    var isNewerFormat = false
    var message: String
}
