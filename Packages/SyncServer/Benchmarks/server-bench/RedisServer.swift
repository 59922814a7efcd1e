// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol

/// Redis Streams: an entry is an operation, and a batch is as many XADD in one write, which Redis
/// puts into its file with one sync.
final class RedisServer: System {
    let name = "Redis"
    let remark = "Streams, appendfsync always; the file is not rewritten meanwhile"
    private let folder: String
    private(set) var process: ServerProcess?
    private var port: UInt16 = 0

    init(folder: String) { self.folder = folder }

    func install(isDurable: Bool) throws {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
    }

    func start() throws {
        port = try Platform.freePort()
        let process = try ServerProcess(
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder,
                "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                "--auto-aof-rewrite-percentage", "0", "--daemonize", "no",
            ], log: folder + ".log")
        self.process = process
        try process.wait {
            guard let descriptor = try Platform.connect(port) else { return false }
            close(descriptor)
            // While it reads its file, Redis answers with an error.
            return (try? connect(answers: 1).exchange(Self.command("PING"))) != nil
        }
    }

    func stop(_ signal: CInt) {
        process?.end(signal)
        process = nil
    }

    func connect(answers: Int) throws -> Connection {
        try Connection(port: port, framing: RESPFraming(answers: answers))
    }

    private static func append(_ words: [[UInt8]], to bytes: inout [UInt8]) {
        bytes += Array("*\(words.count)\r\n".utf8)
        for word in words {
            bytes += Array("$\(word.count)\r\n".utf8)
            bytes += word
            bytes += [13, 10]
        }
    }

    static func command(_ words: String...) -> [UInt8] {
        var bytes: [UInt8] = []
        append(words.map { Array($0.utf8) }, to: &bytes)
        return bytes
    }

    func pushers(_ shape: PushShape, place: String) throws -> [Client] {
        let workload = Workload(clients: shape.clients, database: place)
        let words = ["XADD", place, "*", "c", "o"].map { Array($0.utf8) }
        return try prepared(shape) {
            try connect(answers: shape.batch)
        } _: { client, numbers, bytes in
            for number in numbers {
                let operation = workload.operation(number, client: client)
                Self.append(
                    words[...3]
                        + [Array(operation.collection.rawValue.utf8), words[4]]
                        + [operation.encoded()], to: &bytes)
            }
        }
    }

    func forget(place: String) throws {
        try connect(answers: 1).exchange(Self.command("DEL", place))
    }

    func puller(_ kind: PullKind, place: String) throws -> Client? {
        guard kind == .all else { return nil }
        let first = Self.command("XRANGE", place, "-", "+", "COUNT", "1000")
        let script = PullScript(first: first) { answer, framing in
            guard let framing = framing as? RESPFraming, let last = framing.lastEntry else {
                return (0, nil)
            }
            let after = "(" + String(decoding: answer[last], as: UTF8.self)
            let next = Self.command("XRANGE", place, after, "+", "COUNT", "1000")
            return (framing.entries, framing.entries == 1_000 ? next : nil)
        }
        return (try connect(answers: 1), script)
    }
}
