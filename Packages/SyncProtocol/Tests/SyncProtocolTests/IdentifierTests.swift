// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// Names are bytes, and each kind has its rule.
@Suite struct IdentifierTests {
    /// Texts that `String` takes for equal.
    static let lookalikes = [
        ("\u{E9}", "e\u{301}"), ("K", "\u{212A}"), ("\u{C5}", "\u{212B}"), ("\u{3A9}", "\u{2126}"),
        ("\u{1E0B}\u{323}", "d\u{323}\u{307}"), ("\u{AC00}", "\u{1100}\u{1161}"),
    ]

    @Test(arguments: lookalikes)
    func canonicallyEquivalentNamesAreDifferentNames(composed: String, other: String) {
        #expect(composed == other)

        #expect(EntityID(composed) != EntityID(other))
        #expect(Set([CollectionName(composed), CollectionName(other)]).count == 2)
        #expect(EntityKey("a", EntityID(composed)) != EntityKey("a", EntityID(other)))
        #expect(SyncOperation.Label.text(composed) != .text(other))
        #expect(Set([LabelName(composed): 1, LabelName(other): 2].keys).count == 2)
    }

    @Test(arguments: lookalikes)
    func canonicallyEquivalentNamesAreOrderedByBytes(composed: String, other: String) {
        let isFirst = Array(composed.utf8).lexicographicallyPrecedes(Array(other.utf8))

        #expect((EntityID(composed) < EntityID(other)) == isFirst)
        #expect((EntityID(other) < EntityID(composed)) == !isFirst)
    }

    @Test func ordersByBytesAndNotByScalarsOfUTF16() {
        // In UTF-16 the surrogates of U+10000 come before U+FF61.
        let names: [EntityID] = ["", "Z", "a", "aa", "b", "\u{FF61}", "\u{10000}"]

        #expect(names.reversed().sorted() == names)
    }

    @Test func aKeyIsOrderedByCollectionFirst() {
        let keys = [EntityKey("a", "z"), EntityKey("b", "a"), EntityKey("b", "b")]

        #expect(keys.reversed().sorted() == keys)
        #expect(keys[0].description == "a/z")
    }

    @Test func labelsThatOnlyLookEqualBothTravel() throws {
        var operation = Fixture.upsert()
        operation.labels = ["\u{E9}": .text("\u{E9}"), "e\u{301}": .text("e\u{301}")]

        let decoded = try SyncOperation(decoding: operation.encoded())

        #expect(decoded.labels.count == 2)
        #expect(decoded == operation)
        #expect(decoded.encoded() == operation.encoded())
    }

    @Test func aPushComparesTheNamesOfItsOperationsByBytes() {
        // Only ASCII can be a device's name, so the one look-alike there could be is a Kelvin sign.
        var operation = Fixture.upsert()
        operation.deviceID = "d\u{212A}"
        let request = PushRequest(databaseID: "db", deviceID: "dK", operations: [operation])

        #expect(throws: CBORError.self) { try PushRequest(decoding: request.encoded()) }
    }

    @Test(arguments: [
        ("a", true), ("A9._~-", true), ("...", true), (".a", true), ("~", true), ("-", true),
        (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false),
        ("", false), (".", false), ("..", false), ("a b", false), ("a/b", false), ("a\\b", false),
        ("a:b", false), ("%41", false), ("é", false), ("\u{212A}", false), ("a\n", false),
        ("a\0", false), ("\u{FF0E}", false), ("+", false), ("[", false), ("`", false), ("{", false),
        ("@", false), (",", false), ("\u{7F}", false),
    ])
    func databasesAndDevicesHavePlainNames(name: String, isValid: Bool) {
        #expect(DatabaseID(name).isValid == isValid)
        #expect(DeviceID(name).isValid == isValid)
    }

    @Test func onlyTheServerIsCalledServer() {
        #expect(!DeviceID("~server").isValid)
        #expect(DeviceID("~Server").isValid && DeviceID("server").isValid)
        #expect(DatabaseID("~server").isValid)
        #expect(DeviceID("~server") == .server)
    }

    @Test(arguments: [
        ("", false, false), ("a", true, true), (" ", true, true), ("/", true, true),
        ("\0", true, true), (String(repeating: "a", count: 128), true, true),
        (String(repeating: "a", count: 129), false, true),
        (String(repeating: "é", count: 64), true, true),
        (String(repeating: "é", count: 65), false, true),
        (String(repeating: "a", count: 256), false, true),
        (String(repeating: "a", count: 257), false, false),
        (String(repeating: "😀", count: 64), false, true),
        (String(repeating: "😀", count: 65), false, false),
    ])
    func collectionsAndEntitiesAreMeasuredInBytes(
        name: String, isCollection: Bool, isEntity: Bool
    ) {
        #expect(CollectionName(name).isValid == isCollection)
        #expect(EntityID(name).isValid == isEntity)
    }

    @Test func aCollectionIsLocalIfItsNameStartsWithAnUnderscore() {
        let names: [CollectionName] = ["_", "_a", "__", "a_", "", "\u{FF3F}a", "a"]

        #expect(names.map(\.isLocal) == [true, true, true, false, false, false, false])
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func randomDeviceNamesAreSixteenHexDigits(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)

        let name = DeviceID.makeRandom(using: &generator)

        #expect(name.isValid)
        #expect(name.rawValue.utf8.count == 16)
        #expect(name.rawValue.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }

    @Test func aRandomDeviceNameKeepsItsLeadingZeros() {
        var generator = Countdown(numbers: [0x0A])

        #expect(DeviceID.makeRandom(using: &generator) == "000000000000000a")
    }

    @Test func aLogIDIsSixteenBytes() {
        let bytes = Array(0 as UInt8..<16)

        #expect(LogID(bytes)?.bytes == bytes)
        #expect(LogID(bytes)?.description == "000102030405060708090a0b0c0d0e0f")
        #expect(LogID(bytes.dropLast()) == nil && LogID(bytes + [0]) == nil && LogID([]) == nil)
        #expect(LogID(bytes) != LogID(bytes.reversed()))
    }
}

/// Gives the numbers it has, the last first.
private struct Countdown: RandomNumberGenerator {
    var numbers: [UInt64]
    mutating func next() -> UInt64 { numbers.popLast() ?? 0 }
}
