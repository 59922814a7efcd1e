// SPDX-License-Identifier: MIT

/// A file seen through 64 KiB of memory that slide along it, to check frames there without
/// keeping any of them.
final class FrameWindow<File: RandomAccessFile> {
    let file: File
    /// Nothing at or behind this offset is looked at.
    let end: UInt64
    let checksum: FrameChecksum
    private let buffer: UnsafeMutableRawBufferPointer
    /// The file's bytes from `base` lie in the first `filled` bytes of `buffer`.
    private(set) var base: UInt64 = 0
    private(set) var filled = 0

    /// Large enough that the calls cost nothing beside the bytes, small enough for one per reader.
    static var capacity: Int { 64 << 10 }

    init(_ file: File, end: UInt64, checksum: FrameChecksum) {
        self.file = file
        self.end = end
        self.checksum = checksum
        buffer = .allocate(byteCount: Self.capacity, alignment: 8)
    }

    deinit {
        buffer.deallocate()
    }

    /// The file's bytes from `offset` on: all that the window holds, and at least `count` of them
    /// unless the log ends before. They are valid until the next call.
    ///
    /// - Precondition: `count` is at most `capacity`.
    func bytes(
        at offset: UInt64, atLeast count: Int
    ) throws(FileSystemError) -> UnsafeRawBufferPointer {
        guard offset < end else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let wanted = min(UInt64(count), end - offset)
        if offset < base || offset + wanted > base + UInt64(filled) {
            filled = 0
            let readable = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<Int(min(UInt64(Self.capacity), end - offset))])
            filled = try file.read(into: readable, at: offset)
            base = offset
        }
        let start = Int(offset - base)
        return UnsafeRawBufferPointer(rebasing: buffer[min(start, filled)..<filled])
    }

    /// The frame at `offset` by its header alone, or `nil` if there can be none.
    func header(at offset: UInt64) throws(FileSystemError) -> RecordFrame? {
        RecordFrame(
            try bytes(at: offset, atLeast: RecordFrame.headerLength), at: offset, end: end)
    }

    /// The frame at `offset`, or `nil` if there is none or it fails its checksum.
    func checkedFrame(at offset: UInt64) throws(FileSystemError) -> RecordFrame? {
        guard let frame = try header(at: offset) else { return nil }
        return try isValid(frame, at: offset) ? frame : nil
    }

    /// Whether `frame`, read at `offset`, passes its checksum. The payload streams through.
    func isValid(_ frame: RecordFrame, at offset: UInt64) throws(FileSystemError) -> Bool {
        var state = checksum.beginning(of: frame, at: offset)
        var position = offset + UInt64(RecordFrame.headerLength)
        let frameEnd = offset + frame.length
        while position < frameEnd {
            let available = try bytes(at: position, atLeast: 1)
            let count = min(UInt64(available.count), frameEnd - position)
            // The file became shorter while it was being read.
            if count == 0 { return false }
            state = CRC32C.checksum(
                of: UnsafeRawBufferPointer(rebasing: available[..<Int(count)]), continuing: state)
            position += count
        }
        return state == frame.checksum
    }
}
