// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The server's side of `TestVectors/conversations.json`: the bytes that it answers with.
@Suite struct ConversationTests {
    static let conversations = ((try? ScriptedConversation.load()) ?? []).filter(\.server)

    @Test func thereAreManyConversations() { #expect(Self.conversations.count >= 15) }

    @Test("answers what it has to answer", arguments: conversations.map(\.id))
    func keepsToTheScript(_ id: String) throws {
        let conversation = try #require(Self.conversations.first { $0.id == id })
        var server = try ConversingServer(log: ScriptedConversation.firstLog)

        for (index, step) in conversation.steps.enumerated() {
            if let log = step.newLog { server = try ConversingServer(log: log) }
            for exchange in step.sync ?? [] where exchange.asked != false {
                let answer = server.answer(to: exchange)
                #expect(answer.status == exchange.status, "step \(index), \(exchange.path)")
                let due = try #require(TestVector.bytes(hex: exchange.response))
                #expect(
                    try comparable(answer) == comparable((exchange.status, due)),
                    "step \(index), \(exchange.path)")
            }
        }
    }

    /// The body; of an error without what it says to people.
    private func comparable(_ answer: (status: Int, body: [UInt8])) throws -> [UInt8] {
        guard answer.status != 200 else { return withoutMessages(answer.body) }
        var error = try ErrorResponse(decoding: answer.body)
        error.message = ""
        error.requestID = nil
        return error.encoded()
    }

    private func withoutMessages(_ body: [UInt8]) -> [UInt8] {
        guard var push = try? PushResponse(decoding: body), !push.rejected.isEmpty else {
            return body
        }
        for index in push.rejected.indices { push.rejected[index].message = "" }
        return push.encoded()
    }
}

/// A server on a simulated disk, with a clock that stands still and a name for its log.
private struct ConversingServer {
    private let routes: SyncRoutes<SimulatedDisk>

    init(log: String) throws {
        let clock = ServiceClock(
            wallMilliseconds: { ScriptedConversation.wallMilliseconds },
            monotonicNanoseconds: { 1 })
        let name = TestVector.bytes(hex: log) ?? []
        let service = try SyncService(
            directory: "data", disk: SimulatedDisk(), clock: clock,
            generator: FixedGenerator(bytes: name), tell: { _ in })
        routes = SyncRoutes(service: service, configuration: .init(requestIDPrefix: "r-"))
        // A log is made by a handshake, which a conversation need not begin with.
        _ = try service.handshake(
            HandshakeRequest(
                databaseID: "db", deviceID: "o",
                clientInfo: ClientInfo(platform: "test", appVersion: "1")))
    }

    /// Gives the same sixteen bytes to all that is named by so many.
    private struct FixedGenerator: RandomNumberGenerator {
        private let words: [UInt64]
        private var count = 0

        init(bytes: [UInt8]) {
            words = [bytes.prefix(8), bytes.dropFirst(8)].map { half in
                half.reduce(0) { $0 << 8 | UInt64($1) }
            }
        }

        mutating func next() -> UInt64 {
            count += 1
            return words[(count - 1) % 2]
        }
    }

    func answer(to exchange: ScriptedConversation.Exchange) -> (status: Int, body: [UInt8]) {
        final class Box { var response: HTTPResponse? }
        let box = Box()
        let request = HTTPRequest(
            method: .post, target: "/v1/\(exchange.path)",
            body: TestVector.bytes(hex: exchange.request) ?? [])
        routes.receive(Exchange(request: request, id: 1) { box.response = $0 })
        routes.endOfBatch()
        return (box.response?.status ?? 0, box.response?.wholeBody ?? [])
    }
}
