// SPDX-License-Identifier: MIT

/// What the lines of an answer's head have said so far. Offsets count from the head's first byte.
struct HTTPResponseHead: Sendable {
    /// How the end of the body is found (RFC 9112 §6.3).
    enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
        case untilEnd
    }

    private(set) var status = 0
    private var version = HTTPVersion.http11
    private var framing = Framing.none
    private var lines = HTTPFieldLines()
    private var bytes: [UInt8] = []

    /// Whether another answer follows for the same request (RFC 9110 §15.2).
    var isInterim: Bool { status < 200 }

    /// The answer of this head, which is complete, with `body`.
    func response(body: [UInt8]) -> HTTPReceivedResponse {
        HTTPReceivedResponse(
            status: status, headers: HTTPHeaders(bytes: bytes, fields: lines.fields), body: body,
            isKeepAlive: framing != .untilEnd && lines.isKeepAlive(version))
    }

    /// Reads `HTTP/1.x SP status SP phrase` (RFC 9112 §4); the line is the head's first.
    ///
    /// The phrase may be missing with the space in front of it: many servers send none.
    mutating func readStatusLine(_ line: ArraySlice<UInt8>) throws(HTTPRejection) {
        let first = line.startIndex
        version = try HTTPVersion.read(line.prefix(8), position: 0)
        let digits = line.dropFirst(9).prefix(3)
        guard line.count >= 12, line[first + 8] == ASCII.space, digits.allSatisfy(ASCII.isDigit),
            line.count == 12 || line[first + 12] == ASCII.space
        else {
            throw HTTPRejection(
                status: 400, reason: "The status line is not a version, three digits and a phrase.",
                position: min(line.count, 8))
        }
        status = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard status >= 100 else {
            throw HTTPRejection(
                status: 400, reason: "The status is not one of 100 to 999.", position: 9)
        }
        // Nobody asked for another protocol, and what follows would not be HTTP.
        guard status != 101 else {
            throw HTTPRejection(
                status: 501, reason: "The answer switches to another protocol.", position: 9)
        }
    }

    /// Reads header lines. At the empty line it takes the head out of the input and decides how
    /// the body is framed.
    ///
    /// - Returns: nil until the head is whole.
    mutating func readFields(
        from input: inout HTTPMessageInput, limits: HTTPLimits, isHead: Bool
    ) throws(HTTPRejection) -> Framing? {
        while true {
            switch try lines.readNext(from: &input, limits: limits) {
            case .needMore: return nil
            case .field: break
            case .headEnd:
                framing = try framing(
                    in: input[0..<input.scanned], limits: limits, isHead: isHead)
                bytes = input.takeScanned()
                return framing
            }
        }
    }

    private func framing(
        in head: ArraySlice<UInt8>, limits: HTTPLimits, isHead: Bool
    ) throws(HTTPRejection) -> Framing {
        // What the fields say is then about the body that there is not (RFC 9112 §6.3).
        if isHead || isInterim || status == 204 || status == 304 { return .none }
        switch try lines.framing(in: head, version: version, maxBodyBytes: limits.maxBodyBytes) {
        case .chunked: return .chunked
        case .length(let length): return .length(length)
        case nil: return .untilEnd
        }
    }
}
