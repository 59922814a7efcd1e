// SPDX-License-Identifier: MIT

import GzipCoding
import HTTPWire
import SyncProtocol

/// gzip around messages: what requests may come in, and what answers leave in if it is asked for.
enum ContentCoding {
    /// An answer up to this size is sent as it is: compressing it costs more than it gains.
    static let plainBytesMax = 1 << 10
    /// A longer answer is sent as it is: compressing it would keep everybody waiting.
    static let compressedBytesMax = 4 << 20
    /// Bytes of operations in a page that is to be compressed, for the same reason.
    static let pageBytesMax: UInt64 = 1 << 20

    /// Whether the sender of a request takes answers in gzip (RFC 9110 §12.5.3): it names gzip, and
    /// not with a weight of 0. One that takes anything without naming it gets what takes no time.
    static func acceptsGzip(_ request: HTTPRequest) -> Bool {
        guard let value = request.headers["Accept-Encoding"] else { return false }
        return value.split(separator: ",").contains { (element: Substring) in
            let parts = element.split(separator: ";", omittingEmptySubsequences: false)
            guard MediaType.isGzip(String(parts[0])) else { return false }
            return !parts.dropFirst().contains { isZeroWeight($0) }
        }
    }

    /// `q=0`, with any number of zeros behind the point.
    private static func isZeroWeight(_ parameter: Substring) -> Bool {
        let text = parameter.filter { $0 != " " && $0 != "\t" }
        guard text.hasPrefix("q=0") || text.hasPrefix("Q=0") else { return false }
        return text.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" }
    }

    /// The content of a request, without gzip around it.
    ///
    /// - Throws: 400 if the gzip is damaged, 413 if it holds more than `maxBytes`, 415 for any
    ///   other coding.
    static func content(
        of request: HTTPRequest, maxBytes: Int
    ) throws(ServiceFailure) -> [UInt8] {
        guard let coding = request.headers["Content-Encoding"], !MediaType.isIdentity(coding) else {
            return request.body
        }
        guard MediaType.isGzip(coding) else {
            throw .unsupportedMediaType("Send the body in gzip, or without Content-Encoding.")
        }
        do throws(GzipError) {
            return try Gzip.decompress(request.body[...], maxBytes: maxBytes)
        } catch {
            switch error {
            case .tooLarge:
                throw .tooMany(
                    "maxBodyBytes", UInt64(maxBytes),
                    "The body has more than \(maxBytes) bytes (maxBodyBytes) when it is inflated.")
            case .truncated: throw .invalidRequest("The gzip of the body ends before its end.")
            case .damaged: throw .invalidRequest("The gzip of the body is damaged.")
            }
        }
    }

    /// An answer as the sender of `request` wants it: in gzip if that was asked for and gains
    /// anything.
    static func coded(_ response: HTTPResponse, for request: HTTPRequest) -> HTTPResponse {
        let length = response.bodyLength
        guard response.hasBody, length > plainBytesMax, length <= compressedBytesMax else {
            return response
        }
        var response = response
        response.vary(on: "Accept-Encoding")
        guard acceptsGzip(request) else { return response }
        let body = Gzip.compress([response.body[...]] + response.bodyParts)
        guard body.count < length else { return response }
        (response.body, response.bodyParts) = (body, [])
        response.headers.append("Content-Encoding", "gzip")
        return response
    }
}

extension HTTPResponse {
    /// Notes that the answer depends on a field of the request, for caches between (RFC 9110
    /// §12.5.5).
    mutating func vary(on field: String) { headers.append("Vary", field) }
}
