// SPDX-License-Identifier: MIT

public import Foundation
import HTTPWire

/// Carries requests over HTTP.
///
/// An `http` server is spoken to over sockets of this project's own: connections are kept and used
/// again, no thread of Swift's concurrency waits for one, and nothing that a server or a proxy
/// sends can harm the process. Redirects are not followed there and the system's proxies are not
/// used. Any other scheme, `https` above all, goes through `URLSession`.
public struct HTTPTransport: MessageTransport {
    /// Gives the bearer token of the next request; `nil` for none.
    public typealias TokenProvider = @Sendable () async throws -> String?

    private let server: URL
    private let timeout: Duration
    private let token: TokenProvider?
    private let carrier: any HTTPCarrier

    /// Creates a transport.
    ///
    /// - Parameters:
    ///   - server: The server's address, such as `http://127.0.0.1:8080`. A path in it is kept in
    ///     front of the protocol's.
    ///   - timeout: How long one request may take in all. A waiting pull may take its wait longer.
    ///   - token: Asked before each request for a bearer token, and once more if the server does
    ///     not take that one.
    public init(
        server: URL, timeout: Duration = .seconds(30), token: TokenProvider? = nil
    ) {
        let isPlain = server.scheme?.lowercased().utf8.elementsEqual("http".utf8) ?? false
        self.init(
            server: server, timeout: timeout, token: token,
            carrier: isPlain ? SocketCarrier() : SessionCarrier())
    }

    init(server: URL, timeout: Duration, token: TokenProvider?, carrier: any HTTPCarrier) {
        self.server = server
        self.timeout = timeout
        self.token = token
        self.carrier = carrier
    }

    public var answerBytesMax: UInt64 { UInt64(SocketCarrier.answerLimits.maxBodyBytes) }

    public func exchange(
        _ body: [UInt8], path: String, waitMilliseconds: UInt64
    ) async throws(SyncError) -> MessageAnswer {
        let headers = [
            (name: "Content-Type", value: "application/cbor"),
            (name: "Accept", value: "application/cbor"),
        ]
        let url = server.appending(path: String(path.dropFirst()))
        let limit = timeout + .milliseconds(Int64(clamping: waitMilliseconds))
        var answer = try await carry(body, to: url, headers, limit)
        // A token may have run out on its way; of a request without one, nothing was done.
        if answer.status == 401, token != nil {
            answer = try await carry(body, to: url, headers, limit)
        }
        return answer
    }

    private func carry(
        _ body: [UInt8], to url: URL, _ headers: [(name: String, value: String)],
        _ limit: Duration
    ) async throws(SyncError) -> MessageAnswer {
        var headers = headers
        if let token = try await bearerToken() {
            headers.append((name: "Authorization", value: "Bearer \(token)"))
        }
        return try await carrier.carry(body, to: url, headers: headers, limit: limit)
    }

    private func bearerToken() async throws(SyncError) -> String? {
        do {
            return try await token?()
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw SyncError(.authentication, "No token could be had: \(error)")
        }
    }
}

/// What moves the bytes of one request and its answer.
protocol HTTPCarrier: Sendable {
    /// Sends a POST request; fails with `timeout` if there is no answer within `limit`.
    func carry(
        _ body: [UInt8], to url: URL, headers: [(name: String, value: String)], limit: Duration
    ) async throws(SyncError) -> MessageAnswer
}

extension SyncError {
    static func noAnswer(from address: String, within limit: Duration) -> SyncError {
        SyncError(.timeout, "\(address) did not answer within \(limit).")
    }
}
