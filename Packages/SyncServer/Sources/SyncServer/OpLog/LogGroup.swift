// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol

// The payload of one frame of the op log: a group of operations in the order of their cursors. What
// is committed together lies in one or more groups, which are written and synced together; a
// transaction lies in one. Integers little-endian:
//
//      0    2  group format   2
//      2    2  flags          0; a reader refuses flags that it does not know
//      4    4  count N        0 only in a compacted segment
//      8    8  first cursor   the group speaks for all cursors from this one
//     16    8  last cursor    to this one: those without an operation here were compacted away
//     24    8  committed at   the server's wall clock, milliseconds since 1970
//     32    4  names M
//     36    4  names length L
//     40    L  names          M times a length (2) and the UTF-8 of a collection or a device
//   40+L  12N  table          for each operation its length (4), whose top bit says that it belongs
//                             to the transaction of the operation before it, the numbers of its
//                             collection (2) and its device (2) among the names, and its cursor
//                             less the first one (4)
//          …   operations     N CBOR items one behind the other, each with its `cursor`: the very
//                             bytes that a pull returns
//          32  link           SHA-256 of the link before it and all bytes of the group before this
//                             one
//
// A name's number 65535 says that the name has no number: there were too many.
//
// Format 1 had neither last cursor, names nor link, and a table of lengths alone at byte 24.

/// The payload of a frame, taken apart. Holds the payload and nothing else.
struct LogGroup {
    static let format: UInt16 = 2
    static let headerLength = 40
    static let rowLength = 12
    static let linkLength = SHA256Digest.count
    static let continuesBit: UInt32 = 1 << 31
    static let unnamed: UInt16 = .max
    /// How many bytes of operations a frame holds at most, if there is a choice: enough that the
    /// bytes around them are nothing, and little to read for one operation out of their midst.
    static let bytesTarget = 64 << 10

    /// One operation of a group.
    struct Entry {
        /// Its position in the log.
        var cursor: Cursor
        /// Where its bytes lie in the payload, counted from the payload's start.
        var range: Range<Int>
        /// Whether it belongs to the transaction of the operation before it.
        var continuesTransaction: Bool
        /// The number of its collection's name, or `unnamed`.
        var collection: UInt16
        /// The number of its device's name, or `unnamed`.
        var device: UInt16
    }

    /// All of the frame's payload.
    let payload: ArraySlice<UInt8>
    /// How many operations there are.
    let count: Int
    /// The group speaks for the cursors from this one.
    let firstCursor: Cursor
    /// The last cursor that the group speaks for.
    let lastCursor: Cursor
    /// When the group was committed, in milliseconds since 1970.
    let committedAtMilliseconds: UInt64
    /// How many names there are.
    let nameCount: Int

    private let layout: Layout

    /// Where the parts lie.
    private struct Layout {
        var isFirstFormat: Bool
        var namesStart: Int
        var tableStart: Int
        var operationsStart: Int
        var operationsEnd: Int
        var rowLength: Int { isFirstFormat ? 4 : LogGroup.rowLength }
    }

    /// Takes a payload apart.
    ///
    /// - Throws: `LogGroupFault` if the parts do not add up, or the format is a later one.
    init(_ payload: ArraySlice<UInt8>) throws(LogGroupFault) {
        self.payload = payload
        var fault: LogGroupFault?
        let header = payload.withUnsafeBytes { bytes -> LogGroupHeader? in
            do throws(LogGroupFault) { return try LogGroupHeader(bytes) } catch {
                fault = error
                return nil
            }
        }
        guard let header else { throw fault ?? LogGroupFault(message: "The group is empty") }
        count = header.count
        firstCursor = Cursor(header.firstCursor)
        lastCursor = Cursor(header.lastCursor)
        committedAtMilliseconds = header.committedAt
        nameCount = header.nameCount
        layout = Layout(
            isFirstFormat: header.isFirstFormat, namesStart: header.namesStart,
            tableStart: header.tableStart, operationsStart: header.operationsStart,
            operationsEnd: header.operationsEnd)
    }

    /// Where the first operation's bytes begin, counted from the payload's start.
    var operationsStart: Int { layout.operationsStart }

    /// Calls `body` with each operation from the one at `cursor` on, until it returns `false`, and
    /// with the bytes of the payload.
    ///
    /// - Returns: Whether `body` never returned `false`.
    @discardableResult
    func forEach(
        from cursor: Cursor, _ body: (Entry, UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        payload.withUnsafeBytes { bytes in
            var start = layout.operationsStart
            for index in 0..<count {
                let entry = entry(index, startingAt: start, in: bytes)
                if entry.cursor >= cursor, !body(entry, bytes) { return false }
                start = entry.range.upperBound
            }
            return true
        }
    }

    private func entry(
        _ index: Int, startingAt start: Int, in bytes: UnsafeRawBufferPointer
    ) -> Entry {
        let row = layout.tableStart + layout.rowLength * index
        let length = bytes.littleEndian(at: row, as: UInt32.self)
        let range = start..<(start + Int(length & ~Self.continuesBit))
        let continues = length & Self.continuesBit != 0
        if layout.isFirstFormat {
            return Entry(
                cursor: Cursor(firstCursor.rawValue + UInt64(index)), range: range,
                continuesTransaction: continues, collection: Self.unnamed, device: Self.unnamed)
        }
        let distance = bytes.littleEndian(at: row + 8, as: UInt32.self)
        return Entry(
            cursor: Cursor(firstCursor.rawValue + UInt64(distance)), range: range,
            continuesTransaction: continues,
            collection: bytes.littleEndian(at: row + 4, as: UInt16.self),
            device: bytes.littleEndian(at: row + 6, as: UInt16.self))
    }

    /// The entries of all operations.
    var entries: [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        forEach(from: .start) { entry, _ in
            entries.append(entry)
            return true
        }
        return entries
    }

    /// The payload's bytes of an operation.
    func bytes(of entry: Entry) -> ArraySlice<UInt8> { slice(entry.range) }

    /// Some of the payload's bytes, counted from its start; not copied.
    func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
        let start = payload.startIndex
        return payload[(start + range.lowerBound)..<(start + range.upperBound)]
    }

    /// Calls `body` with each name in the order of its number.
    func forEachName(_ body: (UnsafeRawBufferPointer) -> Void) {
        payload.withUnsafeBytes { bytes in
            var position = layout.namesStart
            for _ in 0..<nameCount {
                let end = position + 2 + Int(bytes.littleEndian(at: position, as: UInt16.self))
                body(UnsafeRawBufferPointer(rebasing: bytes[(position + 2)..<end]))
                position = end
            }
        }
    }

    /// Where the names lie, by their numbers, counted from the payload's start.
    var names: [Range<Int>] {
        var names: [Range<Int>] = []
        names.reserveCapacity(nameCount)
        var position = layout.namesStart
        forEachName { name in
            names.append((position + 2)..<(position + 2 + name.count))
            position = position + 2 + name.count
        }
        return names
    }
}

// The chain.
extension LogGroup {
    /// The link that the group has, if its format has one.
    var storedLink: SHA256Digest? {
        if layout.isFirstFormat { return nil }
        return payload.withUnsafeBytes { bytes in
            SHA256Digest(UnsafeRawBufferPointer(rebasing: bytes[layout.operationsEnd...]))
        }
    }

    /// The link that the group must have behind `previous`.
    ///
    /// A group of the first format has none, and this one is what the next group builds on.
    func link(after previous: SHA256Digest, by hasher: SHA256) -> SHA256Digest {
        payload.withUnsafeBytes { bytes in
            Self.link(
                after: previous,
                UnsafeRawBufferPointer(rebasing: bytes[..<layout.operationsEnd]), by: hasher)
        }
    }

    /// The link of a group whose other bytes are `bytes`.
    static func link(
        after previous: SHA256Digest, _ bytes: UnsafeRawBufferPointer, by hasher: SHA256
    ) -> SHA256Digest {
        previous.withUnsafeBytes { hasher.digest(of: $0, bytes) }
    }
}
