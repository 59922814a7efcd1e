// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

/// A valid request and what must be made of it.
struct AcceptedRequest: Sendable, CustomTestStringConvertible {
    var rule: String
    var text: String
    var method = HTTPMethod.get
    var path = "/"
    var query: String?
    var body = ""
    var isKeepAlive = true

    var testDescription: String { rule }
    var bytes: [UInt8] { Array(text.utf8) }

    static let all: [AcceptedRequest] = [
        AcceptedRequest(rule: "the least request", text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        AcceptedRequest(
            rule: "one empty line before it (RFC 9112 §2.2)",
            text: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        AcceptedRequest(
            rule: "path and query as sent",
            text: "GET /v1/a%20b?x=1&y=?/ HTTP/1.1\r\nHost: a\r\n\r\n",
            path: "/v1/a%20b", query: "x=1&y=?/"),
        AcceptedRequest(
            rule: "absolute-form", text: "GET http://A:80/p?q HTTP/1.1\r\nHost: a:80\r\n\r\n",
            path: "/p", query: "q"),
        AcceptedRequest(
            rule: "absolute-form without a path",
            text: "GET https://a?q HTTP/1.1\r\nHost: a\r\n\r\n", query: "q"),
        AcceptedRequest(
            rule: "asterisk-form of OPTIONS", text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            method: .options, path: "*"),
        AcceptedRequest(
            rule: "any token as method", text: "M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n",
            method: HTTPMethod(rawValue: "M-SEARCH")),
        AcceptedRequest(
            rule: "blanks around a value", text: "GET / HTTP/1.1\r\nHost: \t a \t\r\nX:\r\n\r\n"),
        AcceptedRequest(
            rule: "bytes from 0x80 in a value",
            text: "GET / HTTP/1.1\r\nHost: a\r\nX: \u{E9}\u{4E16}\r\n\r\n"),
        AcceptedRequest(
            rule: "IPv6 Host", text: "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
        AcceptedRequest(
            rule: "Connection: close ends keep-alive, in any case and list",
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive , CLOSE\r\n\r\n",
            isKeepAlive: false),
        AcceptedRequest(
            rule: "HTTP/1.0 needs no Host and closes", text: "GET / HTTP/1.0\r\n\r\n",
            isKeepAlive: false),
        AcceptedRequest(
            rule: "HTTP/1.0 with keep-alive",
            text: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
        AcceptedRequest(
            rule: "Content-Length",
            text: "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            method: .post, path: "/p", body: "hello"),
        AcceptedRequest(
            rule: "a body of no bytes",
            text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            method: .post),
        AcceptedRequest(
            rule: "a body that looks like a request",
            text: "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 018\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            method: .post, body: "GET / HTTP/1.1\r\n\r\n"),
        AcceptedRequest(
            rule: "chunks of several sizes",
            text: chunked("5\r\nhello\r\n1\r\n,\r\n00A\r\n wide worl\r\n1\r\nd\r\n0\r\n\r\n"),
            method: .post, body: "hello, wide world"),
        AcceptedRequest(
            rule: "no chunk but the last", text: chunked("0\r\n\r\n"), method: .post),
        AcceptedRequest(
            rule: "chunk extensions are dropped",
            text: chunked("2;a=b;c=\"d e\"\r\nhi\r\n0;x\r\n\r\n"), method: .post, body: "hi"),
        AcceptedRequest(
            rule: "trailers are dropped",
            text: chunked("2\r\nhi\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"), method: .post,
            body: "hi"),
        AcceptedRequest(
            rule: "the coding's name in any case",
            text: "POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n",
            method: .post),
        AcceptedRequest(
            rule: "a chunk's data may hold line ends",
            text: chunked("8\r\n\r\n0\r\n\r\n\n\r\n0\r\n\r\n"), method: .post,
            body: "\r\n0\r\n\r\n\n"),
    ]

    static func chunked(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    }
}
