// SPDX-License-Identifier: MIT

import Cryptography
import Foundation
import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport

@testable import SyncServer

/// A server that asks for tokens, without sockets: its files in a fresh directory, its databases on
/// a simulated disk.
final class AccessFixture {
    let server: ServiceUnderTest
    let routes: SyncRoutes<SimulatedDisk>
    let directory: String
    /// What the operator was told of access.
    var told: [String] { notes.all }
    private let notes = ServiceUnderTest.Notes()
    private var lastID: UInt64 = 0

    static let secret = Array("a secret of at least 32 bytes, for tests".utf8)
    /// The server's time at first, in seconds.
    static let now: UInt64 = 1_700_000_000

    /// Takes the answer to one exchange.
    final class Sent {
        var response: HTTPResponse?
    }

    /// - Parameter settings: Given the directory, which holds the file `secret`.
    init(
        _ configuration: ServiceConfiguration = .init(),
        settings: (String) throws -> AccessSettings = { directory in
            var settings = AccessSettings()
            settings.mode = .jwt
            settings.secretFile = directory + "/secret"
            return settings
        }
    ) throws {
        directory =
            FileManager.default.temporaryDirectory
            .appending(path: "entitysync-access-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        server = try ServiceUnderTest(configuration)
        server.time.wall = Self.now * 1_000
        try AtomicFile.replace(directory + "/secret", Self.secret, on: POSIXFileSystem())
        let (time, notes) = (server.time, notes)
        let authorizer = try Authorizer(
            try settings(directory), directory: directory, wallMilliseconds: { time.wall },
            tell: { notes.all.append($0) })
        routes = SyncRoutes(service: server.service, configuration: .init(), authorizer: authorizer)
        _ = routes.advance(to: server.time.nanoseconds)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// A token of the fixture's secret.
    static func token(_ claims: String, exp: UInt64 = now + 600) -> String {
        let parts = [#"{"alg":"HS256"}"#, #"{"sub":"alice","exp":\#(exp),\#(claims)}"#]
        let signed = parts.map { Base64.encode($0.utf8, .url) }.joined(separator: ".")
        return signed + "."
            + Base64.encode(HMACSHA256.code(for: Array(signed.utf8), key: secret), .url)
    }

    func begin(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8] = [], token: String?
    ) -> Sent {
        lastID += 1
        var headers = HTTPHeaders()
        if let token { headers.append("Authorization", "Bearer \(token)") }
        let sent = Sent()
        routes.receive(
            Exchange(
                request: HTTPRequest(method: method, target: path, headers: headers, body: body),
                id: lastID, send: { sent.response = $0 }))
        return sent
    }

    func perform(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8] = [], token: String?
    ) throws -> HTTPResponse {
        let sent = begin(method, path, body, token: token)
        routes.endOfBatch()
        guard let response = sent.response else { throw AnswerBox.Unanswered() }
        return response
    }

    /// Lets the server look at its files again, a second later.
    func look() {
        server.time.advance(milliseconds: 1_000)
        _ = routes.advance(to: server.time.nanoseconds)
        routes.endOfBatch()
    }

    func revoke(_ device: String, in database: DatabaseID = "db") throws {
        var revocations = try Revocations.read(in: directory, on: POSIXFileSystem())
        guard let devices = DevicePattern(device) else { throw AnswerBox.Unanswered() }
        revocations.insert(
            .init(databaseID: database, devices: devices, revokedAtMilliseconds: 1))
        try revocations.write(in: directory, on: POSIXFileSystem())
    }
}
