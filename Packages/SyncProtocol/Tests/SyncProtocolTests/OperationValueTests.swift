// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

/// The rules about an operation's values, for which a server rejects it alone.
@Suite struct OperationValueTests {
    private static let maxEntityBytes: UInt64 = 1_000

    /// An operation, changed, and the code of what is then wrong.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: RejectionCode?
        var operation: SyncOperation

        init(
            _ description: String, _ code: RejectionCode?,
            of start: SyncOperation = Fixture.upsert(),
            _ change: (inout SyncOperation) -> Void
        ) {
            testDescription = description
            self.code = code
            operation = start
            change(&operation)
        }
    }

    /// A byte string with a head of three bytes that takes `count` bytes in all.
    private static func entity(ofBytes count: Int) -> [UInt8] {
        let length = count - 3
        return [0x59, UInt8(length >> 8), UInt8(length & 0xFF)]
            + [UInt8](repeating: 0, count: length)
    }

    private static func labels(_ count: Int) -> [LabelName: SyncOperation.Label] {
        Dictionary(uniqueKeysWithValues: (0..<count).map { (LabelName("l\($0)"), .flag(true)) })
    }

    /// A label whose map takes `count` bytes as encoded: head, "k", a head of three bytes, text.
    private static func label(ofBytes count: Int) -> [LabelName: SyncOperation.Label] {
        ["k": .text(String(repeating: "x", count: count - 6))]
    }

    private static let cases: [Case] = [
        Case("nothing is wrong", nil) { _ in },
        Case("a delete", nil, of: Fixture.delete()) { _ in },
        Case("no collection", .malformed) { $0.collection = "" },
        Case("128 bytes of collection", nil) {
            $0.collection = .init(String(repeating: "é", count: 64))
        },
        Case("129 bytes of collection", .malformed) {
            $0.collection = .init(String(repeating: "é", count: 64) + "a")
        },
        Case("a local collection", .malformed) { $0.collection = "_drafts" },
        Case("a delete in a local collection", .malformed, of: Fixture.delete()) {
            $0.collection = "_"
        },
        Case("an underscore later on", nil) { $0.collection = "a_" },
        Case("no entity id", .malformed) { $0.entityID = "" },
        Case("256 bytes of entity id", nil) {
            $0.entityID = .init(String(repeating: "a", count: 256))
        },
        Case("257 bytes of entity id", .malformed) {
            $0.entityID = .init(String(repeating: "a", count: 257))
        },
        Case("an unknown kind", .malformed) { $0.kind = .unknown("patch") },
        Case("an unknown kind without content", .malformed, of: Fixture.delete()) {
            $0.kind = .unknown("")
        },
        Case("a base", nil) { $0.base = 7 },
        Case("a base of 0", nil) { $0.base = 0 },
        Case("a base of its own", nil) { $0.baseOperationID = 7 },
        Case("both bases", .malformed) { ($0.base, $0.baseOperationID) = (0, 7) },
        Case("both bases of a delete", .malformed, of: Fixture.delete()) {
            ($0.base, $0.baseOperationID) = (1, 7)
        },
        Case("16 labels", nil) { $0.labels = labels(16) },
        Case("17 labels", .malformed) { $0.labels = labels(17) },
        Case("17 labels of a delete", .malformed, of: Fixture.delete()) { $0.labels = labels(17) },
        Case("1,024 bytes of labels", nil) { $0.labels = label(ofBytes: 1_024) },
        Case("1,025 bytes of labels", .malformed) { $0.labels = label(ofBytes: 1_025) },
        Case("an upsert without content", .malformed) { $0.entityCBOR = nil },
        Case("an upsert of no bytes", .malformed) { $0.entityCBOR = [] },
        Case("an entity that ends too early", .malformed) { $0.entityCBOR = [0x82, 0x01] },
        Case("an entity and a byte", .malformed) { $0.entityCBOR = [0xA0, 0x00] },
        Case("an entity that is a break", .malformed) { $0.entityCBOR = [0xFF] },
        Case("an entity with text that is not UTF-8", nil) { $0.entityCBOR = [0x61, 0xFF] },
        Case("an entity with a key twice", nil) { $0.entityCBOR = [0xA2, 0, 0, 0, 0] },
        Case("an entity that is a number", nil) { $0.entityCBOR = [0x18, 0x01] },
        Case("64 levels", nil) { $0.entityCBOR = .init(repeating: 0x81, count: 63) + [0x80] },
        Case("65 levels", .malformed) {
            $0.entityCBOR = .init(repeating: 0x81, count: 64) + [0x80]
        },
        Case("64 tags", nil) { $0.entityCBOR = .init(repeating: 0xC1, count: 64) + [0x00] },
        Case("65 tags", .malformed) { $0.entityCBOR = .init(repeating: 0xC1, count: 65) + [0x00] },
        Case("100,000 levels", .tooLarge) {
            $0.entityCBOR = .init(repeating: 0x81, count: 100_000)
        },
        Case("as large as may be", nil) { $0.entityCBOR = entity(ofBytes: 1_000) },
        Case("one byte too large", .tooLarge) { $0.entityCBOR = entity(ofBytes: 1_001) },
        Case("a delete with content", .malformed, of: Fixture.delete()) { $0.entityCBOR = [0xA0] },
    ]

    @Test(arguments: cases)
    func findsWhatIsWrong(_ row: Case) {
        let violation = row.operation.violation(maxEntityBytes: Self.maxEntityBytes)

        #expect(violation?.code == row.code)
        #expect(violation?.message.isEmpty != true)
    }

    @Test func theMessageQuotesTheLimitAndNoContent() throws {
        var operation = Fixture.upsert()
        operation.entityCBOR =
            [0x78, 0x20] + Array("secret".utf8) + .init(repeating: 0x20, count: 26)

        let violation = try #require(operation.violation(maxEntityBytes: 10))

        #expect(violation.message.contains("maxEntityBytes is 10"))
        #expect(!violation.message.contains("secret"))
    }

    @Test func anEmptyDeleteIsTheSameAsOneWithoutContent() throws {
        var sent = Fixture.delete()
        sent.entityCBOR = []

        let decoded = try SyncOperation(decoding: sent.encoded())

        #expect(decoded.violation(maxEntityBytes: 10) == nil)
        #expect(decoded.hasSameContent(as: Fixture.delete()))
    }

    @Test func contentIsTheEntityTheKindAndTheBytes() {
        let operation = Fixture.upsert()
        var other = Fixture.upsert(2)
        other.timestampMilliseconds = 0
        other.entityVersion = 9
        other.hybridTimestamp = 5
        other.base = 3
        other.transactionID = 1
        other.labels = ["a": .number(1)]
        #expect(operation.hasSameContent(as: other))

        let changes: [(inout SyncOperation) -> Void] = [
            { $0.collection = "notes" }, { $0.entityID = "t2" }, { $0.entityID = "T1" },
            { $0.kind = .delete }, { $0.entityCBOR = [0x80] }, { $0.entityCBOR = nil },
        ]
        for change in changes {
            var changed = other
            change(&changed)
            #expect(!operation.hasSameContent(as: changed))
        }
    }
}
