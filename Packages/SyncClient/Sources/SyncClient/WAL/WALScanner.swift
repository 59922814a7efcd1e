// SPDX-License-Identifier: MIT

import RecordLog

/// Reads a log's records one after another, in chunks.
///
/// Says nothing about transactions: records of unfinished and aborted ones come like all others
/// (`TransactionAssembler` sorts that out). It does not notice that the file was truncated and
/// written anew under it either; `WALPoller` does, whenever `readCount` has changed.
struct WALScanner<File: RandomAccessFile> {
    /// What comes next in the file.
    enum Step {
        /// A whole record that starts at `offset`.
        case record(WALRecord, at: UInt64, byteCount: Int)
        /// The end of the file, behind a whole record.
        case end
        /// The file ends in what may still become a record, or is what a crash left of one.
        case unfinished(at: UInt64)
        /// Bytes that cannot be what a single write in progress leaves. They are none that were
        /// written badly, but ones that this reader does not understand, if `searchFrom` is nil;
        /// otherwise that is where records may be looked for behind them.
        case damage(at: UInt64, reason: String, searchFrom: UInt64?)
    }

    private let file: File
    private let chunkBytes: Int
    private var buffer: [UInt8] = []
    private var position = 0
    /// Where in the file the next record is looked for.
    private(set) var offset: UInt64
    /// How many times the file has been read.
    private(set) var readCount = 0
    /// The checksum of the last record: its last four bytes.
    private(set) var lastChecksum: UInt32 = 0

    init(_ file: File, from offset: UInt64 = 0, chunkBytes: Int = 256 << 10) {
        self.file = file
        self.offset = offset
        self.chunkBytes = chunkBytes
    }

    /// The next record; after `.end` and `.unfinished` the same place is tried again.
    mutating func next() throws(FileSystemError) -> Step {
        while true {
            switch decode() {
            case .record(let record, let byteCount):
                let start = offset
                position += byteCount
                offset += UInt64(byteCount)
                lastChecksum = checksum(before: position)
                return .record(record, at: start, byteCount: byteCount)
            case .incomplete(let byteCount):
                if try fill(byteCount) { continue }
                if buffer.count == position { return .end }
                // A length that nothing speaks for may only claim to leave the file.
                if WALRecordCodec.isLengthChecked(buffer[position...]) {
                    return .unfinished(at: offset)
                }
                return try unfinishedOrDamage(.lengthContradiction, span: 1)
            case .invalid(let fault, let span):
                return try unfinishedOrDamage(fault, span: span)
            }
        }
    }

    /// What bytes that are no record are, by what follows them.
    private mutating func unfinishedOrDamage(
        _ fault: WALRecordCodec.Fault, span: Int
    ) throws(FileSystemError) -> Step {
        guard fault.mayBeUnfinished else {
            return .damage(at: offset, reason: fault.reason, searchFrom: nil)
        }
        let next = offset + UInt64(span)
        guard try holdsRecord(from: next) else { return .unfinished(at: offset) }
        return .damage(at: offset, reason: fault.reason, searchFrom: next)
    }

    private func checksum(before end: Int) -> UInt32 {
        buffer.withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: end - 4, as: UInt32.self))
        }
    }

    private func decode() -> WALRecordCodec.Decoded {
        buffer.withUnsafeBytes {
            WALRecordCodec.decode(UnsafeRawBufferPointer(rebasing: $0[position...]))
        }
    }

    /// Whether `byteCount` bytes from `offset` on are in the buffer now; they are only read, and
    /// memory is only taken for them, if the file has them.
    private mutating func fill(_ byteCount: Int) throws(FileSystemError) -> Bool {
        readCount += 1
        let size = try file.size()
        let available = size > offset ? size - offset : 0
        let wanted = UInt64(byteCount) <= available ? max(byteCount, chunkBytes) : chunkBytes
        buffer = try file.read(count: Int(min(UInt64(wanted), available)), at: offset)
        position = 0
        return buffer.count >= byteCount
    }

    /// Whether a whole, valid record starts anywhere from `start` on: then what stands before it
    /// was written before it, and is not the end of the file.
    private mutating func holdsRecord(from start: UInt64) throws(FileSystemError) -> Bool {
        readCount += 1
        var search = WALRecordSearch(file, from: start)
        return try search.next() != nil
    }
}

/// Looks for valid records among bytes that need not be any.
struct WALRecordSearch<File: RandomAccessFile> {
    private let file: File
    private let chunkBytes = 64 << 10
    private var offset: UInt64

    init(_ file: File, from offset: UInt64) {
        self.file = file
        self.offset = offset
    }

    /// The next valid record that starts anywhere behind the last one.
    mutating func next() throws(FileSystemError) -> WALRecord? {
        while true {
            let chunk = try file.read(count: chunkBytes, at: offset)
            guard chunk.count >= WALRecordCodec.envelopeBytes else { return nil }
            var index = 0
            while let start = Self.magic(in: chunk, from: index) {
                if let found = try record(at: offset + UInt64(start), chunk[start...]) {
                    offset += UInt64(start + found.byteCount)
                    return found.record
                }
                index = start + 1
            }
            // A magic may lie across the end of the chunk.
            offset += UInt64(chunk.count - WALRecordCodec.magic.count + 1)
        }
    }

    private static func magic(in chunk: [UInt8], from index: Int) -> Int? {
        let magic = WALRecordCodec.magic
        var index = index
        while index + magic.count <= chunk.count {
            if chunk[index] == magic[0], chunk[index..<index + magic.count].elementsEqual(magic) {
                return index
            }
            index += 1
        }
        return nil
    }

    private func record(
        at start: UInt64, _ head: ArraySlice<UInt8>
    ) throws(FileSystemError) -> (record: WALRecord, byteCount: Int)? {
        var decoded = WALRecordCodec.decode([UInt8](head.prefix(1024)))
        if case .incomplete(let byteCount) = decoded {
            let available = try file.size()
            guard available >= start + UInt64(byteCount) else { return nil }
            let count = max(byteCount, Int(min(1024, available - start)))
            decoded = WALRecordCodec.decode(try file.read(count: count, at: start))
        }
        if case .incomplete(let byteCount) = decoded, try file.size() >= start + UInt64(byteCount) {
            decoded = WALRecordCodec.decode(try file.read(count: byteCount, at: start))
        }
        guard case .record(let record, let byteCount) = decoded else { return nil }
        return (record, byteCount)
    }
}
