// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

/// Bytes that must be refused, and with which status.
struct RejectedRequest: Sendable, CustomTestStringConvertible {
    var rule: String
    var status: Int
    var bytes: [UInt8]

    init(_ rule: String, _ status: Int = 400, text: String) {
        self.rule = rule
        self.status = status
        bytes = Array(text.utf8)
    }

    /// A request with `lines` in its head beside Host, each with its own line end.
    init(_ rule: String, _ status: Int = 400, head lines: String) {
        self.init(rule, status, text: "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
    }

    /// A chunked request whose body begins with `chunks`.
    init(_ rule: String, _ status: Int = 400, chunks: String) {
        self.init(rule, status, text: AcceptedRequest.chunked(chunks))
    }

    var testDescription: String { "\(status) \(rule)" }

    static let requestLines: [RejectedRequest] = [
        RejectedRequest("two empty lines before it", text: "\r\n\r\nGET / HTTP/1.1\r\n"),
        RejectedRequest("a bare LF before it", text: "\nGET / HTTP/1.1\r\n"),
        RejectedRequest("a bare CR before it", text: "\rGET / HTTP/1.1\r\n"),
        RejectedRequest("no target", text: "GET\r\n"),
        RejectedRequest("HTTP/0.9", text: "GET /\r\n"),
        RejectedRequest("an empty target", text: "GET  HTTP/1.1\r\n"),
        RejectedRequest("two spaces before the version", text: "GET /  HTTP/1.1\r\n"),
        RejectedRequest("a tab for a space", text: "GET\t/ HTTP/1.1\r\n"),
        RejectedRequest("a space behind the version", text: "GET / HTTP/1.1 \r\n"),
        RejectedRequest("a space before the method", text: " GET / HTTP/1.1\r\n"),
        RejectedRequest("a method that is no token", text: "G(T / HTTP/1.1\r\n"),
        RejectedRequest("a method beyond ASCII", text: "GÉT / HTTP/1.1\r\n"),
        RejectedRequest("a lower-case version", text: "GET / http/1.1\r\n"),
        RejectedRequest("a version of two digits", text: "GET / HTTP/1.10\r\n"),
        RejectedRequest("a version without a point", text: "GET / HTTP/11\r\n"),
        RejectedRequest("HTTP/2", 505, text: "PRI * HTTP/2.0\r\n"),
        RejectedRequest("HTTP/1.2", 505, text: "GET / HTTP/1.2\r\n"),
        RejectedRequest("HTTP/0.9 by name", 505, text: "GET / HTTP/0.9\r\n"),
        RejectedRequest("authority-form", text: "CONNECT a:443 HTTP/1.1\r\n"),
        RejectedRequest("a relative path", text: "GET a/b HTTP/1.1\r\n"),
        RejectedRequest("an asterisk with GET", text: "GET * HTTP/1.1\r\n"),
        RejectedRequest("a fragment", text: "GET /a#b HTTP/1.1\r\n"),
        RejectedRequest("a character to be encoded in the path", text: "GET /a|b HTTP/1.1\r\n"),
        RejectedRequest("a backslash in the query", text: "GET /?a\\b HTTP/1.1\r\n"),
        RejectedRequest("a byte beyond ASCII in the target", text: "GET /é HTTP/1.1\r\n"),
        RejectedRequest("a percent sign alone", text: "GET /% HTTP/1.1\r\n"),
        RejectedRequest("a percent sign with one digit", text: "GET /%2 HTTP/1.1\r\n"),
        RejectedRequest("a percent sign without hex digits", text: "GET /%zz HTTP/1.1\r\n"),
        RejectedRequest("another scheme", text: "GET ftp://a/ HTTP/1.1\r\n"),
        RejectedRequest("absolute-form without a host", text: "GET http:///a HTTP/1.1\r\n"),
        RejectedRequest("user information in the target", text: "GET http://u@a/ HTTP/1.1\r\n"),
        RejectedRequest("a bare LF behind it", text: "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        RejectedRequest("a bare CR in it", text: "GET /\r HTTP/1.1\r\n"),
        RejectedRequest("NUL", text: "GET /\0 HTTP/1.1\r\n"),
        RejectedRequest("a TLS greeting", text: "\u{16}\u{3}\u{1}"),
    ]

    static let headers: [RejectedRequest] = [
        RejectedRequest("no Host", text: "GET / HTTP/1.1\r\n\r\n"),
        RejectedRequest("two Hosts", head: "Host: a\r\n"),
        RejectedRequest(
            "two Hosts in HTTP/1.0", text: "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"),
        RejectedRequest("an empty Host", text: "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        RejectedRequest("a Host with a path", text: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        RejectedRequest("a Host with a user", text: "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        RejectedRequest("a Host with a blank", text: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        RejectedRequest("a port of letters", text: "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        RejectedRequest("a port above 65535", text: "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
        RejectedRequest("a bracket left open", text: "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        RejectedRequest("text behind brackets", text: "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
        RejectedRequest("no address in brackets", text: "GET / HTTP/1.1\r\nHost: [a.b.z]\r\n\r\n"),
        RejectedRequest(
            "a Host that differs from the target", text: "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"
        ),
        RejectedRequest("a folded line", head: "X: a\r\n b\r\n"),
        RejectedRequest("a first line that is folded", text: "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        RejectedRequest("a space before the colon", head: "X : a\r\n"),
        RejectedRequest("a tab before the colon", head: "X\t: a\r\n"),
        RejectedRequest("an empty name", head: ": a\r\n"),
        RejectedRequest("no colon", head: "X\r\n"),
        RejectedRequest("a name that is no token", head: "X[]: a\r\n"),
        RejectedRequest("a name beyond ASCII", head: "É: a\r\n"),
        RejectedRequest("a control character in a value", head: "X: a\u{1}b\r\n"),
        RejectedRequest("DEL in a value", head: "X: a\u{7F}b\r\n"),
        RejectedRequest("NUL in a value", head: "X: a\0b\r\n"),
        RejectedRequest("a bare CR in a value", head: "X: a\rY: b\r\n"),
        RejectedRequest("a bare LF behind a value", head: "X: a\nY: b\r\n"),
        RejectedRequest("CR CR LF", head: "X: a\r\r\n"),
        RejectedRequest("an unknown expectation", 417, head: "Expect: 200-ok\r\n"),
        RejectedRequest(
            "an expectation beside a known one", 417,
            head: "Expect: 100-continue\r\nExpect: x\r\n"),
    ]

    static let framing: [RejectedRequest] = [
        RejectedRequest(
            "two Content-Lengths", head: "Content-Length: 1\r\nContent-Length: 2\r\n"),
        RejectedRequest(
            "two equal Content-Lengths", head: "Content-Length: 0\r\ncontent-length: 0\r\n"),
        RejectedRequest("a list in Content-Length", head: "Content-Length: 3, 3\r\n"),
        RejectedRequest("an empty Content-Length", head: "Content-Length:\r\n"),
        RejectedRequest("a plus in Content-Length", head: "Content-Length: +3\r\n"),
        RejectedRequest("a minus in Content-Length", head: "Content-Length: -1\r\n"),
        RejectedRequest("hex in Content-Length", head: "Content-Length: 0x3\r\n"),
        RejectedRequest("blanks in Content-Length", head: "Content-Length: 1 0\r\n"),
        RejectedRequest("a fraction", head: "Content-Length: 1.0\r\n"),
        RejectedRequest(
            "a length beyond 64 bits", 413,
            head: "Content-Length: 99999999999999999999999999\r\n"),
        RejectedRequest(
            "both framings", head: "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        RejectedRequest(
            "both framings, the other way",
            head: "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        RejectedRequest(
            "two Transfer-Encodings",
            head: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        RejectedRequest("chunked twice", head: "Transfer-Encoding: chunked, chunked\r\n"),
        RejectedRequest("an empty Transfer-Encoding", head: "Transfer-Encoding:\r\n"),
        RejectedRequest("a list with an empty part", head: "Transfer-Encoding: ,chunked\r\n"),
        RejectedRequest("chunked in quotes", head: "Transfer-Encoding: \"chunked\"\r\n"),
        RejectedRequest("chunked with a parameter", head: "Transfer-Encoding: chunked;q=1\r\n"),
        RejectedRequest("an unknown coding", 501, head: "Transfer-Encoding: gzip\r\n"),
        RejectedRequest("identity", 501, head: "Transfer-Encoding: identity\r\n"),
        RejectedRequest("almost chunked", 501, head: "Transfer-Encoding: xchunked\r\n"),
        RejectedRequest(
            "a coding before chunked", 501, head: "Transfer-Encoding: gzip, chunked\r\n"),
        RejectedRequest(
            "Transfer-Encoding in HTTP/1.0",
            text: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        RejectedRequest("POST without a length", 411, text: "POST / HTTP/1.1\r\nHost: a\r\n\r\n"),
        RejectedRequest("PUT without a length", 411, text: "PUT / HTTP/1.1\r\nHost: a\r\n\r\n"),
        RejectedRequest("POST of HTTP/1.0 without a length", 411, text: "POST / HTTP/1.0\r\n\r\n"),
    ]

    static let chunks: [RejectedRequest] = [
        RejectedRequest("an empty size", chunks: "\r\n"),
        RejectedRequest("a plus", chunks: "+5\r\nhello\r\n"),
        RejectedRequest("a minus", chunks: "-5\r\nhello\r\n"),
        RejectedRequest("0x", chunks: "0x5\r\nhello\r\n"),
        RejectedRequest("a space before the size", chunks: " 5\r\nhello\r\n"),
        RejectedRequest("a space behind the size", chunks: "5 \r\nhello\r\n"),
        RejectedRequest("a space before an extension", chunks: "5 ;a\r\nhello\r\n"),
        RejectedRequest("no hex digit", chunks: "g\r\n"),
        RejectedRequest("17 digits", chunks: "00000000000000005\r\nhello\r\n"),
        RejectedRequest("a size of 2^64 - 1", 413, chunks: "ffffffffffffffff\r\n"),
        RejectedRequest("a size of 2^63", 413, chunks: "8000000000000000\r\n"),
        RejectedRequest("a bare LF behind the size", chunks: "5\nhello\r\n"),
        RejectedRequest("a bare CR behind the size", chunks: "5\rhello\r\n"),
        RejectedRequest("a bare CR in an extension", chunks: "5;a\rb\r\nhello\r\n"),
        RejectedRequest("a control character in an extension", chunks: "5;\0\r\nhello\r\n"),
        RejectedRequest("data longer than its size", chunks: "4\r\nhello\r\n"),
        RejectedRequest(
            "another byte for the CR behind the data", chunks: "5\r\nhello!\n0\r\n\r\n"),
        RejectedRequest("a bare LF behind the data", chunks: "5\r\nhello\n0\r\n\r\n"),
        RejectedRequest("a bare CR behind the data", chunks: "5\r\nhello\r0\r\n\r\n"),
        RejectedRequest("a folded trailer", chunks: "0\r\n X: a\r\n\r\n"),
        RejectedRequest("a trailer without a colon", chunks: "0\r\nX\r\n\r\n"),
        RejectedRequest("a bare LF in the trailers", chunks: "0\r\nX: a\n\r\n"),
        RejectedRequest("a bare LF for the end", chunks: "0\r\n\n"),
    ]

    static let all = requestLines + headers + framing + chunks
}
