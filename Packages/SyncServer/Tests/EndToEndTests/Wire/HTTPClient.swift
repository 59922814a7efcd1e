// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// An HTTP/1.1 client over one plain socket, which sends exactly the bytes that it is told.
final class HTTPClient {
    struct Response: Equatable {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        /// The error in the body, which must be one of the protocol.
        func error() throws -> ErrorResponse {
            guard headers["content-type"] == "application/cbor" else {
                throw Failure(description: "status \(status) came without a CBOR body: \(text)")
            }
            return try ErrorResponse(decoding: body)
        }
    }

    /// An exchange that did not come to a whole answer.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let socket: Socket
    private var received: [UInt8] = []

    init(port: UInt16) throws {
        socket = try Socket(port: port)
    }

    func send(_ text: String) throws { try socket.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

    /// Sends a GET and returns its answer.
    func get(_ path: String) throws -> Response {
        try send("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return try response()
    }

    /// The bytes of a POST.
    static func post(
        _ path: String, _ body: [UInt8], contentType: String = "application/cbor"
    ) -> [UInt8] {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: \(contentType)\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    /// Sends a POST and returns its answer.
    func post(
        _ path: String, _ body: [UInt8], contentType: String = "application/cbor"
    ) throws -> Response {
        try send(Self.post(path, body, contentType: contentType))
        return try response()
    }

    /// Reads the next answer; `nil` if the server closed instead.
    func responseOrEnd() throws -> Response? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let head = received.firstRange(of: end) {
                return try response(headEnd: head.lowerBound)
            }
            let bytes = try socket.receive()
            if bytes.isEmpty {
                guard received.isEmpty else { throw Failure(description: "an answer was cut off") }
                return nil
            }
            received += bytes
        }
    }

    /// Reads the next answer.
    func response() throws -> Response {
        guard let response = try responseOrEnd() else {
            throw Failure(description: "the server closed the connection instead of answering")
        }
        return response
    }

    private func response(headEnd: Int) throws -> Response {
        let head = String(decoding: received[..<headEnd], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure(description: "this is no answer: \(head)")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure(description: "no header: \(line)") }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let isInterim = (100..<200).contains(status)
        let length = isInterim ? 0 : headers["content-length"].flatMap { Int($0) }
        guard let length else { throw Failure(description: "an answer without length: \(head)") }
        while received.count < headEnd + 4 + length {
            let bytes = try socket.receive()
            if bytes.isEmpty { throw Failure(description: "a body was cut off") }
            received += bytes
        }
        let body = Array(received[(headEnd + 4)..<(headEnd + 4 + length)])
        received.removeFirst(headEnd + 4 + length)
        return Response(status: status, headers: headers, body: body)
    }
}
