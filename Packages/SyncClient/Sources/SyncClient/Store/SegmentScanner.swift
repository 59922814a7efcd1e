// SPDX-License-Identifier: MIT

import RecordLog

/// Reads a segment's records one after another, in chunks.
struct SegmentScanner<File: RandomAccessFile> {
    enum Step {
        case record(SegmentRecord, at: UInt64, byteCount: Int)
        case end
        /// The file ends inside a record.
        case unfinished(at: UInt64)
        case damage(at: UInt64, reason: String)
    }

    private let file: File
    private let format: SegmentFormat
    private let chunkBytes: Int
    private var buffer: [UInt8] = []
    private var position = 0
    private var offset: UInt64 = 0

    init(_ file: File, _ format: SegmentFormat, chunkBytes: Int = 256 << 10) {
        self.file = file
        self.format = format
        self.chunkBytes = chunkBytes
    }

    mutating func next() throws(FileSystemError) -> Step {
        if offset < format.firstRecordOffset {
            let header = try file.read(count: SegmentFormat.headerBytes, at: 0)
            guard header == SegmentFormat.header else {
                return .damage(at: 0, reason: "the segment does not start with its header")
            }
            offset = format.firstRecordOffset
        }
        while true {
            let decoded = buffer.withUnsafeBytes {
                format.decode(UnsafeRawBufferPointer(rebasing: $0[position...]))
            }
            switch decoded {
            case .record(let record, let byteCount):
                defer {
                    position += byteCount
                    offset += UInt64(byteCount)
                }
                return .record(record, at: offset, byteCount: byteCount)
            case .incomplete(let byteCount):
                if try fill(byteCount) { continue }
                return buffer.isEmpty ? .end : .unfinished(at: offset)
            case .invalid(let reason):
                return .damage(at: offset, reason: reason)
            }
        }
    }

    /// Whether `byteCount` bytes from `offset` on are in the buffer now. Memory is only taken for
    /// bytes that the file has.
    private mutating func fill(_ byteCount: Int) throws(FileSystemError) -> Bool {
        let size = try file.size()
        let available = size > offset ? size - offset : 0
        let wanted = UInt64(byteCount) <= available ? max(byteCount, chunkBytes) : chunkBytes
        buffer = try file.read(count: Int(min(UInt64(wanted), available)), at: offset)
        position = 0
        return buffer.count >= byteCount
    }
}
