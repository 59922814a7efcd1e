// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@Suite struct HTTPRequestParserLimitTests {
    /// Both ways in which bytes can come: what is found must not depend on it.
    private func bothWays(_ text: String, _ limits: HTTPLimits) -> [HTTPRequestParser.Output] {
        let bytes = Array(text.utf8)
        let whole = ParserDriver.parse(bytes, limits: limits).outputs
        #expect(ParserDriver.parseBytewise(bytes, limits: limits).outputs == whole)
        return whole
    }

    private func status(_ outputs: [HTTPRequestParser.Output]) -> Int {
        if case .reject(let rejection) = outputs.last { return rejection.status }
        return outputs.isEmpty ? 0 : 200
    }

    private func head(bytes count: Int) -> String {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        return start + String(repeating: "x", count: count - start.utf8.count - 4) + "\r\n\r\n"
    }

    @Test func takesAHeadOfExactlyTheLimit() {
        let limits = HTTPLimits(maxHeadBytes: 100)

        #expect(status(bothWays(head(bytes: 100), limits)) == 200)
        #expect(status(bothWays(head(bytes: 101), limits)) == 431)
        #expect(status(bothWays(head(bytes: 102), limits)) == 431)
    }

    @Test func refusesAnEndlessLineAtTheLimitAndNotBefore() {
        let limits = HTTPLimits(maxHeadBytes: 100)
        let line = "GET /" + String(repeating: "a", count: 95)

        #expect(status(bothWays(String(line.dropLast()), limits)) == 0)
        #expect(status(bothWays(line, limits)) == 431)
    }

    @Test func countsOnlyTheBytesOfTheRequestItself() {
        let limits = HTTPLimits(maxHeadBytes: 100)
        let three = "\r\n" + head(bytes: 100) + head(bytes: 100) + "\r\n" + head(bytes: 100)

        #expect(bothWays(three, limits).count == 3)
    }

    @Test func takesExactlyAsManyHeadersAsTheLimit() {
        let limits = HTTPLimits(maxHeaderCount: 3)
        let start = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n"

        #expect(status(bothWays(start + "\r\n", limits)) == 200)
        #expect(status(bothWays(start + "C: 3\r\n", limits)) == 431)
    }

    @Test func takesExactlyAsManyTrailersAsTheLimit() {
        let limits = HTTPLimits(maxHeaderCount: 2)
        let start = AcceptedRequest.chunked("0\r\nA: 1\r\nB: 2\r\n")

        #expect(status(bothWays(start + "\r\n", limits)) == 200)
        #expect(status(bothWays(start + "C: 3\r\n", limits)) == 431)
    }

    @Test func takesTrailersOfExactlyTheLimit() {
        let limits = HTTPLimits(maxHeadBytes: 100)
        func trailers(_ count: Int) -> String {
            AcceptedRequest.chunked(
                "0\r\nA: 1\r\nB: " + String(repeating: "b", count: count - 13) + "\r\n\r\n")
        }

        #expect(status(bothWays(trailers(100), limits)) == 200)
        #expect(status(bothWays(trailers(101), limits)) == 431)
    }

    @Test func refusesADeclaredBodyOverTheLimitBeforeItComes() {
        let limits = HTTPLimits(maxBodyBytes: 10)
        let start = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "

        #expect(status(bothWays(start + "10\r\n\r\n0123456789", limits)) == 200)
        #expect(status(bothWays(start + "11\r\n\r\n", limits)) == 413)
    }

    @Test func refusesAChunkThatWouldExceedTheLimitBeforeItComes() {
        let limits = HTTPLimits(maxBodyBytes: 10)
        let start = AcceptedRequest.chunked("6\r\n012345\r\n")

        #expect(status(bothWays(start + "4\r\n6789\r\n0\r\n\r\n", limits)) == 200)
        #expect(status(bothWays(start + "5\r\n", limits)) == 413)
    }

    @Test func boundsTheSizeLineOfAChunk() {
        let name = String(repeating: "x", count: 252)

        #expect(
            status(bothWays(AcceptedRequest.chunked("0;\(name)\r\n\r\n"), HTTPLimits())) == 200)
        #expect(
            status(bothWays(AcceptedRequest.chunked("0;\(name)x\r\n\r\n"), HTTPLimits())) == 400)
    }

    @Test func boundsTheExtensionsOfABodyTogether() {
        // 128 times 128 bytes, the semicolon among them, are exactly 16 KiB.
        let chunk = "1;" + String(repeating: "x", count: 127) + "\r\nb\r\n"
        let chunks = String(repeating: chunk, count: 128)

        #expect(
            status(bothWays(AcceptedRequest.chunked(chunks + "0\r\n\r\n"), HTTPLimits())) == 200)
        #expect(
            status(bothWays(AcceptedRequest.chunked(chunks + "0;\r\n\r\n"), HTTPLimits())) == 400)
    }

    @Test func countsTheExtensionsAndTrailersOfEachBodyAlone() {
        let limits = HTTPLimits(maxHeadBytes: 100, maxHeaderCount: 2)
        let extensions = String(
            repeating: "1;" + String(repeating: "x", count: 127) + "\r\nb\r\n", count: 100)
        let trailers = "0\r\nA: 1\r\nB: " + String(repeating: "b", count: 60) + "\r\n\r\n"
        let request = AcceptedRequest.chunked(extensions + trailers)

        #expect(bothWays(request + request, limits).count == 2)
        #expect(status(bothWays(request + request, limits)) == 200)
    }

    /// Half a million bytes that come one by one: anything quadratic would take minutes.
    @Test(.timeLimit(.minutes(10))) func parsesInLinearTimeHoweverTheBytesCome() {
        let size = 500_000
        let limits = HTTPLimits(maxHeadBytes: size)
        let bytes = Array(head(bytes: size).utf8)

        #expect(ParserDriver.parseBytewise(bytes, limits: limits).requests.count == 1)

        let pipelined = Array(
            String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: size / 27).utf8)
        #expect(ParserDriver.parse(pipelined).requests.count == size / 27)
    }
}
