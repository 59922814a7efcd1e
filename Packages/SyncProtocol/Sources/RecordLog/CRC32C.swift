// SPDX-License-Identifier: MIT

#if arch(x86_64) || arch(arm64)
    import CChecksum
#endif

/// CRC-32C (Castagnoli), the checksum of this project's own files; RFC 3720 appendix B.4.
///
/// The ASCII digits `123456789` have the checksum E3069283. It finds every error burst of up to 32
/// bits and is no protection against intent. The processor's own instruction computes it where
/// there is one, which is found out when the program runs.
public enum CRC32C {
    static let table = CRCTable(reversedPolynomial: 0x82F6_3B78)

    #if arch(x86_64) || arch(arm64)
        package static let hasInstruction = cchecksum_is_supported() != 0
    #else
        package static let hasInstruction = false
    #endif

    /// The checksum of `bytes`.
    ///
    /// - Parameter checksum: The checksum of the bytes before these, to go on from; 0 to begin.
    public static func checksum(
        of bytes: UnsafeRawBufferPointer, continuing checksum: UInt32 = 0
    ) -> UInt32 {
        byInstruction(of: bytes, continuing: checksum)
            ?? table.checksum(of: bytes, continuing: checksum)
    }

    /// The checksum of `bytes`, in one pass if they lie together in memory.
    ///
    /// - Parameter checksum: The checksum of the bytes before these, to go on from; 0 to begin.
    public static func checksum(
        of bytes: some Collection<UInt8>, continuing checksum: UInt32 = 0
    ) -> UInt32 {
        let result = bytes.withContiguousStorageIfAvailable { buffer in
            self.checksum(of: UnsafeRawBufferPointer(buffer), continuing: checksum)
        }
        return result
            ?? Array(bytes).withUnsafeBytes { self.checksum(of: $0, continuing: checksum) }
    }

    /// The checksum as tables give it on a processor that has no instruction for it.
    package static func byTable(
        of bytes: UnsafeRawBufferPointer, continuing checksum: UInt32
    ) -> UInt32 {
        table.checksum(of: bytes, continuing: checksum)
    }

    /// The checksum as the processor's instruction gives it; `nil` if it has none.
    package static func byInstruction(
        of bytes: UnsafeRawBufferPointer, continuing checksum: UInt32
    ) -> UInt32? {
        #if arch(x86_64) || arch(arm64)
            guard hasInstruction else { return nil }
            guard let start = bytes.baseAddress else { return checksum }
            return ~cchecksum_crc32c(~checksum, start, bytes.count)
        #else
            return nil
        #endif
    }
}

/// CRC-32 (IEEE 802.3, zlib's `crc32`), which other people's files carry.
///
/// The ASCII digits `123456789` have the checksum CBF43926.
public enum CRC32 {
    static let table = CRCTable(reversedPolynomial: 0xEDB8_8320)

    /// The checksum of `bytes`.
    ///
    /// - Parameter checksum: The checksum of the bytes before these, to go on from; 0 to begin.
    public static func checksum(
        of bytes: UnsafeRawBufferPointer, continuing checksum: UInt32 = 0
    ) -> UInt32 {
        table.checksum(of: bytes, continuing: checksum)
    }

    /// The checksum of `bytes`, in one pass if they lie together in memory.
    ///
    /// - Parameter checksum: The checksum of the bytes before these, to go on from; 0 to begin.
    public static func checksum(
        of bytes: some Collection<UInt8>, continuing checksum: UInt32 = 0
    ) -> UInt32 {
        table.checksum(of: bytes, continuing: checksum)
    }
}

/// Eight tables of 256, so that eight bytes are folded in with eight independent look-ups.
///
/// Entry `256 * k + b` is what byte `b` contributes when `k` more bytes follow it.
struct CRCTable: Sendable {
    private let entries: [UInt32]

    init(reversedPolynomial: UInt32) {
        var entries = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 {
                value = value & 1 == 1 ? (value >> 1) ^ reversedPolynomial : value >> 1
            }
            entries[byte] = value
        }
        for index in 256..<entries.count {
            let before = entries[index - 256]
            entries[index] = (before >> 8) ^ entries[Int(before & 0xFF)]
        }
        self.entries = entries
    }

    func checksum(of bytes: some Collection<UInt8>, continuing checksum: UInt32) -> UInt32 {
        let result = bytes.withContiguousStorageIfAvailable { buffer in
            self.checksum(of: UnsafeRawBufferPointer(buffer), continuing: checksum)
        }
        return result
            ?? Array(bytes).withUnsafeBytes { self.checksum(of: $0, continuing: checksum) }
    }

    func checksum(of bytes: UnsafeRawBufferPointer, continuing checksum: UInt32) -> UInt32 {
        guard let start = bytes.baseAddress else { return checksum }
        return entries.withUnsafeBufferPointer { buffer in
            // `entries` is never empty, so it has an address; and every index below is a byte
            // value plus at most 7 * 256, inside its 2048. That proves the unchecked look-ups.
            let table = buffer.baseAddress.unsafelyUnwrapped
            var state = ~checksum
            var position = 0
            let blocksEnd = bytes.count & ~7
            while position < blocksEnd {
                let block = UInt64(
                    littleEndian: start.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: block) ^ state
                let high = UInt32(truncatingIfNeeded: block &>> 32)
                let early =
                    table[1792 &+ Int(low & 0xFF)] ^ table[1536 &+ Int((low &>> 8) & 0xFF)]
                    ^ table[1280 &+ Int((low &>> 16) & 0xFF)] ^ table[1024 &+ Int(low &>> 24)]
                let late =
                    table[768 &+ Int(high & 0xFF)] ^ table[512 &+ Int((high &>> 8) & 0xFF)]
                    ^ table[256 &+ Int((high &>> 16) & 0xFF)] ^ table[Int(high &>> 24)]
                state = early ^ late
                position &+= 8
            }
            while position < bytes.count {
                let byte = start.load(fromByteOffset: position, as: UInt8.self)
                state = (state &>> 8) ^ table[Int((state ^ UInt32(byte)) & 0xFF)]
                position &+= 1
            }
            return ~state
        }
    }
}
