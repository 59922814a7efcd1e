// SPDX-License-Identifier: MIT

/// What opening a log found in it, and what it did about a torn tail.
public struct RecordLogRecovery: Sendable, Equatable {
    /// How many records were checked: all of the log, or those from `knownSyncedEnd` on.
    public var records: Int
    /// How many bytes of a torn tail were cut off, without zeros behind them; in a log opened for
    /// reading, how many a writer would cut. Nobody had been told that they were durable.
    public var cutBytes: UInt64
    /// Where the tail was cut, or `nil` if there was none.
    public var cutOffset: UInt64?

    /// Creates a report.
    public init(records: Int, cutBytes: UInt64, cutOffset: UInt64?) {
        self.records = records
        self.cutBytes = cutBytes
        self.cutOffset = cutOffset
    }
}

/// The walk over a log's frames when it is opened: finds the end of what is whole, and decides
/// whether anything behind it is a torn tail or damage. It changes nothing.
struct RecordLogScan<File: RandomAccessFile> {
    private let path: String
    private let window: FrameWindow<File>

    /// How many records lie before `end`, from where the scan began.
    private(set) var records = 0
    /// Where the whole frames end: the file's end, or where its torn tail or its zeros begin.
    private(set) var end: UInt64
    /// Where the torn tail ends and nothing but zeros follows, or `end` if there is none.
    private(set) var tornEnd: UInt64
    /// Every byte before this offset is known to be synced.
    private(set) var syncedThrough: UInt64
    /// Whether the last frame before `end` is a sync mark that covers all before it.
    private(set) var endsWithMark = false

    /// Scans `file`, which is `size` bytes long.
    ///
    /// - Parameter knownSyncedEnd: A frame's offset, or the log's end, up to which the caller knows
    ///   that all was synced and checked; the scan begins there. 0 for everything.
    init(
        _ file: File, at path: String, size: UInt64, checksum: FrameChecksum, knownSyncedEnd: UInt64
    ) throws(RecordLogError) {
        self.path = path
        window = FrameWindow(file, end: size, checksum: checksum)
        let first = UInt64(RecordLogHeader.length)
        end = max(first, knownSyncedEnd)
        tornEnd = end
        syncedThrough = end
        guard end <= size else {
            throw .damaged(
                path, at: size, "The file ends here, but all up to byte \(end) was synced")
        }
        try walk(until: size)
        if end < size, end == knownSyncedEnd { try walk(from: first, reaching: end) }
        tornEnd = try reportingIO { [end] () throws(FileSystemError) in
            try file.zeroTail(from: end, size: size)
        }
        // So few zeros are the beginning of a frame that says that it has no payload.
        if tornEnd == end, size - end < UInt64(RecordFrame.headerLength) { tornEnd = size }
        if end < tornEnd { try requireTornTail() }
    }

    /// Moves `end` over valid frames.
    private mutating func walk(until limit: UInt64) throws(RecordLogError) {
        while end < limit,
            let frame = try reportingIO({ () throws(FileSystemError) in
                try window.checkedFrame(at: end)
            })
        {
            if frame.kind == .record { records += 1 }
            endsWithMark = frame.kind == .syncMark && frame.syncedThrough == end
            syncedThrough = max(syncedThrough, frame.syncedThrough)
            end += frame.length
        }
    }

    /// Finds out whether `known`, where no valid frame begins, is where one could begin at all. If
    /// the caller's offset lies inside a frame, cutting there would destroy records.
    private mutating func walk(from first: UInt64, reaching known: UInt64) throws(RecordLogError) {
        end = first
        try walk(until: known)
        if end < known {
            throw .damaged(path, at: end, "The frame here was synced and fails its checksum")
        } else if end > known {
            throw .outOfRange(path, at: known, "No frame begins here, but inside one")
        }
        records = 0
    }

    /// Fails if any valid frame behind `end` says that `end` was synced.
    ///
    /// The cost is bounded: candidates are told by their header, and those whose synced-through
    /// lies in range are rare. A file made to hold many of them uses up a budget in proportion to
    /// its length, and is then refused as damaged, which is the answer that destroys nothing.
    private func requireTornTail() throws(RecordLogError) {
        let bad = end
        let other = window.another()
        var budget = 32 * (tornEnd - bad) + (16 << 20)
        var position = bad + 1
        while let (offset, frame) = try reportingIO({ () throws(FileSystemError) in
            try window.nextCandidate(from: position, before: tornEnd, claiming: bad)
        }) {
            let isNear = window.holds(frame, at: offset)
            let cost = frame.length + (isNear ? 0 : UInt64(FrameWindow<File>.capacity))
            guard cost <= budget else {
                throw .damaged(
                    path, at: bad,
                    "The frame here fails its checksum, and so much behind it looks like frames "
                        + "that it cannot be told whether it was synced")
            }
            budget -= cost
            let isValid = try reportingIO { () throws(FileSystemError) in
                try (isNear ? window : other).isValid(frame, at: offset)
            }
            if isValid {
                throw .damaged(
                    path, at: bad,
                    "The frame here fails its checksum, and the frame at byte \(offset) says that "
                        + "it was synced")
            }
            position = offset + 1
        }
    }
}

extension FrameWindow {
    /// A second window on the same file.
    func another() -> FrameWindow {
        FrameWindow(file, end: end, checksum: checksum)
    }

    /// Whether all of `frame` at `offset` is in memory.
    func holds(_ frame: RecordFrame, at offset: UInt64) -> Bool {
        offset >= base && offset + frame.length <= base + UInt64(filled)
    }

    /// The first offset from `start` on, and before `limit`, where a frame's header may lie that
    /// claims that more than the bytes before `synced` were synced; with that header. Checks no
    /// checksum.
    func nextCandidate(
        from start: UInt64, before limit: UInt64, claiming synced: UInt64
    ) throws(FileSystemError) -> (offset: UInt64, frame: RecordFrame)? {
        var position = start
        while position < limit {
            let bytes = try bytes(at: position, atLeast: RecordFrame.headerLength)
            let held = bytes.count - RecordFrame.headerLength + 1
            guard held > 0 else { return nil }
            let count = Int(min(UInt64(held), limit - position))
            for index in 0..<count {
                // The kind first: one comparison turns most bytes away.
                guard bytes[index + 16] == 1 || bytes[index + 16] == 2 else { continue }
                let offset = position + UInt64(index)
                if let frame = RecordFrame(
                    UnsafeRawBufferPointer(rebasing: bytes[index...]), at: offset, end: end),
                    frame.syncedThrough > synced
                {
                    return (offset, frame)
                }
            }
            position += UInt64(count)
        }
        return nil
    }
}
