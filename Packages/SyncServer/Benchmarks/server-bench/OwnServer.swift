// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncProtocol

/// Our server, spoken to as a device does.
final class OwnServer: System {
    let name = "EntitySync"
    private let program: String
    private let folder: String
    private(set) var process: ServerProcess?
    private var port: UInt16 = 0
    /// The database that must be open when the server counts as started.
    private var lastPlace: String?

    init(program: String, folder: String) {
        self.program = program
        self.folder = folder
    }

    func install(isDurable: Bool) throws {
        try? FileManager.default.removeItem(atPath: folder)
        lastPlace = nil
    }

    func start() throws {
        port = try Platform.freePort()
        let process = try ServerProcess(
            [program, "serve", "--data", folder, "--port", "\(port)"], log: folder + ".log")
        self.process = process
        try process.wait {
            guard let descriptor = try Platform.connect(port) else { return false }
            close(descriptor)
            return true
        }
        if let lastPlace { try shakeHands(lastPlace) }
    }

    func stop(_ signal: CInt) {
        process?.end(signal)
        process = nil
    }

    func connect(framing: any Framing = HTTPFraming()) throws -> Connection {
        try Connection(port: port, framing: framing)
    }

    static func request(_ path: String, _ body: [UInt8]) -> [UInt8] {
        let head = """
            POST \(path) HTTP/1.1\r
            Host: 127.0.0.1\r
            Content-Type: application/cbor\r
            Content-Length: \(body.count)\r
            \r\n
            """
        return Array(head.utf8) + body
    }

    func shakeHands(_ place: String) throws {
        let message = HandshakeRequest(
            databaseID: DatabaseID(place), deviceID: Workload.device(0),
            clientInfo: ClientInfo(platform: "bench", appVersion: "1"))
        try connect().exchange(Self.request("/v1/handshake", message.encoded()))
    }

    func pushers(_ shape: PushShape, place: String) throws -> [Client] {
        try shakeHands(place)
        lastPlace = place
        let workload = Workload(clients: shape.clients, database: place)
        return try prepared(shape, { try connect() }) { client, numbers, bytes in
            let message = PushRequest(
                databaseID: workload.database, deviceID: Workload.device(client),
                operations: numbers.map { workload.operation($0, client: client) })
            bytes += Self.request("/v1/push", message.encoded())
        } check: { answer, _, index in
            let last = Self.number(behind: "tacknowledgedUpToOpId", in: answer)
            guard last == UInt64((index + 1) * shape.batch) else {
                throw Failure("Not all operations were acknowledged.")
            }
        }
    }

    func puller(_ kind: PullKind, place: String) throws -> Client? {
        guard kind != .scanned else { return nil }
        func page(_ cursor: UInt64) -> [UInt8] {
            let message = PullRequest(
                databaseID: DatabaseID(place), sinceCursor: Cursor(cursor), limit: 1_000,
                collections: kind == .all ? nil : [Workload.collections[3]])
            return Self.request("/v1/pull", message.encoded())
        }
        let script = PullScript(first: page(0)) { answer, framing in
            guard let framing = framing as? HTTPFraming else { return (0, nil) }
            let body = UnsafeRawBufferPointer(rebasing: answer[framing.bodyStart...])
            // The list of operations is the first value of the map.
            let count = Self.number(behind: "cops", in: body, major: 4) ?? 0
            let end = UnsafeRawBufferPointer(rebasing: body.suffix(120))
            guard let next = Self.number(behind: "jnextCursor", in: end),
                let head = Self.number(behind: "lserverCursor", in: end)
            else { throw Failure("The page does not say where it ends.") }
            return (Int(count), next < head ? page(next) : nil)
        }
        return (try connect(), script)
    }

    /// The number, or the length of a list, behind a key of a map. The key is written as it is
    /// encoded, with the length in front; keys of 24 bytes and more have another head.
    private static func number(
        behind key: StaticString, in bytes: UnsafeRawBufferPointer, major: UInt8 = 0
    ) -> UInt64? {
        guard let start = bytes.end(of: key), start < bytes.count,
            bytes[start] >> 5 == major
        else { return nil }
        let size = Int(bytes[start] & 31)
        if size < 24 { return UInt64(size) }
        guard size < 28, start + 1 + (1 << (size - 24)) <= bytes.count else { return nil }
        return bytes[(start + 1)..<(start + 1 + (1 << (size - 24)))]
            .reduce(0) { $0 << 8 | UInt64($1) }
    }
}
