// SPDX-License-Identifier: MIT

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Carries requests with `URLSession`, which brings TLS and the system's proxies.
struct SessionCarrier: HTTPCarrier {
    private let sessions = SessionSource()

    /// `URLSession`'s own timeout only notices silence, so the whole request races a clock.
    func carry(
        _ body: [UInt8], to url: URL, headers: [(name: String, value: String)], limit: Duration
    ) async throws(SyncError) -> MessageAnswer {
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        for header in headers {
            request.setValue(header.value, forHTTPHeaderField: header.name)
        }
        request.timeoutInterval = Double(limit.components.seconds) + 1
        let session = sessions.session()
        defer { sessions.giveBack(session) }
        do {
            return try await withThrowingTaskGroup(of: MessageAnswer?.self) {
                [request, data = Data(body)] group in
                group.addTask {
                    let (data, response) = try await session.upload(for: request, from: data)
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
            throw Self.syncError(error, address: url.absoluteString, limit: limit)
        }
    }

    private static func answer(_ data: Data, _ response: URLResponse) -> MessageAnswer {
        let http = response as? HTTPURLResponse
        let retryAfter = http?.value(forHTTPHeaderField: "Retry-After").flatMap { UInt64($0) }
        return MessageAnswer(
            status: http?.statusCode ?? 0, body: [UInt8](data), retryAfterSeconds: retryAfter)
    }

    private static func syncError(
        _ error: any Error, address: String, limit: Duration
    ) -> SyncError {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        guard let error = error as? URLError else {
            return SyncError(.network, "The request to \(address) failed: \(error)")
        }
        switch error.code {
        case .timedOut: return .noAnswer(from: address, within: limit)
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
