// SPDX-License-Identifier: MIT

import HTTPWire
import SyncTestSupport
import Testing

@Suite struct HTTPResponseParserTests {
    @Test(arguments: AcceptedAnswer.all)
    func acceptsWhatIsValid(_ row: AcceptedAnswer) throws {
        var driver = AnswerDriver(isHead: row.isHead)
        driver.feed(row.bytes)
        #expect(driver.responses.count == (row.needsEnd ? 0 : 1))
        if row.needsEnd { driver.end() }

        let response = try #require(driver.responses.first)
        #expect(response.status == row.status)
        #expect(response.body == Array(row.body.utf8))
        #expect(response.isKeepAlive == row.isKeepAlive)
        #expect(!driver.hasUnparsedBytes)
    }

    @Test(arguments: AcceptedAnswer.all)
    func findsTheSameHoweverTheBytesAreSplit(_ row: AcceptedAnswer) {
        let whole = AnswerDriver.parse([row.bytes], isHead: row.isHead).outcomes

        #expect(AnswerDriver.parse(row.bytes.map { [$0] }, isHead: row.isHead).outcomes == whole)
        for split in 0...row.bytes.count {
            let pieces = [Array(row.bytes[..<split]), Array(row.bytes[split...])]
            let driver = AnswerDriver.parse(pieces, isHead: row.isHead)
            #expect(driver.outcomes == whole, "split at \(split)")
        }
    }

    @Test(arguments: AcceptedAnswer.all)
    func tellsAnAnswerThatIsCutAnywhere(_ row: AcceptedAnswer) throws {
        let headEnd = row.text.utf8.count - row.body.utf8.count
        for count in 0..<row.bytes.count where !row.needsEnd || count < headEnd {
            let driver = AnswerDriver.parse([Array(row.bytes[..<count])], isHead: row.isHead)

            #expect(driver.responses.isEmpty, "cut at \(count)")
            let fault = try #require(driver.fault)
            #expect(fault.isTruncated, "cut at \(count): \(fault)")
            #expect(fault.position <= count)
        }
    }

    @Test(arguments: RejectedAnswer.all)
    func rejectsWhatIsMalformedOrAmbiguous(_ row: RejectedAnswer) throws {
        var driver = AnswerDriver(limits: RejectedAnswer.limits)
        driver.feed(row.bytes)

        let fault = try #require(driver.fault)
        #expect(fault.code == row.code, "\(fault)")
        #expect(driver.outcomes.count == 1)
        #expect((0...row.bytes.count).contains(fault.position))
    }

    @Test(arguments: RejectedAnswer.all)
    func rejectsTheSameHoweverTheBytesAreSplit(_ row: RejectedAnswer) {
        let limits = RejectedAnswer.limits
        let whole = AnswerDriver.parse([row.bytes], limits: limits).outcomes

        #expect(AnswerDriver.parse(row.bytes.map { [$0] }, limits: limits).outcomes == whole)
        for split in 0...row.bytes.count {
            let pieces = [Array(row.bytes[..<split]), Array(row.bytes[split...])]
            #expect(
                AnswerDriver.parse(pieces, limits: limits).outcomes == whole, "split at \(split)")
        }
    }

    @Test func givesAnswersInTheOrderOfTheConnection() {
        let rows = (AcceptedAnswer.framed + AcceptedAnswer.statuses).filter { !$0.isHead }

        let driver = AnswerDriver.parse([rows.flatMap(\.bytes)])

        #expect(driver.responses.map(\.status) == rows.map(\.status))
        #expect(driver.responses.map(\.body) == rows.map { Array($0.body.utf8) })
        #expect(driver.fault?.position == 0)
    }

    @Test func tellsOfBytesThatNobodyAskedFor() {
        var driver = AnswerDriver()
        driver.feed("HTTP/1.1 204 \r\nContent-Length: 1\r\n\r\nx".utf8)

        #expect(driver.responses.count == 1)
        #expect(driver.hasUnparsedBytes)
    }

    @Test func dropsWhatComesBehindAFailureOrTheEnd() {
        let answer = "HTTP/1.1 204 \r\n\r\n"
        var failed = AnswerDriver()
        failed.feed("?\r\n".utf8)
        failed.feed(answer.utf8)
        var ended = AnswerDriver()
        ended.end()
        ended.feed(answer.utf8)

        #expect(failed.fault?.code == .malformed && failed.outcomes.count == 1)
        #expect(ended.fault?.isTruncated == true && ended.outcomes.count == 1)
    }

    @Test func keepsTheHeaders() throws {
        let text = AcceptedAnswer.head("Retry-After:  7 \r\nContent-Length: 0\r\n")
        let interim = "HTTP/1.1 100 \r\nRetry-After: 9\r\n\r\n"

        let response = try #require(
            AnswerDriver.parse([Array((interim + text).utf8)]).responses.first)

        #expect(response.headers["retry-after"] == "7")
        #expect(response.headers.count == 2)
    }

    private func expectSameInAllPieces(
        _ bytes: [UInt8], _ generator: inout SeededGenerator, seed: UInt64
    ) {
        let limits = RejectedAnswer.limits
        let whole = AnswerDriver.parse([bytes], limits: limits)
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...rest.count, using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(
            AnswerDriver.parse(bytes.map { [$0] }, limits: limits).outcomes == whole.outcomes,
            "seed \(seed): \(bytes)")
        #expect(
            AnswerDriver.parse(pieces, limits: limits).outcomes == whole.outcomes,
            "seed \(seed): \(bytes)")
        for response in whole.responses { #expect(response.body.count <= 64, "seed \(seed)") }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func survivesGarbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("HTTP/1.10 200\r\n\t:;,chunked5aF\u{0}\u{7F}é".utf8)
        let prefix = seed % 3 == 0 ? Array("HTTP/1.1 200 OK\r\n".utf8) : []
        let bytes = (0..<Int.random(in: 0...500, using: &generator)).map { _ in
            seed % 2 == 0
                ? UInt8.random(in: 0...255, using: &generator)
                : alphabet.randomElement(using: &generator)!
        }

        expectSameInAllPieces(prefix + bytes, &generator, seed: seed)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func survivesMutationsOfValidAnswers(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for row in AcceptedAnswer.all {
            var bytes = row.bytes + AcceptedAnswer.all.randomElement(using: &generator)!.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                ByteMutation.mutate(&bytes, &generator)
            }
            expectSameInAllPieces(bytes, &generator, seed: seed)
        }
    }
}
