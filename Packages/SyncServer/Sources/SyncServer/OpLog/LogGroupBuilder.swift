// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol

/// Collects operations that are committed together: each encoded, one behind the other.
struct LogGroupBuilder {
    /// What a group's table says of an operation.
    private struct Row {
        var cursor: Cursor
        /// Where its bytes begin in `operations`.
        var start: Int
        var length: Int
        var continuesTransaction: Bool
        /// Whether no frame may end before it.
        var followsInFrame: Bool
        /// The names' numbers in this builder.
        var collection: Int
        var device: Int
    }

    /// A frame's payload without its link.
    private struct Part {
        var firstCursor: Cursor
        var bytes: [UInt8]
    }

    /// The cursor of the first operation.
    let firstCursor: Cursor
    /// The operations, one behind the other.
    private(set) var operations: [UInt8] = []
    private var rows: [Row] = []
    private var names = NameList()
    /// The pairs of a collection and a device that there are operations of.
    private(set) var kinds: Set<Kind> = []

    /// The operations of one device on one collection, by the numbers of their names.
    struct Kind: Hashable {
        var collection: Int
        var device: Int
    }

    init(firstCursor: Cursor) { self.firstCursor = firstCursor }

    /// How many operations were added.
    var count: Int { rows.count }
    /// The cursor that the next operation gets, where there are no gaps.
    var nextCursor: Cursor { rows.last?.cursor.next ?? firstCursor }

    /// Adds an operation: one encoded CBOR item, of which the other parameters say again what the
    /// table needs.
    ///
    /// - Parameters:
    ///   - cursor: Its cursor; `nextCursor` unless given. Above all that were added.
    ///   - followsInFrame: Whether it must lie in one frame with the operation before it, of which
    ///     a crash would otherwise leave half; members of a transaction do anyway.
    mutating func append(
        _ item: ArraySlice<UInt8>, at cursor: Cursor? = nil, collection: UnsafeRawBufferPointer,
        deviceID: UnsafeRawBufferPointer, continuesTransaction: Bool,
        followsInFrame: Bool = false
    ) {
        let cursor = cursor ?? nextCursor
        precondition(cursor >= nextCursor, "Operations are added in the order of their cursors.")
        let kind = Kind(
            collection: names.number(of: collection), device: names.number(of: deviceID))
        if rows.last?.collection != kind.collection || rows.last?.device != kind.device {
            kinds.insert(kind)
        }
        rows.append(
            Row(
                cursor: cursor, start: operations.count, length: item.count,
                continuesTransaction: continuesTransaction,
                followsInFrame: continuesTransaction || followsInFrame,
                collection: kind.collection, device: kind.device))
        operations.append(contentsOf: item)
    }

    /// The bytes of the operation at `cursor`, if it was added here.
    ///
    /// - Precondition: The cursors have no gaps.
    func operation(at cursor: Cursor) -> ArraySlice<UInt8>? {
        guard cursor >= firstCursor, cursor < nextCursor else { return nil }
        let row = rows[Int(cursor.rawValue - firstCursor.rawValue)]
        return operations[row.start..<(row.start + row.length)]
    }

    /// Calls `body` with each operation: its kind, and where its bytes lie in `operations`.
    func forEach(_ body: (Kind, Range<Int>) -> Void) {
        for row in rows {
            body(
                Kind(collection: row.collection, device: row.device),
                row.start..<(row.start + row.length))
        }
    }

    /// Calls `body` with the bytes of a name.
    func withName<Result>(
        _ number: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        names.withName(number, body)
    }

    /// The frames' payloads, in order, with the cursors that they speak for.
    ///
    /// A frame is read as a whole, so each has `bytesTarget` at most, unless a single transaction
    /// has more.
    ///
    /// - Parameters:
    ///   - lastCursor: The last cursor that the frames speak for, if it has no operation.
    ///   - link: The link of the group before; afterwards that of the last of these.
    func payloads(
        committedAtMilliseconds: UInt64, bytesTarget: Int = LogGroup.bytesTarget,
        lastCursor: Cursor? = nil, link: inout SHA256Digest, by hasher: SHA256
    ) -> [(cursors: ClosedRange<Cursor>, payload: [UInt8])] {
        var payloads: [(cursors: ClosedRange<Cursor>, payload: [UInt8])] = []
        var cursor = firstCursor
        let ranges = frameRanges(bytesTarget)
        for range in ranges {
            var last = range.isEmpty ? cursor : rows[range.upperBound - 1].cursor
            if range.upperBound == rows.count, let lastCursor { last = lastCursor }
            let payload = payload(range, cursor...last, committedAtMilliseconds, &link, hasher)
            payloads.append((cursor...last, payload))
            cursor = last.next
        }
        return payloads
    }

    /// Which operations go into which frame.
    private func frameRanges(_ bytesTarget: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var first = 0
        var transaction = 0
        for index in 1..<(rows.count + 1) {
            let isLast = index == rows.count
            if !isLast, rows[index].followsInFrame { continue }
            // The transaction that ends here fits into the frame, or begins the next one.
            let end = rows[index - 1].start + rows[index - 1].length
            if transaction > first, end - rows[first].start > bytesTarget {
                ranges.append(first..<transaction)
                first = transaction
            }
            transaction = index
        }
        ranges.append(first..<rows.count)
        return ranges
    }

    private func payload(
        _ range: Range<Int>, _ cursors: ClosedRange<Cursor>, _ committedAtMilliseconds: UInt64,
        _ link: inout SHA256Digest, _ hasher: SHA256
    ) -> [UInt8] {
        let rows = rows[range]
        var numbers = FrameNames(names)
        for row in rows {
            numbers.add(row.collection)
            numbers.add(row.device)
        }
        let start = rows.first?.start ?? 0
        let end = rows.last.map { $0.start + $0.length } ?? 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            LogGroup.headerLength + numbers.bytes.count + LogGroup.rowLength * rows.count + end
                - start + LogGroup.linkLength)
        bytes.append(littleEndian: LogGroup.format)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(rows.count))
        bytes.append(littleEndian: cursors.lowerBound.rawValue)
        bytes.append(littleEndian: cursors.upperBound.rawValue)
        bytes.append(littleEndian: committedAtMilliseconds)
        bytes.append(littleEndian: UInt32(numbers.count))
        bytes.append(littleEndian: UInt32(numbers.bytes.count))
        bytes.append(contentsOf: numbers.bytes)
        for row in rows {
            let continues = row.continuesTransaction ? LogGroup.continuesBit : 0
            bytes.append(littleEndian: UInt32(row.length) | continues)
            bytes.append(littleEndian: numbers[row.collection])
            bytes.append(littleEndian: numbers[row.device])
            bytes.append(littleEndian: UInt32(row.cursor.rawValue - cursors.lowerBound.rawValue))
        }
        bytes.append(contentsOf: operations[start..<end])
        link = bytes.withUnsafeBytes { LogGroup.link(after: link, $0, by: hasher) }
        link.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }
}

/// Names, each once, with numbers in the order of their coming.
struct NameList {
    private var table = EntityTable<Void>()
    /// The numbers asked for last.
    private var recent = (-1, -1)

    /// The number of a name, which is added if it is new. O(1) on average.
    mutating func number(of name: UnsafeRawBufferPointer) -> Int {
        // Neighbours mostly have the same two names.
        if has(recent.0, name) { return recent.0 }
        if has(recent.1, name) { return recent.1 }
        let key = EntityKeyBytes(
            collection: UnsafeRawBufferPointer(start: nil, count: 0), entityID: name)
        let number = table.find(key) ?? table.set(key, ())
        recent = (number, recent.0)
        return number
    }

    private func has(_ number: Int, _ name: UnsafeRawBufferPointer) -> Bool {
        number >= 0 && withName(number) { $0.hasSameBytes(as: name) }
    }

    /// Calls `body` with the bytes of a name.
    func withName<Result>(
        _ number: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        table.withEntityID(of: number, body)
    }
}

/// The names of one frame, encoded, with numbers of their own.
private struct FrameNames {
    private let names: NameList
    private var numbers: [Int: UInt16] = [:]
    private(set) var bytes: [UInt8] = []

    var count: Int { numbers.count }

    init(_ names: NameList) { self.names = names }

    /// The number of a name in the frame.
    subscript(number: Int) -> UInt16 { numbers[number] ?? LogGroup.unnamed }

    mutating func add(_ number: Int) {
        guard numbers[number] == nil, numbers.count < LogGroup.unnamed else { return }
        numbers[number] = UInt16(numbers.count)
        names.withName(number) { name in
            bytes.append(littleEndian: UInt16(name.count))
            bytes.append(contentsOf: name)
        }
    }
}
