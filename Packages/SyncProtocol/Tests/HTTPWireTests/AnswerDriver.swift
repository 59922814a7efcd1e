// SPDX-License-Identifier: MIT

import HTTPWire

/// Feeds a parser of answers pieces of a connection and notes all that it finds.
struct AnswerDriver {
    private var parser: HTTPResponseParser
    private(set) var outcomes: [HTTPResponseParser.Outcome] = []

    init(limits: HTTPLimits = HTTPLimits(), isHead: Bool = false) {
        parser = HTTPResponseParser(limits: limits, isHead: isHead)
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        parser.append(Array(bytes))
        drain()
    }

    mutating func end() {
        parser.receiveEnd()
        drain()
    }

    /// Ends when nothing more is found; a failure is noted once.
    private mutating func drain() {
        while fault == nil {
            let outcome = parser.next()
            if case .needMore = outcome { return }
            outcomes.append(outcome)
        }
    }

    var hasUnparsedBytes: Bool { parser.hasUnparsedBytes }

    var responses: [HTTPReceivedResponse] {
        outcomes.compactMap { if case .response(let response) = $0 { response } else { nil } }
    }

    var fault: HTTPResponseFault? {
        if case .failed(let fault) = outcomes.last { fault } else { nil }
    }

    /// What is found when the bytes come in these pieces and then end.
    static func parse(
        _ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits(), isHead: Bool = false
    ) -> AnswerDriver {
        var driver = AnswerDriver(limits: limits, isHead: isHead)
        for piece in pieces { driver.feed(piece) }
        driver.end()
        return driver
    }
}
