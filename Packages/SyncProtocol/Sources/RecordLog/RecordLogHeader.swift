// SPDX-License-Identifier: MIT

// The first 40 bytes of a record log; integers little-endian:
//
//      0   4  magic          45 53 52 4C  "ESRL"
//      4   2  format version 1
//      6   2  header length  40: where the first frame begins
//      8   4  purpose        four ASCII letters: which program part the log belongs to
//     12  16  file id        random
//     28   8  reserved       zero, ignored when read
//     36   4  CRC32C         of the bytes before it
//
// Magic, version, header length and a CRC32C in the last four bytes of the header keep their places
// in every later version, so that an old program can tell "newer" from "damaged".

/// Which part of a program a record log belongs to: four ASCII letters in the file's header, so
/// that no log is taken for another one after a mix-up of files.
public struct RecordLogPurpose: Sendable, Hashable, CustomStringConvertible {
    let bytes: [UInt8]

    /// Creates a purpose from its letters.
    ///
    /// - Precondition: Four printable ASCII characters.
    public init(_ letters: StaticString) {
        let bytes = letters.withUTF8Buffer { Array($0) }
        precondition(
            bytes.count == 4 && bytes.allSatisfy { 0x20...0x7E ~= $0 },
            "A record log's purpose is four printable ASCII characters.")
        self.bytes = bytes
    }

    /// Takes the purpose that a file states, whatever it is.
    init(stored bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The letters; bytes that are none, from a file of unknown making, as `?`.
    public var description: String {
        String(decoding: bytes.map { 0x20...0x7E ~= $0 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}

/// The header of a record log: which log it is, and the random id that all its checksums cover.
struct RecordLogHeader: Sendable, Equatable {
    static let length = 40
    static let formatVersion: UInt16 = 1
    static let magic: [UInt8] = Array("ESRL".utf8)
    /// No later version may make its header longer: a bound for what an old program reads of it.
    static let lengthMax = 4096

    var purpose: RecordLogPurpose
    var fileID: [UInt8]

    init(purpose: RecordLogPurpose, using generator: inout some RandomNumberGenerator) {
        self.purpose = purpose
        let low = generator.next()
        let high = generator.next()
        fileID = [UInt8](littleEndian: low) + [UInt8](littleEndian: high)
    }

    /// The header as it lies in the file.
    var encoded: [UInt8] {
        var bytes = Self.magic
        bytes += [UInt8](littleEndian: Self.formatVersion)
        bytes += [UInt8](littleEndian: UInt16(Self.length))
        bytes += purpose.bytes
        bytes += fileID
        bytes += [UInt8](repeating: 0, count: 8)
        return bytes + [UInt8](littleEndian: CRC32C.checksum(of: bytes))
    }

    /// Reads and checks the header of `file`, which must serve `purpose`.
    init(
        of file: some RandomAccessFile, at path: String, purpose: RecordLogPurpose
    ) throws(RecordLogError) {
        let bytes = try reportingIO { () throws(FileSystemError) in
            try file.read(count: Self.lengthMax, at: 0)
        }
        guard bytes.starts(with: Self.magic) else {
            throw RecordLogError(
                code: .notARecordLog, path: path, offset: 0,
                message: "This is not a record log: it does not begin with \"ESRL\". Check the "
                    + "path; nothing was changed.")
        }
        guard bytes.count >= Self.length else {
            throw .damaged(path, at: UInt64(bytes.count), "The file ends inside its header")
        }
        let version = UInt16(littleEndian: bytes, at: 4)
        let length = Int(UInt16(littleEndian: bytes, at: 6))
        guard length >= 12, length <= bytes.count,
            CRC32C.checksum(of: bytes[..<(length - 4)])
                == UInt32(littleEndian: bytes, at: length - 4)
        else { throw .damaged(path, at: 0, "The file's header fails its checksum") }
        guard version <= Self.formatVersion else {
            throw RecordLogError(
                code: .newerFormat, path: path, offset: 4,
                message: "The log has format version \(version); this program reads up to version "
                    + "\(Self.formatVersion). Update the program; nothing was changed.")
        }
        guard version == Self.formatVersion, length == Self.length else {
            throw .damaged(
                path, at: 4, "Format version \(version) with a header of \(length) bytes never was")
        }
        self.purpose = RecordLogPurpose(stored: Array(bytes[8..<12]))
        fileID = Array(bytes[12..<28])
        guard self.purpose == purpose else {
            throw RecordLogError(
                code: .wrongPurpose, path: path, offset: 8,
                message: "The log's purpose is \"\(self.purpose)\", not \"\(purpose)\". Files were "
                    + "mixed up: check the path; nothing was changed.")
        }
    }
}

extension [UInt8] {
    init(littleEndian value: some FixedWidthInteger) {
        self = Swift.withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }
}

extension FixedWidthInteger {
    /// Reads the integer whose first byte is `bytes[offset]`; traps if it is not wholly inside.
    init(littleEndian bytes: [UInt8], at offset: Int) {
        self = bytes.withUnsafeBytes {
            Self(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Self.self))
        }
    }
}
