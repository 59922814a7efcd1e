// SPDX-License-Identifier: MIT

import CZlib

/// The gzip format (RFC 1952), through the system's zlib, for content that is in memory whole.
public enum Gzip {
    /// Room is taken in steps of so many bytes, as output comes.
    private static let stepBytes = 64 << 10

    /// Compresses `parts`, one behind the other, as one member, with little time spent.
    public static func compress(_ parts: some Collection<ArraySlice<UInt8>>) -> [UInt8] {
        var stream = z_stream()
        let status = czlib_deflate_init(&stream, 1)
        precondition(status == Z_OK, "zlib takes these constants, and needs little memory.")
        defer { deflateEnd(&stream) }
        var output = GzipOutput(stepBytes: stepBytes)
        for part in parts {
            part.withUnsafeBytes { bytes in
                stream.feed(bytes)
                repeat {
                    output.take { stream.run(into: $0) { deflate(&$0, Z_NO_FLUSH) } }
                } while stream
                    .avail_in > 0
            }
        }
        var last = Z_OK
        while last != Z_STREAM_END {
            output.take { room in
                stream.run(into: room) { stream in
                    last = deflate(&stream, Z_FINISH)
                    return last
                }
            }
        }
        return output.bytes
    }

    /// Takes the content out of `bytes`: one member or several.
    ///
    /// Memory follows what comes out, so that little input cannot ask for much.
    ///
    /// - Parameter maxBytes: How long the content may be.
    /// - Throws: `GzipError`.
    public static func decompress(
        _ bytes: ArraySlice<UInt8>, maxBytes: Int
    ) throws(GzipError) -> [UInt8] {
        var stream = z_stream()
        let status = czlib_inflate_init(&stream)
        precondition(status == Z_OK, "zlib takes these constants, and needs little memory.")
        defer { inflateEnd(&stream) }
        var output = GzipOutput(stepBytes: min(stepBytes, maxBytes + 1))
        var fault: GzipError?
        bytes.withUnsafeBytes { input in
            stream.feed(input)
            fault = inflateAll(&stream, into: &output, maxBytes: maxBytes)
        }
        if let fault { throw fault }
        return output.bytes
    }

    private static func inflateAll(
        _ stream: inout z_stream, into output: inout GzipOutput, maxBytes: Int
    ) -> GzipError? {
        while true {
            var status = Z_OK
            output.take { room in
                stream.run(into: room) { stream in
                    status = inflate(&stream, Z_NO_FLUSH)
                    return status
                }
            }
            if output.bytes.count > maxBytes { return .tooLarge }
            switch status {
            case Z_STREAM_END:
                if stream.avail_in == 0 { return nil }
                inflateReset(&stream)
            case Z_OK where stream.avail_in > 0 || stream.avail_out == 0: continue
            case Z_OK, Z_BUF_ERROR: return .truncated
            default: return .damaged
            }
        }
    }
}

/// Why content cannot be taken out of gzip.
public enum GzipError: Error, Sendable, Equatable {
    /// It ends before its end.
    case truncated
    /// It is no gzip, or its checksum or length is wrong, or something else follows it.
    case damaged
    /// The content is longer than it may be.
    case tooLarge
}

/// Bytes that come in pieces, each by way of the same room: a piece may be empty, and there may be
/// very many of them.
private struct GzipOutput {
    private(set) var bytes: [UInt8] = []
    private var room: [UInt8]

    init(stepBytes: Int) { room = Array(repeating: 0, count: stepBytes) }

    /// Lends room to `body`, which returns how many bytes of it it has filled.
    mutating func take(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let count = room.withUnsafeMutableBytes { body($0) }
        bytes.append(contentsOf: room[..<count])
    }
}

extension z_stream {
    /// Makes `bytes` the input. They must stay where they are until they are used up.
    fileprivate mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        // zlib reads its input and does not write there; its header does not say so.
        next_in = UnsafeMutablePointer(
            mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        avail_in = UInt32(bytes.count)
    }

    /// Calls zlib with room for output, and returns how many bytes it has filled.
    fileprivate mutating func run(
        into room: UnsafeMutableRawBufferPointer, _ step: (inout z_stream) -> CInt
    ) -> Int {
        next_out = room.bindMemory(to: UInt8.self).baseAddress
        avail_out = UInt32(room.count)
        _ = step(&self)
        return room.count - Int(avail_out)
    }
}
