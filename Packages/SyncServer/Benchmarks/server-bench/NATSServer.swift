// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol

/// NATS JetStream: an operation is a message, and a batch is as many of them in one write, all
/// acknowledged.
final class NATSServer: System {
    let name = "NATS"
    private(set) var remark = ""
    private let folder: String
    private(set) var process: ServerProcess?
    private var port: UInt16 = 0
    private var consumers = 0
    /// How many messages a stream was given.
    private var pushed: [String: Int] = [:]

    init(folder: String) { self.folder = folder }

    func install(isDurable: Bool) throws {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        guard isDurable else { return }
        // It acknowledges before any sync; files made in a directory with this mark are written
        // synchronously.
        do {
            try Platform.run(["chattr", "+S", folder], log: folder + ".log")
            remark = "JetStream; for pushes on a directory with `chattr +S`"
        } catch {
            remark = "JetStream as it comes, which acknowledges before any sync: not durable"
        }
    }

    func start() throws {
        port = try Platform.freePort()
        let process = try ServerProcess(
            ["nats-server", "-a", "127.0.0.1", "-p", "\(port)", "-js", "-sd", folder],
            log: folder + ".log")
        self.process = process
        try process.wait { (try? ask("$JS.API.INFO", "")) != nil }
    }

    func stop(_ signal: CInt) {
        process?.end(signal)
        process = nil
    }

    /// A connection whose answers are so many messages to `inbox`.
    func connect(_ inbox: String, messages: Int) throws -> Connection {
        let connection = try Connection(port: port, framing: GreetingFraming())
        try connection.exchange(
            Array("CONNECT {\"verbose\":false}\r\nSUB \(inbox) 1\r\nPING\r\n".utf8))
        connection.framing = NATSFraming(messages: messages)
        return connection
    }

    private static func publication(
        _ subject: String, _ inbox: String, _ payload: [UInt8]
    ) -> [UInt8] {
        Array("PUB \(subject) \(inbox) \(payload.count)\r\n".utf8) + payload + [13, 10]
    }

    /// A request whose answer is one message.
    private func ask(_ subject: String, _ json: String) throws {
        let inbox = "_INBOX.ask"
        try connect(inbox, messages: 1)
            .exchange(Self.publication(subject, inbox, Array(json.utf8)))
    }

    func pushers(_ shape: PushShape, place: String) throws -> [Client] {
        try ask(
            "$JS.API.STREAM.CREATE.\(place)",
            "{\"name\":\"\(place)\",\"subjects\":[\"\(place).>\"],\"storage\":\"file\"}")
        pushed[place] = shape.operations
        let workload = Workload(clients: shape.clients, database: place)
        var client = 0
        return try prepared(shape) {
            defer { client += 1 }
            return try connect("_INBOX.\(client)", messages: shape.batch)
        } _: { client, numbers, bytes in
            for number in numbers {
                let subject = "\(place).\(workload.collection(number))"
                bytes += Self.publication(
                    subject, "_INBOX.\(client)",
                    workload.operation(number, client: client).encoded())
            }
        }
    }

    func forget(place: String) throws { try ask("$JS.API.STREAM.DELETE.\(place)", "") }

    func puller(_ kind: PullKind, place: String) throws -> Client? {
        guard kind == .all else { return nil }
        consumers += 1
        let consumer = "consumer\(consumers)"
        try ask(
            "$JS.API.CONSUMER.DURABLE.CREATE.\(place).\(consumer)",
            "{\"stream_name\":\"\(place)\",\"config\":{\"durable_name\":\"\(consumer)\","
                + "\"deliver_policy\":\"all\",\"ack_policy\":\"none\"}}")
        let inbox = "_INBOX.pull"
        let page = Self.publication(
            "$JS.API.CONSUMER.MSG.NEXT.\(place).\(consumer)", inbox,
            Array("{\"batch\":1000}".utf8))
        // Only whole pages: behind the last message it would wait for more.
        var pages = pushed[place, default: 0] / 1_000
        guard pages > 0 else { return nil }
        let script = PullScript(first: page) { _, _ in
            pages -= 1
            return (1_000, pages > 0 ? page : nil)
        }
        return (try connect(inbox, messages: 1_000), script)
    }
}

/// What NATS says before the first message: it ends with the answer to a PING.
private struct GreetingFraming: Framing {
    mutating func begin() {}

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        bytes.end(of: "PONG\r\n") != nil
    }
}
