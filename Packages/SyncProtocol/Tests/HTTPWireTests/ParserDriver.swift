// SPDX-License-Identifier: MIT

import HTTPWire

/// Feeds a parser pieces of a connection and notes all that it finds.
struct ParserDriver {
    private var parser: HTTPRequestParser
    private(set) var outputs: [HTTPRequestParser.Output] = []

    init(limits: HTTPLimits = HTTPLimits()) {
        parser = HTTPRequestParser(limits: limits)
    }

    /// Feeds one piece and takes out what it completes.
    mutating func feed(_ bytes: some Sequence<UInt8>) {
        parser.append(Array(bytes))
        while true {
            let output = parser.next()
            if case .needMore = output { return }
            if outputs.last != output || !isRejected { outputs.append(output) }
            if isRejected { return }
        }
    }

    private var isRejected: Bool {
        if case .reject = outputs.last { return true }
        return false
    }

    /// Whether nothing of a further request has come.
    var isIdle: Bool { parser.phase == .idle }

    var requests: [HTTPRequest] {
        outputs.compactMap { if case .request(let request) = $0 { request } else { nil } }
    }

    var rejection: HTTPRejection? {
        if case .reject(let rejection) = outputs.last { rejection } else { nil }
    }

    /// What is found when `text` comes in one piece.
    static func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) -> ParserDriver {
        parse(Array(text.utf8), limits: limits)
    }

    /// What is found when `bytes` come in one piece.
    static func parse(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> ParserDriver {
        var driver = ParserDriver(limits: limits)
        driver.feed(bytes)
        return driver
    }

    /// What is found when every byte comes alone.
    static func parseBytewise(
        _ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()
    ) -> ParserDriver {
        var driver = ParserDriver(limits: limits)
        for byte in bytes { driver.feed(CollectionOfOne(byte)) }
        return driver
    }
}
