// SPDX-License-Identifier: MIT

// A frame, at any byte offset behind the file header; integers little-endian:
//
//      0   4  payload length N    at most 2^28
//      4   4  CRC32C              of: file id (16) ‖ this frame's offset (8) ‖ N (4)
//                                     ‖ synced through (8) ‖ kind (1) ‖ payload (N)
//      8   8  synced through      S: every byte before offset S was known to be synced when this
//                                 frame was written; never more than this frame's offset
//     16   1  kind                1 record, 2 sync mark (N = 0)
//     17   N  payload
//
// File id and offset are in the checksum and not in the frame: a frame that was copied from another
// file, moved or repeated fails. Frames follow each other without gaps, up to the end of the file.
//
// Writing. `sync()` writes its frames in one write, syncs, and then writes a sync mark behind them
// whose S is its own offset. The mark itself becomes durable with the next sync, for free.
//
// Opening. Frames are checked from the front. Let X be the offset of the first that fails. If any
// valid frame further on, at whatever byte, has S > X, then X was synced and somebody was told so:
// that is damage. If none has, nobody was told, and X is where the torn tail is cut.

/// The envelope of one record or sync mark in a record log's file.
struct RecordFrame: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case record = 1
        case syncMark = 2
    }

    static let headerLength = 17
    /// A length beyond this is not a frame. A record is held in memory whole when it is written
    /// and when it is read, so there must be a bound; this one leaves room for the largest batch
    /// that the protocol allows, many times over.
    static let payloadBytesMax = 1 << 28

    var payloadLength: Int
    var checksum: UInt32
    var syncedThrough: UInt64
    var kind: Kind

    /// How many bytes the frame takes in the file.
    var length: UInt64 { UInt64(Self.headerLength + payloadLength) }

    /// Takes the frame's header from the first 17 bytes of `bytes`, or returns `nil` if no frame
    /// can begin with them at `offset` in a log that ends at `end`. Checks no checksum.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, end: UInt64) {
        guard bytes.count >= Self.headerLength, offset <= end,
            let kind = Kind(rawValue: bytes[16])
        else { return nil }
        let length = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        self.kind = kind
        payloadLength = Int(length)
        checksum = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        syncedThrough = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        guard payloadLength <= Self.payloadBytesMax, self.length <= end - offset,
            syncedThrough <= offset, kind == .record || payloadLength == 0
        else { return nil }
    }
}

/// The part of every frame's checksum that is the same in the whole file.
struct FrameChecksum: Sendable {
    private let ofFileID: UInt32

    init(fileID: [UInt8]) {
        ofFileID = CRC32C.checksum(of: fileID)
    }

    /// The checksum up to the payload, to go on from.
    func beginning(
        at offset: UInt64, payloadLength: Int, syncedThrough: UInt64, kind: RecordFrame.Kind
    ) -> UInt32 {
        withUnsafeTemporaryAllocation(byteCount: 21, alignment: 8) { bytes in
            bytes.storeBytes(of: offset.littleEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(
                of: UInt32(payloadLength).littleEndian, toByteOffset: 8, as: UInt32.self)
            bytes.storeBytes(of: syncedThrough.littleEndian, toByteOffset: 12, as: UInt64.self)
            bytes.storeBytes(of: kind.rawValue, toByteOffset: 20, as: UInt8.self)
            return CRC32C.checksum(of: UnsafeRawBufferPointer(bytes), continuing: ofFileID)
        }
    }

    /// The checksum of `frame` up to the payload, to go on from.
    func beginning(of frame: RecordFrame, at offset: UInt64) -> UInt32 {
        beginning(
            at: offset, payloadLength: frame.payloadLength, syncedThrough: frame.syncedThrough,
            kind: frame.kind)
    }

    /// Whether `frame`, which lies at `offset`, has this payload and passes its checksum.
    func isValid(_ frame: RecordFrame, at offset: UInt64, _ payload: ArraySlice<UInt8>) -> Bool {
        payload.count == frame.payloadLength
            && CRC32C.checksum(of: payload, continuing: beginning(of: frame, at: offset))
                == frame.checksum
    }

    /// Adds a whole frame, which will lie at `offset`, to `bytes`.
    func appendFrame(
        _ kind: RecordFrame.Kind, _ payload: UnsafeRawBufferPointer, at offset: UInt64,
        syncedThrough: UInt64, to bytes: inout [UInt8]
    ) {
        let beginning = beginning(
            at: offset, payloadLength: payload.count, syncedThrough: syncedThrough, kind: kind)
        let checksum = CRC32C.checksum(of: payload, continuing: beginning)
        withUnsafeBytes(of: UInt32(payload.count).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: syncedThrough.littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(kind.rawValue)
        bytes.append(contentsOf: payload)
    }
}
