// SPDX-License-Identifier: MIT

public import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Carries requests over HTTP with `URLSession`.
public struct HTTPTransport: MessageTransport {
    /// Gives the bearer token of the next request; `nil` for none.
    public typealias TokenProvider = @Sendable () async throws -> String?

    private let server: URL
    private let timeout: Duration
    private let token: TokenProvider?
    private let sessions: SessionSource

    /// Creates a transport.
    ///
    /// - Parameters:
    ///   - server: The server's address, such as `http://127.0.0.1:8080`. A path in it is kept in
    ///     front of the protocol's.
    ///   - timeout: How long one request may take in all. A waiting pull may take its wait longer.
    ///   - token: Asked before each request for a bearer token.
    public init(
        server: URL, timeout: Duration = .seconds(30), token: TokenProvider? = nil
    ) {
        self.server = server
        self.timeout = timeout
        self.token = token
        sessions = SessionSource()
    }

    public func exchange(
        _ body: [UInt8], path: String, waitMilliseconds: UInt64
    ) async throws(SyncError) -> MessageAnswer {
        var request = URLRequest(url: server.appending(path: String(path.dropFirst())))
        request.httpMethod = "POST"
        request.setValue("application/cbor", forHTTPHeaderField: "Content-Type")
        request.setValue("application/cbor", forHTTPHeaderField: "Accept")
        let limit = timeout + .milliseconds(Int64(clamping: waitMilliseconds))
        request.timeoutInterval = Double(limit.components.seconds) + 1
        if let token = try await bearerToken() {
            request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        }
        return try await send(request, body: Data(body), limit: limit)
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

    /// `URLSession`'s own timeout only notices silence, so the whole request races a clock.
    private func send(
        _ request: URLRequest, body: Data, limit: Duration
    ) async throws(SyncError) -> MessageAnswer {
        let session = sessions.session()
        defer { sessions.giveBack(session) }
        do {
            return try await withThrowingTaskGroup(of: MessageAnswer?.self) { group in
                group.addTask {
                    let (data, response) = try await session.upload(for: request, from: body)
                    return Self.answer(data, response)
                }
                group.addTask {
                    try await Task.sleep(for: limit)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let answer = first else {
                    throw URLError(.timedOut)
                }
                return answer
            }
        } catch {
            throw Self.syncError(error, url: request.url, limit: limit)
        }
    }

    private static func answer(_ data: Data, _ response: URLResponse) -> MessageAnswer {
        let http = response as? HTTPURLResponse
        let retryAfter = http?.value(forHTTPHeaderField: "Retry-After").flatMap { UInt64($0) }
        return MessageAnswer(
            status: http?.statusCode ?? 0, body: [UInt8](data), retryAfterSeconds: retryAfter)
    }

    private static func syncError(_ error: any Error, url: URL?, limit: Duration) -> SyncError {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        let address = url.map(\.absoluteString) ?? "the server"
        guard let error = error as? URLError else {
            return SyncError(.network, "The request to \(address) failed: \(error)")
        }
        switch error.code {
        case .timedOut:
            return SyncError(.timeout, "\(address) did not answer within \(limit).")
        case .cancelled: return .cancelled
        case .cannotConnectToHost, .cannotFindHost, .notConnectedToInternet:
            return SyncError(
                .network, "\(address) cannot be reached. Is the server running there?")
        default:
            return SyncError(
                .network, "The request to \(address) failed: \(error.localizedDescription)")
        }
    }
}

/// Where requests get their `URLSession` from.
///
/// Where Foundation stands on libcurl, each request has a session, and so a connection, of its own.
/// If a connection that is used again ends under a request, libcurl sends the request once more by
/// itself, and FoundationNetworking does not hand it the body again: the request would wait for its
/// whole timeout, and neither side would have failed.
private struct SessionSource: Sendable {
    #if canImport(FoundationNetworking)
        func session() -> URLSession { Self.makeSession() }

        func giveBack(_ session: URLSession) { session.finishTasksAndInvalidate() }
    #else
        private let shared = Self.makeSession()

        func session() -> URLSession { shared }

        func giveBack(_ session: URLSession) {}
    #endif

    private static func makeSession() -> URLSession {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        return URLSession(configuration: configuration)
    }
}
