// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire

/// Carries requests over plain sockets, whose peers are read by a parser of this project: whatever
/// a peer sends, and wherever it stops, is an answer or an error.
struct SocketCarrier: HTTPCarrier {
    /// The largest answer that is taken in: one operation, or one transaction, as large as any
    /// server takes (64 MiB), beside a page or another content of that size.
    static let answerLimits = HTTPLimits(maxBodyBytes: 130 << 20)

    var limits = SocketCarrier.answerLimits
    var loop = HTTPSocketLoop.shared

    func carry(
        _ body: [UInt8], to url: URL, headers: [(name: String, value: String)], limit: Duration
    ) async throws(SyncError) -> MessageAnswer {
        let start = SocketCalls.monotonicNanoseconds
        let (origin, bytes) = try Self.request(body, to: url, headers: headers)
        let (deadline, isPast) = start.addingReportingOverflow(Self.nanoseconds(limit))
        do throws(HTTPSocketFailure) {
            let response = try await loop.carry(
                HTTPSocketRequest(
                    origin: origin, bytes: bytes, deadline: isPast ? .max : deadline,
                    limits: limits))
            return MessageAnswer(
                status: response.status, body: response.body,
                retryAfterSeconds: response.headers["Retry-After"].flatMap { UInt64($0) })
        } catch {
            throw syncError(error, address: url.absoluteString, limit: limit)
        }
    }

    /// Where the request goes, and its bytes.
    private static func request(
        _ body: [UInt8], to url: URL, headers: [(name: String, value: String)]
    ) throws(SyncError) -> (HTTPOrigin, [UInt8]) {
        guard let parts = URLComponents(url: url, resolvingAgainstBaseURL: true),
            let host = parts.encodedHost, !host.isEmpty,
            let port = UInt16(exactly: parts.port ?? 80)
        else {
            throw SyncError(
                .configuration, "\(url.absoluteString) names no host; give http://host:port.")
        }
        let path = parts.percentEncodedPath
        let query = parts.percentEncodedQuery.map { "?\($0)" } ?? ""
        var request = HTTPRequest(
            method: .post, target: (path.isEmpty ? "/" : path) + query, body: body)
        for header in headers { request.headers.append(header.name, header.value) }
        let bytes: [UInt8]
        do throws(HTTPRejection) {
            bytes = try request.serialized(host: parts.port.map { "\(host):\($0)" } ?? host)
        } catch {
            throw SyncError(
                .configuration, "\(url.absoluteString) is no address of a server: \(error.reason)")
        }
        // An IPv6 address stands in brackets, which belong to the URL.
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (
            HTTPOrigin(host: isBracketed ? String(host.dropFirst().dropLast()) : host, port: port),
            bytes
        )
    }

    /// At least 0 and at most 136 years, which are as good as no limit.
    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(min(seconds, Int64(UInt32.max))) * 1_000_000_000
            + UInt64(attoseconds / 1_000_000_000)
    }

    private func syncError(
        _ failure: HTTPSocketFailure, address: String, limit: Duration
    ) -> SyncError {
        switch failure {
        case .cancelled: .cancelled
        case .timeout: .noAnswer(from: address, within: limit)
        case .unreachable(let message):
            SyncError(
                .network,
                "\(address) cannot be reached: \(message). Is the server running there?")
        case .broken(let message):
            SyncError(.network, "The connection to \(address) broke: \(message).")
        case .resources:
            SyncError(
                .network, "The process has no threads or descriptors left for a connection.")
        case .answer(let fault) where fault.isTruncated:
            SyncError(.network, "The connection to \(address) ended too soon, \(fault)")
        case .answer(let fault) where fault.code == .tooLarge:
            SyncError(
                .answerTooLarge,
                "The answer of \(address) is larger than this device takes, \(fault)")
        case .answer(let fault):
            SyncError(.invalidAnswer, "\(address) does not answer in HTTP/1.1, \(fault)")
        }
    }
}
