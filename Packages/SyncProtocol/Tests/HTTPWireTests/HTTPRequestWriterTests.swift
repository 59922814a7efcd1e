// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@Suite struct HTTPRequestWriterTests {
    @Test func writesWhatTheParserReads() throws {
        let request = HTTPRequest(
            method: .post, target: "/v1/pull?x=%20", headers: ["Accept": "a, b", "X-Y": ""],
            body: Array("hello".utf8))

        let driver = ParserDriver.parse(try request.serialized(host: "[::1]:8080"))

        let read = try #require(driver.requests.first)
        #expect(read.method == .post && read.target == "/v1/pull?x=%20")
        #expect(read.body == request.body && read.isKeepAlive)
        #expect(read.headers["host"] == "[::1]:8080" && read.headers["accept"] == "a, b")
        #expect(read.headers.count == 4)
    }

    @Test(arguments: [
        (HTTPMethod.get, true, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"),
        (HTTPMethod.head, false, "HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
        (HTTPMethod.put, true, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
    ])
    func saysTheLengthWhereABodyCouldBe(
        _ row: (method: HTTPMethod, isKeepAlive: Bool, text: String)
    ) throws {
        let request = HTTPRequest(method: row.method, target: "/a", isKeepAlive: row.isKeepAlive)

        #expect(try request.serializedHead(host: "h") == Array(row.text.utf8))
    }

    @Test func cannotBeMadeToSendAnotherRequest() throws {
        var headers = HTTPHeaders()
        headers.append("Authorization", "Bearer a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n")
        let request = HTTPRequest(method: .get, target: "/", headers: headers)

        #expect(ParserDriver.parse(try request.serialized(host: "a")).outputs.count == 1)
    }

    @Test(arguments: [
        ("GET /", "/", "a"), ("", "/", "a"), ("GET", "", "a"), ("GET", "a", "a"),
        ("GET", "/ HTTP/1.1\r\nX: y", "a"), ("GET", "/é", "a"), ("GET", "/%2", "a"),
        ("GET", "/", ""), ("GET", "/", "a\r\nX: y"), ("GET", "/", "a b"), ("GET", "/", "::1"),
    ])
    func refusesWhatAServerCouldReadOtherwise(
        _ row: (method: String, target: String, host: String)
    ) {
        let request = HTTPRequest(method: HTTPMethod(rawValue: row.method), target: row.target)

        #expect(throws: HTTPRejection.self) { try request.serializedHead(host: row.host) }
    }
}
