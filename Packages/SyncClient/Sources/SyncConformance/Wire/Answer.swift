// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

/// An answer of the server under test, and the request that it is to.
struct Answer {
    /// How much of a body a report shows, in characters.
    private static let shownMax = 2_000

    var request: Request
    var response: HTTPReceivedResponse

    var status: Int { response.status }
    var body: [UInt8] { response.body }

    /// The value of a header; `none` if it is not there.
    func header(_ name: String) -> String { response.headers[name] ?? "none" }

    /// A failure of what this answer should have been.
    func failure(_ message: String) -> ConformanceFailure {
        var failure = ConformanceFailure(message).adding("request", request.description)
        failure = failure.adding("status", "\(status)")
        if !body.isEmpty { failure = failure.adding("body", Self.notation(of: body)) }
        return failure
    }

    /// The same, and where in the body.
    func failure(_ message: String, at offset: Int) -> ConformanceFailure {
        failure(message).adding("byte", "\(offset)")
    }

    /// Throws unless `condition` holds.
    func expect(
        _ condition: Bool, _ message: @autoclosure () -> String
    ) throws(ConformanceFailure) {
        if !condition { throw failure(message()) }
    }

    /// CBOR in diagnostic notation, JSON as it is, anything else in hex.
    static func notation(of body: [UInt8]) -> String {
        var text: String
        if let notation = try? CBORDiagnostic.text(of: body) {
            text = notation
        } else if let string = String(validating: body, as: UTF8.self),
            string.unicodeScalars.allSatisfy({ $0.value >= 0x20 || $0 == "\n" || $0 == "\r" })
        {
            text = string.split(whereSeparator: \.isNewline).joined(separator: " ")
        } else {
            text = "h'\(body.prefix(shownMax / 2).hex)'"
        }
        if text.count > shownMax { text = "\(text.prefix(shownMax))… (\(body.count) bytes)" }
        return text
    }

    // MARK: What it has to be

    /// The message of an answer with status 200.
    func success() throws(ConformanceFailure) -> Fields {
        try expect(status == 200, "The status is \(status) instead of 200.")
        return try message()
    }

    /// The error message of an answer with another status.
    @discardableResult
    func refusal(_ code: UInt64, _ statuses: Int...) throws(ConformanceFailure) -> Fields {
        let wanted = statuses.map { "\($0)" }.joined(separator: " or ")
        try expect(
            statuses.contains(status), "The status is \(status) instead of \(wanted).")
        let fields = try message()
        let got = try fields.uint("code")
        try expect(got == code, "The error has code \(got) instead of \(code).")
        _ = try fields.text("message")
        return fields
    }

    /// Error 1 and status 400: what cannot be made sense of.
    @discardableResult
    func refusedAsMalformed() throws(ConformanceFailure) -> Fields { try refusal(1, 400) }

    /// Error 11, with the reason.
    @discardableResult
    func refusedCursor(_ reason: String) throws(ConformanceFailure) -> Fields {
        let details = try refusal(11, reason == "compacted" ? 410 : 409).map("details")
        let got = try details.text("reason")
        try expect(
            got.utf8.elementsEqual(reason.utf8), "The reason is \(got) instead of \(reason).")
        return details
    }

    /// The message, which has to be one valid CBOR map.
    func message() throws(ConformanceFailure) -> Fields {
        let type = header("content-type")
        try expect(
            type.lowercased() == "application/cbor",
            "The content type is \(type) instead of application/cbor.")
        let value: CBORValue
        do throws(CBORError) {
            value = try CBORValue(decoding: body)
        } catch {
            throw failure("The body is no valid CBOR: \(error)", at: error.offset)
        }
        return try Fields(value, answer: self, path: "the answer")
    }
}

extension Answer {
    /// Throws unless the body is JSON on one line that has this text.
    func expectJSON(containing texts: String...) throws(ConformanceFailure) {
        let type = header("content-type")
        try expect(
            type.lowercased().hasPrefix("application/json"),
            "The content type is \(type) instead of application/json.")
        let text = String(decoding: body, as: UTF8.self)
        let compact = text.filter { $0 != " " }
        for wanted in texts {
            try expect(compact.contains(wanted), "The body does not have \(wanted).")
        }
        try expect(!text.dropLast().contains { $0.isNewline }, "The body has more than one line.")
    }
}

/// What was sent: enough to say it in a report.
struct Request: CustomStringConvertible {
    var method: String
    var path: String
    var body: [UInt8] = []
    /// What is particular about how it was sent; empty if nothing is.
    var manner = ""

    var description: String {
        var text = "\(method) \(path)"
        if !manner.isEmpty { text += ", \(manner)" }
        if !body.isEmpty { text += ": \(Answer.notation(of: body))" }
        return text
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits for each byte.
    var hex: String {
        map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
