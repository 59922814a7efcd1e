// SPDX-License-Identifier: MIT

import CBOR
import GzipCoding
import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// gzip around requests and answers.
@Suite struct ContentCodingTests {
    /// `gzip` of "hello", by another program.
    private static let hello: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9,
        0x07, 0x00, 0x86, 0xA6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
    ]

    private func noise(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: UInt64(count))
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    @Test func contentOfOtherProgramsIsRead() throws {
        #expect(try Gzip.decompress(Self.hello[...], maxBytes: 5) == Array("hello".utf8))
        let twice = Self.hello + Self.hello
        #expect(try Gzip.decompress(twice[...], maxBytes: 10) == Array("hellohello".utf8))
    }

    @Test(arguments: [0, 1, 1_000, 65_535, 65_536, 65_537, 300_000])
    func whatIsCompressedComesBack(count: Int) throws {
        for bytes in [noise(count), Array(repeating: 7, count: count)] {
            let parts = [bytes[..<(count / 3)], bytes[(count / 3)...], []]
            let packed = Gzip.compress(parts)
            #expect(try Gzip.decompress(packed[...], maxBytes: count) == bytes)
            if count > 0 {
                #expect(throws: GzipError.tooLarge) {
                    try Gzip.decompress(packed[...], maxBytes: count - 1)
                }
            }
        }
    }

    @Test func everyCutAndEveryFlippedBitIsNoticed() throws {
        for end in 0..<Self.hello.count {
            #expect(throws: GzipError.truncated) {
                try Gzip.decompress(Self.hello[..<end], maxBytes: 100)
            }
        }
        for place in Self.hello.indices {
            var bytes = Self.hello
            bytes[place] ^= 1
            let content = try? Gzip.decompress(bytes[...], maxBytes: 100)
            // The head says whether it is text, when and where it was made: that means nothing.
            #expect(content == nil || ((3...9).contains(place) && content == Array("hello".utf8)))
        }
        #expect(throws: GzipError.damaged) {
            try Gzip.decompress((Self.hello + [0, 0])[...], maxBytes: 100)
        }
    }

    @Test(.timeLimit(.minutes(5))) func aBombIsRefusedAtTheLimit() throws {
        let bomb = Gzip.compress([ArraySlice(repeating: 0, count: 64 << 20)])
        #expect(bomb.count < 1 << 20)
        #expect(throws: GzipError.tooLarge) { try Gzip.decompress(bomb[...], maxBytes: 1 << 20) }
    }

    /// Each has no content, so no limit ends them; they must cost no more than their bytes.
    @Test(.timeLimit(.minutes(5))) func manyEmptyMembersAreReadInTheirTime() throws {
        let empty = Gzip.compress([[]])
        let members = Array(repeatElement(empty, count: 200_000).joined())
        #expect(try Gzip.decompress(members[...], maxBytes: 10) == [])
    }

    @Test(
        arguments: [
            ("gzip", true), ("GZIP", true), ("x-gzip", true), ("deflate, gzip;q=0.5", true),
            ("gzip ; q=1", true), ("gzip;q=0", false), ("gzip; q=0.00", false),
            ("gzip;q=0.001", true), ("br, deflate", false), ("*", false), ("", false),
            ("gzipp", false), ("identity", false),
        ] as [(String, Bool)]) func gzipIsSentToThoseThatNameIt(value: String, takes: Bool)
    {
        let request = HTTPRequest(
            method: .get, target: "/", headers: ["Accept-Encoding": value], body: [])
        #expect(ContentCoding.acceptsGzip(request) == takes)
    }

    /// The routes over a service, with what a request of these headers is answered.
    private func answer(
        _ server: ServiceUnderTest, _ path: String, _ body: [UInt8], _ headers: HTTPHeaders,
        _ configuration: RouteConfiguration = .init()
    ) throws -> HTTPResponse {
        let routes = SyncRoutes(service: server.service, configuration: configuration)
        var answer: HTTPResponse?
        routes.receive(
            Exchange(
                request: HTTPRequest(
                    method: .post, target: path, headers: headers, body: body), id: 1
            ) { answer = $0 })
        routes.endOfBatch()
        return try #require(answer)
    }

    @Test func aPullInGzipHasTheSameOperations() throws {
        let server = try ServiceUnderTest()
        try server.push(
            (1...50).map { number in
                operation(OperationID(number), EntityID("entity \(number)"), base: 0)
            })
        let body = PullRequest(databaseID: "db", sinceCursor: 0, limit: 100).encoded()

        let plain = try answer(server, "/v1/pull", body, [:])
        let packed = try answer(server, "/v1/pull", body, ["Accept-Encoding": "gzip"])

        #expect(plain.headers["Content-Encoding"] == nil)
        #expect(plain.headers["Vary"] == "Accept-Encoding")
        #expect(packed.headers["Content-Encoding"] == "gzip")
        #expect(packed.headers["Vary"] == "Accept-Encoding")
        #expect(packed.bodyLength < plain.bodyLength)
        let content = try Gzip.decompress(packed.body[...], maxBytes: 1 << 20)
        #expect(content == plain.body + plain.bodyParts.joined())
    }

    @Test func aShortAnswerIsNotCompressed() throws {
        let server = try ServiceUnderTest()
        let body = PullRequest(databaseID: "db", sinceCursor: 0, limit: 100).encoded()
        let answer = try answer(server, "/v1/pull", body, ["Accept-Encoding": "gzip"])
        #expect(answer.headers["Content-Encoding"] == nil)
    }

    @Test func aPushInGzipIsTaken() throws {
        let server = try ServiceUnderTest()
        let push = PushRequest(
            databaseID: "db", deviceID: "a", operations: [operation(1, "e", base: 0)])
        let packed = Gzip.compress([push.encoded()[...]])
        let answer = try answer(server, "/v1/push", packed, ["Content-Encoding": "gzip"])
        #expect(answer.status == 200)
        #expect(server.database.head == 1)
    }

    @Test(
        arguments: [
            ("br", [0], 415), ("gzip, gzip", [0], 415), ("gzip", [0x1F], 400),
            ("gzip", [1, 2, 3], 400), ("gzip", nil, 413),
        ] as [(String, [UInt8]?, Int)])
    func aCodingThatIsNotTakenStoresNothing(coding: String, body: [UInt8]?, status: Int) throws {
        let server = try ServiceUnderTest()
        var configuration = RouteConfiguration()
        configuration.maxBodyBytes = 1_024
        let push = PushRequest(
            databaseID: "db", deviceID: "a",
            operations: (1...20).map { number in
                operation(OperationID(number), EntityID("e\(number)"), base: 0)
            })
        let answer = try answer(
            server, "/v1/push", body ?? Gzip.compress([push.encoded()[...]]),
            ["Content-Encoding": coding], configuration)
        #expect(answer.status == status)
        let error = try ErrorResponse(decoding: answer.body)
        #expect(error.code == .invalidRequest)
        if status == 413 { #expect(error.details.limit == "maxBodyBytes") }
        #expect(server.database.head == 0)
    }
}
