// SPDX-License-Identifier: MIT

// Law: behind the last frame, the disk holds zeros or frames that were never synced, and a frame
// that is left over from a crash is never there when a new one is written. For a stale frame that
// lay exactly where the new ones end would pass its checksum. So opening cuts whatever is not zero
// and syncs that before anything is written, and zeros are written only where the file has grown,
// or over zeros.

extension RecordLogLimits {
    /// Zeros are written up to multiples of so many bytes: 64 KiB.
    public static let zeroFillUnitBytes = 64 << 10
}

extension RecordLogFile {
    /// A piece of zeros to write from.
    static var zeros: [UInt8] { [UInt8](repeating: 0, count: RecordLogLimits.zeroFillUnitBytes) }

    /// Takes the number that `create` and `open` are given.
    func setZeroFill(_ bytes: Int) {
        precondition(
            bytes >= 0 && bytes % RecordLogLimits.zeroFillUnitBytes == 0,
            "Zeros are kept in multiples of RecordLogLimits.zeroFillUnitBytes.")
        zeroFillBytes = UInt64(bytes)
    }

    /// Sees to it that zeros lie behind `end`, where the frames end that were just written, so that
    /// the sync that is due covers them too.
    ///
    /// A log doubles at most, so that a small one stays small. If there is no room for zeros, or
    /// they fail for another reason, the log goes on without: the frames are what matters.
    func fillWithZeros(behind end: UInt64) {
        filledEnd = max(filledEnd, end)
        // The sync mark follows before the next chance to write zeros, and fewer of them behind it
        // than a frame's header would be taken for a torn write.
        let needed = end + 2 * UInt64(RecordFrame.headerLength)
        guard zeroFillBytes > 0, needed > filledEnd else { return }
        let unit = UInt64(RecordLogLimits.zeroFillUnitBytes)
        let target = (needed + min(max(end, unit), zeroFillBytes)) / unit * unit
        let zeros = Self.zeros
        do throws(FileSystemError) {
            var offset = end
            while offset < target {
                let count = unit - offset % unit
                try reader.file.write(
                    count == unit ? zeros : Array(zeros[..<Int(count)]), at: offset)
                offset += count
            }
            filledEnd = target
        } catch {
            zeroFillBytes = 0
            // The sync mark needs the room that the zeros have taken.
            filledEnd = target
            do throws(FileSystemError) { try cutZeros(behind: end) } catch {}
        }
    }

    /// Takes the zeros behind `end` out of the file, if there are any.
    func cutZeros(behind end: UInt64) throws(FileSystemError) {
        guard filledEnd > end else { return }
        try reader.file.truncate(to: end)
        filledEnd = end
    }
}

extension RandomAccessFile {
    /// Where the zeros begin that the file, of `size` bytes, ends with: behind the last byte that
    /// is not zero, or at `start` if there is none from there on.
    ///
    /// Reads the zeros, from the end on, and at most 64 KiB more.
    func zeroTail(
        from start: UInt64, size: UInt64
    ) throws(FileSystemError) -> UInt64 {
        var end = size
        // Few bytes first: most files do not end with zeros.
        var count: UInt64 = 4 << 10
        while end > start {
            let offset = end - min(end - start, count)
            let bytes = try read(count: Int(end - offset), at: offset)
            if let last = bytes.lastIndexOfNonZero { return offset + UInt64(last) + 1 }
            end = offset
            count = 64 << 10
        }
        return start
    }
}

extension [UInt8] {
    /// The index of the last byte that is not zero.
    fileprivate var lastIndexOfNonZero: Int? {
        withUnsafeBytes { bytes in
            var end = bytes.count
            while end >= 8, bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0 {
                end -= 8
            }
            return bytes[..<end].lastIndex { $0 != 0 }
        }
    }
}
