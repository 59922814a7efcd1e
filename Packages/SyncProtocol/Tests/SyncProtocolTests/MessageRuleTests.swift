// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import Testing

/// Rules of single messages that bytes alone do not show.
@Suite struct MessageRuleTests {
    /// A list that announces more than the input can hold takes no memory for it.
    @Test(arguments: [0x9A, 0x9B] as [UInt8])
    func makesNoRoomForElementsThatAreNotThere(head: UInt8) {
        let count = [UInt8](repeating: 0x7F, count: head == 0x9A ? 4 : 8)
        let bytes = [0xA1, 0x63] + Array("ops".utf8) + [head] + count + Fixture.upsert().encoded()

        let error = decodingError(bytes, as: PullResponse.self)

        #expect(error?.code == .truncated && error?.offset == bytes.count)
    }

    @Test(arguments: [
        (6 as OperationID, nil as Cursor?), (7, 12), (8, 13), (9, 14), (10, nil), (0, nil),
        (OperationID(wireIntegerMax), nil),
    ])
    func aRunKnowsTheCursorsOfItsOperations(operationID: OperationID, cursor: Cursor?) {
        let run = AcceptedRun(firstOperationID: 7, firstCursor: 12, count: 3)

        #expect(run.cursor(of: operationID) == cursor)
    }

    @Test func aDuplicateWhoseCursorIsNotKeptHasCursor0() {
        let run = AcceptedRun(firstOperationID: 7, firstCursor: 0, count: 1)

        #expect(run.cursor(of: 7) == .start)
        #expect(run.cursor(of: 8) == nil)
        let longer = AcceptedRun(firstOperationID: 7, firstCursor: 0, count: 2)
        #expect(longer.cursor(of: 8) == .start)
    }

    @Test func aRunReachesTheLastNumber() {
        let run = AcceptedRun(firstOperationID: 1, firstCursor: 1, count: wireIntegerMax)

        #expect(run.cursor(of: OperationID(wireIntegerMax)) == Cursor(wireIntegerMax))
        #expect(run.cursor(of: OperationID(.max)) == nil)
    }

    /// A later version may append to a run; the first three numbers keep their meaning.
    @Test func aRunMayHaveMoreThanThreeElements() throws {
        let run = try AcceptedRun(decoding: [0x85, 7, 12, 3, 0x61, 0x61, 0xA0])

        #expect(run == AcceptedRun(firstOperationID: 7, firstCursor: 12, count: 3))
    }

    @Test func aLimitThatIsNotSaidHasItsDefault() throws {
        var writer = CBORWriter()
        writer.writeMapHeader(count: 1)
        writer.write(text: "maxPushOps" as StaticString)
        writer.write(uint: 5)

        let limits = try SyncLimits(decoding: writer.bytes)

        var expected = SyncLimits.standard
        expected.maxPushOperations = 5
        #expect(limits == expected)
    }

    @Test func defaultLimitsAreThoseOfTheProtocol() {
        let limits = SyncLimits.standard

        #expect(limits.maxPushOperations == 1_000 && limits.maxTransactionOperations == 10_000)
        #expect(limits.maxPullOperations == 10_000 && limits.maxPageBytes == 16 * 1_024 * 1_024)
        #expect(limits.maxBodyBytes == 16 * 1_024 * 1_024 && limits.maxEntityBytes == 1_024 * 1_024)
    }

    @Test func aPolicyWithoutADefaultDetects() throws {
        let map: CBORValue = ["tasks": "merge"]

        let policy = try ConflictPolicy(decoding: map.encoded())

        #expect(policy == ConflictPolicy(standard: "detect", byCollection: ["tasks": "merge"]))
    }

    @Test func aPolicyOfTheDefaultAloneIsText() throws {
        let map: CBORValue = ["": "serverWins"]

        let policy = try ConflictPolicy(decoding: map.encoded())

        #expect(policy == ConflictPolicy(standard: "serverWins"))
        #expect(policy.encoded() == CBORValue.text("serverWins").encoded())
    }

    @Test func policiesOfNamesThatOnlyLookEqualAreTwo() throws {
        let map: CBORValue = ["\u{E9}": "merge", "e\u{301}": "serverWins", "": "detect"]

        let policy = try ConflictPolicy(decoding: map.encoded())

        #expect(policy.byCollection.count == 2)
        #expect(policy.encoded() == map.encoded())
    }

    @Test func aCapabilityOfAnotherTypeIsNotRead() throws {
        let answer: CBORValue = [
            "serverCursor": 1, "capabilities": ["pull": true, "later": ["levels": 3]],
        ]

        let decoded = try HandshakeResponse(decoding: answer.encoded())

        #expect(decoded.capabilities == ["pull": true])
    }

    @Test(arguments: [.text("2024"), .float(1.5), .null, .array([]), .negative(0)] as [CBORValue])
    func aTimeOfAnOlderPeerThatIsNoIntegerIsNotRead(_ value: CBORValue) throws {
        let state: CBORValue = ["entityVersion": 6, "entityCbor": .null, "lastModified": value]

        let decoded = try ServerState(decoding: state.encoded())

        #expect(decoded.lastModifiedMilliseconds == nil)
    }

    @Test func rejectedOperationsAreShownWithoutAcceptedOnes() throws {
        let rejection = Rejection(operationID: 5, code: .forbidden, message: "")
        let response = PushResponse(acknowledgedUpTo: 4, rejected: [rejection])

        #expect(try PushResponse(decoding: response.encoded()) == response)
    }

    @Test(arguments: [
        (SyncErrorCode.unknown, true), (.invalidRequest, false), (.authenticationFailed, false),
        (.authorizationFailed, false), (.databaseNotFound, false), (.versionMismatch, false),
        (.conflict, false), (.rateLimitExceeded, true), (.internalError, true),
        (.serviceUnavailable, true), (.timeout, true), (.invalidCursor, false),
        (.notSupported, false), (SyncErrorCode(rawValue: 13), false),
        (SyncErrorCode(rawValue: wireIntegerMax), false),
    ])
    func retriesWhatMaySucceedLater(_ code: SyncErrorCode, isRetryable: Bool) {
        #expect(code.isRetryable == isRetryable)
    }

    @Test func codesHaveTheNamesOfTheProtocol() {
        #expect(SyncErrorCode.unknown.description == "unknown")
        #expect(SyncErrorCode.notSupported.description == "notSupported")
        #expect(SyncErrorCode(rawValue: 13).description == "code 13")
    }

    @Test func aPageOfStoredOperationsIsThePage() {
        let operations = [Fixture.upsert(), Fixture.delete(2)]
        let page = PullResponse(
            operations: operations, nextCursor: 9, hasMore: true, serverCursor: 12, logID: nil)
        let stored = operations.map { $0.encoded() }

        var writer = CBORWriter()
        PullResponse.encode(
            to: &writer, logID: nil, nextCursor: 9, hasMore: true, serverCursor: 12,
            operationCount: 2
        ) { writer in
            for item in stored { writer.writeEncodedItem(item) }
        }

        #expect(writer.bytes == page.encoded())
    }

    /// An allocation of what these heads claim would end the process.
    @Test(arguments: [1 << 32, 1 << 40, 1 << 62, 1 << 63, .max] as [UInt64])
    func believesNoLength(claim: UInt64) {
        let length = (0..<8).map { UInt8(truncatingIfNeeded: claim >> (56 - 8 * $0)) }
        for (key, major) in [
            ("ops", 4), ("ops", 5), ("dbId", 3), ("logId", 2), ("clientInfo", 5), ("limits", 5),
            ("collections", 4), ("accepted", 4), ("conflicts", 4), ("details", 5), ("x", 2),
            ("x", 3), ("x", 4), ("x", 5), ("entityCbor", 2), ("labels", 5), ("capabilities", 5),
        ] as [(String, UInt8)] {
            let bytes = [0xA1] + CBORValue.text(key).encoded() + [major << 5 | 27] + length
            for decode in messageCodecs.values {
                #expect(throws: CBORError.self) { try decode(bytes) }
            }
        }
    }

    /// Older peers write arrays of 256 and more with an indefinite length.
    @Test(arguments: [255, 256, 300])
    func readsManyOperationsOfIndefiniteLength(count: UInt64) throws {
        let request = PushRequest(
            databaseID: "db", deviceID: "d1", operations: (1...count).map(Fixture.upsert))
        let list = CBORWriter.encode { writer in writer.writeArrayHeader(count: Int(count)) }
        // The map's head, the key, then the list, which the operations end before "dbId".
        let head = [0xA3] + CBORValue.text("ops").encoded()
        let bytes = request.encoded()
        let operations = request.operations.flatMap { $0.encoded() }
        let rest = bytes[(head.count + list.count + operations.count)...]

        let loose = head + [0x9F] + operations + [0xFF] + rest

        #expect(try PushRequest(decoding: loose) == request)
    }
}

extension CBORWriter {
    fileprivate static func encode(_ body: (inout CBORWriter) -> Void) -> [UInt8] {
        var writer = CBORWriter()
        body(&writer)
        return writer.bytes
    }
}
