// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

/// A valid answer and what must be made of it.
struct AcceptedAnswer: Sendable, CustomTestStringConvertible {
    var rule: String
    var text: String
    var status = 200
    var body = ""
    var isKeepAlive = true
    var isHead = false
    /// Whether only the end of the connection ends it.
    var needsEnd = false

    var testDescription: String { rule }
    var bytes: [UInt8] { Array(text.utf8) }

    /// An answer of status 200 with `lines` in its head, each with its own line end.
    static func head(_ lines: String, _ body: String = "") -> String {
        "HTTP/1.1 200 OK\r\n\(lines)\r\n\(body)"
    }

    static let all: [AcceptedAnswer] = framed + statuses + unframed

    static let framed: [AcceptedAnswer] = [
        AcceptedAnswer(rule: "no body", text: head("Content-Length: 0\r\n")),
        AcceptedAnswer(
            rule: "a body of known length", text: head("Content-Length: 5\r\n", "hello"),
            body: "hello"),
        AcceptedAnswer(
            rule: "leading zeros in the length", text: head("content-length:007\r\n", "1234567"),
            body: "1234567"),
        AcceptedAnswer(
            rule: "chunks, extensions and trailers",
            text: head(
                "Transfer-Encoding: chunked\r\n",
                "5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\n"),
            body: "hello0123456789"),
        AcceptedAnswer(
            rule: "no chunk but the last", text: head("TRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n")
        ),
        AcceptedAnswer(
            rule: "Connection: close",
            text: head("Connection: x, Close\r\nContent-Length: 1\r\n", "a"), body: "a",
            isKeepAlive: false),
        AcceptedAnswer(
            rule: "HTTP/1.0 with a length", text: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            body: "a", isKeepAlive: false),
        AcceptedAnswer(
            rule: "HTTP/1.0 that stays",
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
            body: "a"),
    ]

    static let statuses: [AcceptedAnswer] = [
        AcceptedAnswer(
            rule: "no phrase", text: "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", status: 404),
        AcceptedAnswer(
            rule: "no phrase and no space before it",
            text: "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", status: 503),
        AcceptedAnswer(
            rule: "a phrase beyond ASCII",
            text: "HTTP/1.1 599 für\talle\r\nContent-Length: 0\r\n\r\n", status: 599),
        AcceptedAnswer(rule: "204", text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204),
        AcceptedAnswer(
            rule: "304 with the length that the body would have",
            text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 99999999999\r\n\r\n", status: 304),
        AcceptedAnswer(
            rule: "the answer to HEAD", text: head("Content-Length: 99999999999\r\n"),
            isHead: true),
        AcceptedAnswer(
            rule: "the chunked answer to HEAD", text: head("Transfer-Encoding: chunked\r\n"),
            isHead: true),
        AcceptedAnswer(
            rule: "interim answers before it",
            text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n"
                + "Content-Length: 7\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
            status: 201, body: "ok"),
    ]

    static let unframed: [AcceptedAnswer] = [
        AcceptedAnswer(
            rule: "a body until the end", text: head("X: y\r\n", "hello\r\n\0"),
            body: "hello\r\n\0", isKeepAlive: false, needsEnd: true),
        AcceptedAnswer(
            rule: "an empty body until the end", text: head(""), isKeepAlive: false,
            needsEnd: true),
        AcceptedAnswer(
            rule: "HTTP/1.0 until the end, whatever Connection says",
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nabc", body: "abc",
            isKeepAlive: false, needsEnd: true),
    ]
}

/// Bytes that are no answer, and what kind of fault it is.
struct RejectedAnswer: Sendable, CustomTestStringConvertible {
    var rule: String
    var code: HTTPResponseFault.Code
    var bytes: [UInt8]

    init(_ rule: String, _ code: HTTPResponseFault.Code = .malformed, text: String) {
        self.rule = rule
        self.code = code
        bytes = Array(text.utf8)
    }

    /// An answer with `lines` in its head, each with its own line end.
    init(
        _ rule: String, _ code: HTTPResponseFault.Code = .malformed, head lines: String,
        _ body: String = ""
    ) {
        self.init(rule, code, text: AcceptedAnswer.head(lines, body))
    }

    var testDescription: String { rule }

    static let limits = HTTPLimits(maxHeadBytes: 300, maxHeaderCount: 4, maxBodyBytes: 64)
    private static let chunked = "Transfer-Encoding: chunked\r\n"
    private static let long = String(repeating: "a", count: 301)

    static let all: [RejectedAnswer] = statusLines + heads + bodies

    static let statusLines: [RejectedAnswer] = [
        RejectedAnswer("an empty line first", text: "\r\nHTTP/1.1 200 OK\r\n"),
        RejectedAnswer("another protocol", text: "SSH-2.0-OpenSSH_9.2\r\n"),
        RejectedAnswer("the answer of TLS", text: "\u{15}\u{3}\u{1}\0\u{2}"),
        RejectedAnswer("a bare LF", text: "HTTP/1.1 200 OK\n"),
        RejectedAnswer("a bare CR", text: "HTTP/1.1 200 OK\rX"),
        RejectedAnswer("a lower-case version", text: "http/1.1 200 OK\r\n"),
        RejectedAnswer("no status", text: "HTTP/1.1\r\n"),
        RejectedAnswer("a status of two digits", text: "HTTP/1.1 20\r\n"),
        RejectedAnswer("a status of two digits and a phrase", text: "HTTP/1.1 20 OK\r\n"),
        RejectedAnswer("a status of four digits", text: "HTTP/1.1 2000 OK\r\n"),
        RejectedAnswer("a status below 100", text: "HTTP/1.1 099 OK\r\n"),
        RejectedAnswer("two spaces before the status", text: "HTTP/1.1  200 OK\r\n"),
        RejectedAnswer("a tab before the status", text: "HTTP/1.1\t200 OK\r\n"),
        RejectedAnswer("HTTP/2", .unsupported, text: "HTTP/2.0 200 OK\r\n"),
        RejectedAnswer("101", .unsupported, text: "HTTP/1.1 101 Switching Protocols\r\n"),
        RejectedAnswer("no line end within the limit", .tooLarge, text: "HTTP/1.1 200 \(long)"),
    ]

    static let heads: [RejectedAnswer] = [
        RejectedAnswer("a folded line", head: "A: b\r\n c\r\n"),
        RejectedAnswer("a space before the colon", head: "A : b\r\n"),
        RejectedAnswer("no colon", head: "AB\r\n"),
        RejectedAnswer("an empty name", head: ": b\r\n"),
        RejectedAnswer("a NUL in a value", head: "A: \0\r\n"),
        RejectedAnswer("two lengths", head: "Content-Length: 1\r\nContent-Length: 2\r\n"),
        RejectedAnswer(
            "two lengths that agree", head: "Content-Length: 1\r\nContent-Length: 1\r\n"),
        RejectedAnswer("a list of lengths", head: "Content-Length: 1, 1\r\n"),
        RejectedAnswer("a negative length", head: "Content-Length: -1\r\n"),
        RejectedAnswer("an empty length", head: "Content-Length:\r\n"),
        RejectedAnswer("a length and chunks", head: chunked + "Content-Length: 1\r\n"),
        RejectedAnswer("two codings", head: chunked + chunked),
        RejectedAnswer("an unknown coding", .unsupported, head: "Transfer-Encoding: gzip\r\n"),
        RejectedAnswer(
            "a coding over chunks", .unsupported, head: "Transfer-Encoding: gzip, chunked\r\n"),
        RejectedAnswer("chunked twice", head: "Transfer-Encoding: chunked, chunked\r\n"),
        RejectedAnswer("chunks in HTTP/1.0", text: "HTTP/1.0 200 OK\r\n\(chunked)\r\n"),
        RejectedAnswer("too long a head", .tooLarge, head: "A: \(long)\r\n"),
        RejectedAnswer(
            "too many fields", .tooLarge, head: "A: a\r\nB: b\r\nC: c\r\nD: d\r\nE: e\r\n"),
        RejectedAnswer(
            "interim answers without an end",
            text: String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 17)),
    ]

    static let bodies: [RejectedAnswer] = [
        RejectedAnswer("too long a body", .tooLarge, head: "Content-Length: 65\r\n"),
        RejectedAnswer(
            "a length that no integer holds", .tooLarge,
            head: "Content-Length: 99999999999999999999999999\r\n"),
        RejectedAnswer(
            "too long a body until the end", .tooLarge, head: "",
            String(repeating: "b", count: 70)),
        RejectedAnswer(
            "too long a body in chunks", .tooLarge, head: chunked,
            "40\r\n\(String(repeating: "b", count: 64))\r\n1\r\n"),
        RejectedAnswer("a size that is no number", head: chunked, "x\r\n"),
        RejectedAnswer("a negative size", head: chunked, "-1\r\n"),
        RejectedAnswer("an empty size", head: chunked, "\r\n"),
        RejectedAnswer("a blank before the size", head: chunked, " 1\r\n"),
        RejectedAnswer("a size of 17 digits", head: chunked, "00000000000000001\r\n"),
        RejectedAnswer("the greatest size", .tooLarge, head: chunked, "FFFFFFFFFFFFFFFF\r\n"),
        RejectedAnswer("a chunk longer than its size", head: chunked, "1\r\nab\r\n"),
        RejectedAnswer("a bare LF behind a size", head: chunked, "1\na"),
        RejectedAnswer("a folded trailer", head: chunked, "0\r\n A: b\r\n\r\n"),
        RejectedAnswer("too long a trailer", .tooLarge, head: chunked, "0\r\nA: \(long)"),
    ]
}
