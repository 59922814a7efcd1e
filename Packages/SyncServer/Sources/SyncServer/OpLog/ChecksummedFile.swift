// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

// A small file beside the op log; integers little-endian:
//
//      0   4  purpose   four ASCII letters
//      4   2  format    1
//      6   2  reserved  0
//      8   4  CRC32C    of the eight bytes before it and of the body
//     12   …  body      one CBOR item, to the end of the file

/// A small file that is replaced whole and checked when it is read.
enum ChecksummedFile {
    private static let headerLength = 12
    private static let format: UInt16 = 1

    /// Makes `body` the content of the file, durable and atomically.
    static func replace(
        _ path: String, purpose: StaticString, body: [UInt8], on disk: some FileSystem
    ) throws(OpLogError) {
        var bytes = purpose.withUTF8Buffer { Array($0) }
        bytes.append(littleEndian: format)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: checksum(of: bytes, body))
        bytes += body
        let content = bytes
        try mappingDiskErrors { () throws(FileSystemError) in
            try AtomicFile.replace(path, content, on: disk)
        }
    }

    /// Reads the file's body; `nil` if there is no such file.
    ///
    /// - Throws: `OpLogError`: `damaged`, `newerFormat`, `io`.
    static func read(
        _ path: String, purpose: StaticString, on disk: some FileSystem
    ) throws(OpLogError) -> [UInt8]? {
        let content = try mappingDiskErrors { () throws(FileSystemError) in
            try AtomicFile.read(path, on: disk)
        }
        guard let content else { return nil }
        guard content.count >= headerLength,
            content.starts(with: purpose.withUTF8Buffer { Array($0) })
        else { throw .damaged(path, at: 0, "The file does not begin as it must") }
        let (fileFormat, stored) = content.withUnsafeBytes { bytes in
            (bytes.littleEndian(at: 4, as: UInt16.self), bytes.littleEndian(at: 8, as: UInt32.self))
        }
        let body = Array(content[headerLength...])
        guard checksum(of: Array(content[..<8]), body) == stored else {
            throw .damaged(path, at: 0, "The file fails its checksum")
        }
        guard fileFormat == format else {
            throw .newerFormat(
                path, at: 4,
                "The file has format \(fileFormat), and this program knows format \(format)")
        }
        return body
    }

    private static func checksum(of header: [UInt8], _ body: [UInt8]) -> UInt32 {
        CRC32C.checksum(of: body, continuing: CRC32C.checksum(of: header))
    }

    /// Reads a body that is one CBOR item of the shape that `read` takes.
    static func decode<Value>(
        _ body: [UInt8], of path: String,
        _ read: (inout CBORReader) throws(CBORError) -> Value
    ) throws(OpLogError) -> Value {
        let limits = CBORLimits(
            maxDepth: messageMaxDepth, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)
        do throws(CBORError) {
            return try CBORReader.read(body, limits: limits, read)
        } catch {
            throw .damaged(
                path, at: UInt64(headerLength + error.offset),
                "The file's content is not what it must be (\(error.code.rawValue))")
        }
    }
}
