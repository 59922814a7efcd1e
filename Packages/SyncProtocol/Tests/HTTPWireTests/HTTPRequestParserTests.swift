// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@Suite struct HTTPRequestParserTests {
    @Test(arguments: AcceptedRequest.all)
    func acceptsWhatIsValid(_ row: AcceptedRequest) throws {
        let driver = ParserDriver.parse(row.bytes)

        let request = try #require(driver.requests.first)
        #expect(driver.outputs.count == 1)
        #expect(request.method == row.method)
        #expect(request.path == row.path)
        #expect(request.query == row.query)
        #expect(request.body == Array(row.body.utf8))
        #expect(request.isKeepAlive == row.isKeepAlive)
        #expect(driver.isIdle)
    }

    @Test(arguments: AcceptedRequest.all)
    func findsTheSameHoweverTheBytesAreSplit(_ row: AcceptedRequest) {
        let whole = ParserDriver.parse(row.bytes).outputs

        #expect(ParserDriver.parseBytewise(row.bytes).outputs == whole)
        for split in 0...row.bytes.count {
            var driver = ParserDriver()
            driver.feed(row.bytes[..<split])
            #expect(driver.requests.isEmpty || split == row.bytes.count)
            driver.feed(row.bytes[split...])
            #expect(driver.outputs == whole, "split at \(split)")
        }
    }

    @Test(arguments: RejectedRequest.all)
    func rejectsWhatIsMalformedOrAmbiguous(_ row: RejectedRequest) throws {
        let driver = ParserDriver.parse(row.bytes)

        let rejection = try #require(driver.rejection)
        #expect(rejection.status == row.status, "\(rejection)")
        #expect(driver.outputs.count == 1)
        #expect((0...row.bytes.count).contains(rejection.position))
    }

    @Test(arguments: RejectedRequest.all)
    func rejectsTheSameHoweverTheBytesAreSplit(_ row: RejectedRequest) {
        let whole = ParserDriver.parse(row.bytes).outputs

        #expect(ParserDriver.parseBytewise(row.bytes).outputs == whole)
        for split in 0...row.bytes.count {
            var driver = ParserDriver()
            driver.feed(row.bytes[..<split])
            driver.feed(row.bytes[split...])
            #expect(driver.outputs == whole, "split at \(split)")
        }
    }

    @Test func reportsWhereTheRuleIsBroken() throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"

        let rejection = try #require(ParserDriver.parse(text).rejection)

        #expect(rejection.position == 26)
    }

    @Test func staysRejected() {
        var driver = ParserDriver.parse("GET\r\n")
        driver.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

        #expect(driver.requests.isEmpty)
        #expect(driver.rejection?.status == 400)
    }

    @Test func keepsWhatFollowsARequestForTheNext() {
        let bytes = AcceptedRequest.all.flatMap(\.bytes)
        let alone = AcceptedRequest.all.flatMap { ParserDriver.parse($0.bytes).requests }

        #expect(ParserDriver.parse(bytes).requests == alone)
        #expect(ParserDriver.parseBytewise(bytes).requests == alone)
    }

    @Test func asksForTheBodyOnceWhenThePeerExpectsIt() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        var driver = ParserDriver.parse(head)
        #expect(driver.outputs == [.expectContinue])

        driver.feed("hi".utf8)
        #expect(driver.outputs.count == 2)
        #expect(driver.requests.first?.body == Array("hi".utf8))
    }

    @Test(arguments: [
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    ])
    func asksForNoBodyThatIsNotHeldBack(_ head: String) {
        #expect(!ParserDriver.parse(head).outputs.contains(.expectContinue))
    }

    @Test func tellsBetweenRequestsFromWithinOne() {
        var parser = HTTPRequestParser()
        var phases: [HTTPRequestParser.Phase] = []
        for piece in ["", "G", "ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "h", "i"] {
            parser.append(Array(piece.utf8))
            _ = parser.next()
            phases.append(parser.phase)
        }

        #expect(phases == [.idle, .head, .body, .body, .idle])
    }
}
