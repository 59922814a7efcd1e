// SPDX-License-Identifier: MIT

/// A file seen through arrays that slide along it, and that the records in them share.
///
/// Each array is filled once, by one read, and then only let go: a record that somebody keeps is a
/// part of it and stays as it is.
struct RecordWindow<File: RandomAccessFile>: Sendable {
    let file: File
    /// Nothing at or behind this offset is looked at.
    let end: UInt64
    private let checksum: FrameChecksum
    /// The file's bytes from `base` on.
    private var bytes: [UInt8] = []
    private var base: UInt64 = 0

    /// How much the first read takes: little enough for who wants a single record.
    static var firstCapacity: Int { 128 << 10 }
    /// How much every later read takes. The frame that an array ends inside of is read again with
    /// the next, and the larger the array is, the less that is of the whole.
    static var capacity: Int { 256 << 10 }

    init(_ file: File, end: UInt64, checksum: FrameChecksum) {
        self.file = file
        self.end = end
        self.checksum = checksum
    }

    /// The frame at `offset` and its payload, or `nil` if there is none or it fails its checksum.
    mutating func frame(
        at offset: UInt64
    ) throws(FileSystemError) -> (frame: RecordFrame, payload: ArraySlice<UInt8>)? {
        let headerStart = try index(of: offset, holding: UInt64(RecordFrame.headerLength))
        let frame = bytes.withUnsafeBytes {
            RecordFrame(UnsafeRawBufferPointer(rebasing: $0[headerStart...]), at: offset, end: end)
        }
        guard let frame else { return nil }
        let start = try index(of: offset, holding: frame.length)
        // The file became shorter while it was being read.
        guard frame.length <= UInt64(bytes.count - start) else { return nil }
        let payload = bytes[start + RecordFrame.headerLength..<start + Int(frame.length)]
        return checksum.isValid(frame, at: offset, payload) ? (frame, payload) : nil
    }

    /// The index in `bytes` of the file's byte at `offset`, with as many as `count` bytes behind it
    /// unless the file ends before.
    private mutating func index(
        of offset: UInt64, holding count: UInt64
    ) throws(FileSystemError) -> Int {
        if offset >= base, offset - base <= UInt64(bytes.count),
            count <= UInt64(bytes.count) - (offset - base)
        {
            return Int(offset - base)
        }
        // `RecordFrame` has found that the log reaches this far, so the length is no fiction. The
        // header behind a large frame comes with it, so that the next one is read once too.
        let capacity = max(
            UInt64(bytes.isEmpty ? Self.firstCapacity : Self.capacity),
            count + UInt64(RecordFrame.headerLength))
        bytes = try file.read(count: Int(min(capacity, end - offset)), at: offset)
        base = offset
        return 0
    }
}
