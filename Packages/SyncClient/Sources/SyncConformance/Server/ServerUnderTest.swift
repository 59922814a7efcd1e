// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

/// The server that a suite judges, and how to speak with it.
public struct ServerUnderTest: Sendable {
    /// Where it is.
    public var address: ServerAddress
    /// What every request has behind `Authorization: Bearer `; nothing if `nil`.
    public var token: String?
    /// How long connecting and each answer may take: far longer than they do.
    public var timeout: Duration
    /// What the names of all databases begin with.
    public var databasePrefix: String
    /// Decides whatever is random in contents and mutations; names of databases are always new.
    public var seed: UInt64

    /// How many requests it has left unanswered.
    let silences = SilenceCount()

    /// Makes it; nothing is connected to.
    ///
    /// - Parameter databasePrefix: At most 100 characters that a `dbId` may have.
    public init(
        address: ServerAddress, token: String? = nil, timeout: Duration = .seconds(30),
        databasePrefix: String = "conformance-", seed: UInt64 = 1
    ) {
        self.address = address
        self.token = token
        self.timeout = timeout
        self.databasePrefix = databasePrefix
        self.seed = seed
    }

    /// Shakes hands once, to find out whether there is anything to judge.
    ///
    /// - Throws: `ConformanceUnreachable` if nothing listens there, or it answers no handshake
    ///   with 200.
    public func reach() throws(ConformanceUnreachable) {
        do throws(ConformanceFailure) {
            let device = Device(self, database: freshName(), name: "a")
            let answer = try device.post("/v1/handshake", device.handshakeRequest())
            guard answer.status == 200 else {
                throw answer.failure("A handshake is answered with status \(answer.status).")
            }
        } catch {
            throw ConformanceUnreachable(
                "\(address) cannot be judged. \(error)\nStart a server there, and give its URL "
                    + "as http://HOST:PORT or http://HOST:PORT/PATH.")
        }
    }

    /// The name of a database that nobody has used.
    func freshName() -> String {
        var generator = SystemRandomNumberGenerator()
        let number = generator.next() as UInt64
        return databasePrefix + withUnsafeBytes(of: number.bigEndian) { $0.hex }
    }

    /// The first device of a new database, which it has made with a handshake.
    func makeDevice() throws -> Device {
        let device = Device(self, database: freshName(), name: "a")
        try device.shakeHands()
        return device
    }

    /// A new connection.
    func connect(isHead: Bool = false) throws(ConformanceFailure) -> Connection {
        try Connection(to: address, timeout: timeout, isHead: isHead, silences: silences)
    }

    /// Numbers that depend on the seed and on what they are for.
    func numbers(for purpose: String) -> SeededNumbers {
        SeededNumbers(
            seed: purpose.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 })
    }

    // MARK: Requests

    /// The bytes of a request with a length. Its parts are not looked at: what is wrong in them is
    /// sent as it is.
    func bytes(
        of request: Request, headers: [String] = [], contentType: String? = "application/cbor"
    ) -> [UInt8] {
        var lines = headers
        if let contentType { lines.append("Content-Type: \(contentType)") }
        if !request.body.isEmpty || request.method == "POST" {
            lines.append("Content-Length: \(request.body.count)")
        }
        return head(of: request, lines) + request.body
    }

    /// The bytes of a request whose body comes in chunks.
    func chunkedBytes(of request: Request, chunk: Int) -> [UInt8] {
        var bytes = head(
            of: request, ["Content-Type: application/cbor", "Transfer-Encoding: chunked"])
        for start in stride(from: 0, to: request.body.count, by: chunk) {
            let part = request.body[start..<min(request.body.count, start + chunk)]
            bytes += Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10]
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    /// A request line and headers, `Host` and the token among them.
    func head(of request: Request, _ headers: [String], host: String? = nil) -> [UInt8] {
        var lines = ["\(request.method) \(address.path)\(request.path) HTTP/1.1"]
        lines.append("Host: \(host ?? address.authority)")
        if let token { lines.append("Authorization: Bearer \(token)") }
        return Array(((lines + headers).joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Sends one request on a connection of its own and returns the answer.
    func exchange(
        _ request: Request, headers: [String] = [], contentType: String? = "application/cbor"
    ) throws(ConformanceFailure) -> Answer {
        try exchange(request, as: bytes(of: request, headers: headers, contentType: contentType))
    }

    /// Sends bytes on a connection of their own and returns the answer to the first request.
    func exchange(_ request: Request, as bytes: [UInt8]) throws(ConformanceFailure) -> Answer {
        let connection = try connect(isHead: request.method == "HEAD")
        defer { connection.close() }
        return try exchange(request, as: bytes, on: connection)
    }

    /// Sends bytes on a connection that has nothing outstanding, and returns the answer.
    func exchange(
        _ request: Request, as bytes: [UInt8], on connection: Connection
    ) throws(ConformanceFailure) -> Answer {
        do throws(ConformanceFailure) {
            try connection.send(bytes)
            return Answer(request: request, response: try connection.receive())
        } catch {
            throw error.adding("request", request.description)
        }
    }
}

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// Any bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<count { bytes.append(UInt8(truncatingIfNeeded: next())) }
        return bytes
    }
}
