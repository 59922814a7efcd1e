// SPDX-License-Identifier: MIT

import HTTPWire

/// Cuts an input into pieces, in a way that follows from the input.
private func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var state = UInt32(truncatingIfNeeded: bytes.count) &* 2_654_435_761
    var rest = bytes[...]
    while !rest.isEmpty {
        state = state &* 1_664_525 &+ 1_013_904_223
        let piece = rest.prefix(1 + Int(state >> 24) % 7)
        pieces.append(Array(piece))
        rest = rest.dropFirst(piece.count)
    }
    return pieces
}

/// What must hold of the parsers of HTTP messages, whatever the bytes are.
enum HTTPRules {
    private static let limits = HTTPLimits(maxHeadBytes: 400, maxHeaderCount: 8, maxBodyBytes: 64)

    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        let requests = requests(in: [bytes])
        try demandSame(
            self.requests(in: pieces(bytes)), requests,
            "A request does not depend on how its bytes were split.")
        for case .request(let request) in requests {
            try demand(request.body.count <= 64, "No body is above the limit.")
        }
        try demandSame(
            responses(in: pieces(bytes)), responses(in: [bytes]),
            "An answer does not depend on how its bytes were split.")
    }

    private static func requests(in pieces: [[UInt8]]) -> [HTTPRequestParser.Output] {
        var parser = HTTPRequestParser(limits: limits)
        var outputs: [HTTPRequestParser.Output] = []
        for piece in pieces {
            piece.withUnsafeBytes { parser.append($0) }
            loop: while true {
                let output = parser.next()
                switch output {
                case .needMore: break loop
                case .reject:
                    outputs.append(output)
                    return outputs
                case .request, .expectContinue: outputs.append(output)
                }
            }
        }
        return outputs
    }

    private static func responses(in pieces: [[UInt8]]) -> [HTTPResponseParser.Outcome] {
        var parser = HTTPResponseParser(limits: limits)
        var outcomes: [HTTPResponseParser.Outcome] = []
        for piece in pieces + [[]] {
            if piece.isEmpty { parser.receiveEnd() } else { parser.append(piece) }
            while true {
                let outcome = parser.next()
                if outcome == .needMore { break }
                outcomes.append(outcome)
                if case .failed = outcome { return outcomes }
            }
        }
        return outcomes
    }
}

/// What must hold of the parser of WebSocket frames, whatever the bytes are.
enum WebSocketRules {
    private static let maxBytes = 300

    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        for role in [WebSocketRole.server, .client] {
            let outcomes = outcomes(in: [bytes], role)
            try demandSame(
                self.outcomes(in: pieces(bytes), role), outcomes,
                "A frame does not depend on how its bytes were split.")
            try checkAgain(outcomes, role)
        }
    }

    /// What was read and is written again is read the same.
    private static func checkAgain(
        _ outcomes: [WebSocketParser.Outcome], _ role: WebSocketRole
    ) throws(FuzzFailure) {
        let mask: WebSocketMask? = role == .server ? WebSocketMask(0x9A5F_E1C3) : nil
        var written: [UInt8] = []
        var expected: [WebSocketParser.Outcome] = []
        for outcome in outcomes {
            guard let frame = frame(of: outcome) else { continue }
            try demand(frame.payload.count <= maxBytes, "No message is above the limit.")
            written += frame.serialized(mask: mask)
            expected.append(outcome)
        }
        try demandSame(
            self.outcomes(in: pieces(written), role), expected, "What is written is read again.")
    }

    private static func frame(of outcome: WebSocketParser.Outcome) -> WebSocketFrame? {
        switch outcome {
        case .needMore, .failed: nil
        case .binary(let bytes): WebSocketFrame(.binary, bytes)
        case .text(let bytes): WebSocketFrame(.text, bytes)
        case .ping(let bytes): WebSocketFrame(.ping, bytes)
        case .pong(let bytes): WebSocketFrame(.pong, bytes)
        case .close(nil, _): WebSocketFrame(.close)
        case .close(let code?, let reason): .close(code, reason: reason)
        }
    }

    private static func outcomes(
        in pieces: [[UInt8]], _ role: WebSocketRole
    ) -> [WebSocketParser.Outcome] {
        var parser = WebSocketParser(role: role, maxMessageBytes: maxBytes)
        var outcomes: [WebSocketParser.Outcome] = []
        for piece in pieces {
            parser.append(piece)
            while true {
                let outcome = parser.next()
                if outcome == .needMore { break }
                outcomes.append(outcome)
                if case .failed = outcome { return outcomes }
            }
        }
        return outcomes
    }
}

/// What must hold of the parser of event streams, whatever the bytes are.
enum EventStreamRules {
    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        let (outcomes, id) = outcomes(in: [bytes])
        let (others, otherID) = self.outcomes(in: pieces(bytes))
        try demandSame(others, outcomes, "An event does not depend on how its bytes were split.")
        try demandSame(otherID, id, "Neither does the last id.")
        for case .event(let event) in outcomes where isWritable(event) {
            try demandSame(
                self.outcomes(in: [event.serialized()]).outcomes, [.event(event)],
                "What is written is read again.")
        }
    }

    private static func isWritable(_ event: ServerSentEvent) -> Bool {
        !(event.name + event.data).utf8.contains { $0 == 13 || $0 == 0 }
            && event.serialized().count < 300
    }

    private static func outcomes(
        in pieces: [[UInt8]]
    ) -> (outcomes: [ServerSentEventParser.Outcome], id: String) {
        var parser = ServerSentEventParser(maxEventBytes: 4096)
        var outcomes: [ServerSentEventParser.Outcome] = []
        for piece in pieces {
            parser.append(piece)
            while true {
                let outcome = parser.next()
                if outcome == .needMore { break }
                outcomes.append(outcome)
                if outcome == .tooLong { return (outcomes, parser.lastEventID) }
            }
        }
        return (outcomes, parser.lastEventID)
    }
}
