// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol

/// PostgreSQL: an operation is a row, and a batch is one prepared INSERT of as many rows, which is
/// a transaction. All values travel in binary.
final class PostgresServer: System {
    let name = "PostgreSQL"
    let remark = "a prepared INSERT of all rows of a batch; defaults, but without autovacuum"
    private let programs: String
    private let folder: String
    private(set) var process: ServerProcess?
    private var port: UInt16 = 0

    /// - Parameter programs: The directory of PostgreSQL's programs.
    init(programs: String, folder: String) {
        self.programs = programs
        self.folder = folder
    }

    func install(isDurable: Bool) throws {
        let files = FileManager.default
        try? files.removeItem(atPath: folder)
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var front: [String] = []
        if getuid() == 0 {
            // As root it refuses to run.
            try Platform.run(["chown", "postgres", folder], log: folder + ".log")
            front = ["runuser", "-u", "postgres", "--"]
        }
        try Platform.run(
            front + [
                programs + "/initdb", "-D", folder + "/data", "-U", "postgres",
                "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync",
            ], log: folder + ".log")
    }

    func start() throws {
        port = try Platform.freePort()
        let process = try ServerProcess(
            [
                programs + "/postgres", "-D", folder + "/data", "-p", "\(port)",
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                "-c", "autovacuum=off",
            ], log: folder + ".log", user: "postgres")
        self.process = process
        // While it recovers it refuses to let anybody in.
        try process.wait { (try? connect()) != nil }
    }

    /// - Parameter signal: SIGTERM would wait for clients; SIGINT stops cleanly at once.
    func stop(_ signal: CInt) {
        process?.end(signal == SIGTERM ? SIGINT : signal)
        process = nil
    }

    private func connect(_ statement: String? = nil) throws -> Connection {
        let connection = try Connection(port: port, framing: PostgresFraming())
        var start: [UInt8] = []
        start.append(bigEndian: UInt32(196_608))
        start += Array("user\0postgres\0database\0postgres\0\0".utf8)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(start.count + 4))
        try connection.exchange(bytes + start)
        if let statement {
            var parse = Self.message("P", Array("s\0\(statement)\0".utf8) + [0, 0])
            parse += Self.sync
            try connection.exchange(parse)
        }
        return connection
    }

    private static func message(_ kind: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] {
        var bytes = [UInt8(ascii: kind)]
        bytes.append(bigEndian: UInt32(body.count + 4))
        return bytes + body
    }

    private static let sync = message("S", [])

    private func query(_ text: String) throws {
        try connect().exchange(Self.message("Q", Array("\(text)\0".utf8)))
    }

    /// Binds values to the prepared statement and runs it.
    private static func execution(_ values: [[UInt8]]) -> [UInt8] {
        // The unnamed portal, the statement, all values in binary.
        var bind: [UInt8] = [0, UInt8(ascii: "s"), 0, 0, 1, 0, 1]
        bind.append(bigEndian: UInt16(values.count))
        for value in values {
            bind.append(bigEndian: UInt32(value.count))
            bind += value
        }
        bind += [0, 1, 0, 1]
        return message("B", bind) + message("E", [0, 0, 0, 0, 0]) + sync
    }

    func pushers(_ shape: PushShape, place: String) throws -> [Client] {
        try query(
            "CREATE TABLE \(place) (cursor bigserial PRIMARY KEY, collection text NOT NULL, "
                + "operation bytea NOT NULL)")
        let workload = Workload(clients: shape.clients, database: place)
        let rows = (0..<shape.batch).map { "($\($0 * 2 + 1), $\($0 * 2 + 2))" }
        let statement =
            "INSERT INTO \(place) (collection, operation) VALUES "
            + rows.joined(separator: ", ")
        return try prepared(shape) {
            try connect(statement)
        } _: { client, numbers, bytes in
            bytes += Self.execution(
                numbers.flatMap { number in
                    let operation = workload.operation(number, client: client)
                    return [Array(operation.collection.rawValue.utf8), operation.encoded()]
                })
        }
    }

    func forget(place: String) throws { try query("DROP TABLE \(place)") }

    func puller(_ kind: PullKind, place: String) throws -> Client? {
        var filter = ""
        switch kind {
        case .all: break
        case .filtered:
            // Made for the first round, and there from then on.
            try query("CREATE INDEX IF NOT EXISTS byc ON \(place) (collection, cursor)")
            try query("ANALYZE \(place)")
            filter = " AND collection = 'collection-3'"
        // What is compared is not what the index holds.
        case .scanned: filter = " AND collection || '' = 'collection-3'"
        }
        let statement =
            "SELECT cursor, operation FROM \(place) WHERE cursor > $1\(filter) "
            + "ORDER BY cursor LIMIT 1000"
        func page(_ cursor: Int64) -> [UInt8] {
            var value: [UInt8] = []
            value.append(bigEndian: cursor)
            return Self.execution([value])
        }
        let script = PullScript(first: page(0)) { answer, framing in
            guard let framing = framing as? PostgresFraming, framing.rows > 0 else {
                return (0, nil)
            }
            // The number of columns and the length of the first stand before the cursor.
            let last = answer.bigEndian(Int64.self, at: framing.lastRow + 6)
            return (framing.rows, framing.rows == 1_000 ? page(last) : nil)
        }
        return (try connect(statement), script)
    }
}
