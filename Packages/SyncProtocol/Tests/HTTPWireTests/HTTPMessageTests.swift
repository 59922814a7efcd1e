// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@Suite struct HTTPHeadersTests {
    @Test func findsANameInAnyCase() {
        let headers: HTTPHeaders = ["Content-Type": "a", "X-y": "b", "content-TYPE": "c"]

        #expect(headers["content-type"] == "a")
        #expect(headers["X-Y"] == "b")
        #expect(headers["X"] == nil)
        #expect(headers.allBytes(of: "Content-Type").map(Array.init) == [[0x61], [0x63]])
        #expect(headers.map(\.name) == ["Content-Type", "X-y", "content-TYPE"])
    }

    @Test func comparesNamesByBytesAndNotByUnicode() {
        var headers = HTTPHeaders()
        headers.append("K", "kelvin")

        #expect(!headers.contains("\u{212A}"))
        #expect(headers.contains("k"))
    }

    @Test func cannotBeMadeToHoldALineEnd() {
        var headers = HTTPHeaders()
        headers.append("X", "a\r\nSet-Cookie: b\0c")

        let bytes = HTTPResponse(status: 200, headers: headers).serialized(keepAlive: true)
        let expected = "HTTP/1.1 200 OK\r\nX: a  Set-Cookie: b c\r\nContent-Length: 0\r\n\r\n"
        #expect(bytes == Array(expected.utf8))
    }

    @Test func isEqualByOrderNamesAndValues() {
        let headers: HTTPHeaders = ["A": "1", "B": "2"]

        #expect(headers == ["a": "1", "b": "2"])
        #expect(headers != ["B": "2", "A": "1"])
        #expect(headers != ["A": "1", "B": "3"])
        #expect(headers != ["A": "1"])
    }

    @Test func keepsValuesAsSentWithoutBlanksAround() throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: \t Bearer  x \t\r\n\r\n"

        let request = try #require(ParserDriver.parse(text).requests.first)

        #expect(request.headers["authorization"] == "Bearer  x")
        #expect(request.headers.count == 2)
    }
}

@Suite struct HTTPResponseTests {
    private func text(_ response: HTTPResponse, keepAlive: Bool) -> String {
        String(decoding: response.serialized(keepAlive: keepAlive), as: UTF8.self)
    }

    @Test func saysItsLengthAndWhetherItCloses() {
        let response = HTTPResponse(status: 404, headers: ["X": "y"], body: Array("no\n".utf8))
        let start = "HTTP/1.1 404 Not Found\r\nX: y\r\nContent-Length: 3\r\n"

        #expect(text(response, keepAlive: true) == start + "\r\nno\n")
        #expect(text(response, keepAlive: false) == start + "Connection: close\r\n\r\nno\n")
    }

    @Test(arguments: [204, 304])
    func hasNoBodyWhereTheStatusForbidsOne(status: Int) {
        let response = HTTPResponse(status: status, body: [1, 2, 3])

        let text = text(response, keepAlive: true)
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(!text.contains("Content-Length"))
    }

    @Test func tellsAnOlderPeerThatTheConnectionStays() {
        let head = HTTPResponse(status: 200).serializedHead(keepAlive: true, version: .http10)

        #expect(String(decoding: head, as: UTF8.self).contains("\r\nConnection: keep-alive\r\n"))
    }
}

@Suite struct HTTPQueryTests {
    @Test func splitsBeforeItDecodes() {
        let request = HTTPRequest(method: .get, target: "/e?a=x%26y&b=c%2Cd,e=f&&flag&a=2")

        let items = request.queryItems()
        #expect(request.path == "/e")
        #expect(items.map(\.name) == ["a", "b", "flag", "a"])
        #expect(items.map(\.value) == ["x&y", "c,d,e=f", "", "2"])
        #expect(items[1].rawValue == "c%2Cd,e=f")
    }

    @Test(arguments: [("a+b", "a+b"), ("%41%7a", "Az"), ("%E4%B8%96", "世"), ("", "")])
    func decodes(_ row: (encoded: String, plain: String)) {
        #expect(HTTPPercentEncoding.decodedString(row.encoded) == row.plain)
    }

    @Test(arguments: ["%", "%4", "%4g", "%g4", "%FF", "%C0%80", "%ED%A0%80"])
    func decodesNothingThatIsMalformedOrNotUTF8(encoded: String) {
        #expect(HTTPPercentEncoding.decodedString(encoded) == nil)
    }

    @Test func encodesEveryByteSoThatItDecodesToItself() {
        let bytes = (0...255).map { UInt8($0) }

        #expect(HTTPPercentEncoding.decoded(HTTPPercentEncoding.encoded(bytes)) == bytes)
        #expect(HTTPPercentEncoding.encoded("a-_.~/ é".utf8) == "a-_.~%2F%20%C3%A9")
    }
}
