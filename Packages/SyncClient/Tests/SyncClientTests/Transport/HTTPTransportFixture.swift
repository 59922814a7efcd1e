// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Testing

@testable import SyncClient

/// Requests to a server of this process.
struct HTTPTransportFixture {
    static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    /// A request that no buffer of the system takes in as a whole.
    static let largeBody = [UInt8](repeating: 7, count: 32 * 1024 * 1024)

    let transport: HTTPTransport

    init(
        port: UInt16, host: String = "127.0.0.1", timeout: Duration = .seconds(3_600),
        limits: HTTPLimits = SocketCarrier.answerLimits, loop: HTTPSocketLoop = .shared
    ) throws {
        transport = HTTPTransport(
            server: try #require(URL(string: "http://\(host):\(port)/base")), timeout: timeout,
            token: nil, carrier: SocketCarrier(limits: limits, loop: loop))
    }

    func exchange(_ body: [UInt8] = [1, 2, 3]) async throws(SyncError) -> MessageAnswer {
        try await transport.exchange(body, path: "/v1/pull", waitMilliseconds: 0)
    }

    func text() async throws(SyncError) -> String {
        String(decoding: try await exchange().body, as: UTF8.self)
    }

    /// The error of a request that must have one.
    func error(_ body: [UInt8] = [1, 2, 3]) async -> SyncError? {
        await #expect(throws: SyncError.self) { try await exchange(body) }
    }

    /// Sends a request, cancels it when `moment` comes, and returns its error.
    func errorOfCancelling(
        _ body: [UInt8] = [1, 2, 3], at moment: AsyncStream<Void>
    ) async -> SyncError? {
        let task = Task { try await exchange(body) }
        for await _ in moment { break }
        task.cancel()
        return await #expect(throws: SyncError.self) { try await task.value }
    }
}
