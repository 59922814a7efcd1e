// SPDX-License-Identifier: MIT

import CBOR
import Testing

@Suite struct ReaderTests {
    /// Reads with typed throws, so that an error can be looked at.
    static func read<T>(
        _ text: String, _ limits: CBORLimits = .default,
        _ body: (inout CBORReader) throws(CBORError) -> T
    ) -> Result<T, CBORError> {
        do throws(CBORError) {
            return .success(try CBORReader.read(hex(text), limits: limits, body))
        } catch {
            return .failure(error)
        }
    }

    @Test(arguments: [
        ("00", 0), ("1b7fffffffffffffff", Int64.max), ("20", -1), ("3b7fffffffffffffff", Int64.min),
        ("3903e7", -1000), ("1800", 0),
    ])
    func readsSignedIntegers(bytes: String, value: Int64) {
        #expect(
            Self.read(bytes) { r throws(CBORError) in try r.readInt() } == .success(value))
    }

    @Test(arguments: ["1b8000000000000000", "3b8000000000000000", "3bffffffffffffffff"])
    func refusesIntegersBeyondSixtyFourSignedBits(bytes: String) {
        #expect(
            Self.read(bytes) { r throws(CBORError) in try r.readInt() }.error?.code == .outOfRange)
    }

    @Test func tellsNegativeFromWrongTypeWhereUnsignedIsAskedFor() {
        func code(_ bytes: String) -> CBORError.Code? {
            Self.read(bytes) { r throws(CBORError) in try r.readUInt() }.error?.code
        }

        #expect(code("20") == .outOfRange)
        #expect(code("6131") == .wrongType)
        #expect(code("f93c00") == .wrongType)
        #expect(code("1bffffffffffffffff") == nil)
    }

    @Test func leavesAScalarUnreadAfterAFailure() {
        let text = Self.read("6161") { r throws(CBORError) -> String in
            #expect(throws: CBORError.self) { try r.readUInt() }
            #expect(throws: CBORError.self) { try r.readBool() }
            #expect(throws: CBORError.self) { try r.readBytes() }
            #expect(throws: CBORError.self) { try r.readDouble() }
            #expect(throws: CBORError.self) { try r.readNull() }
            #expect(throws: CBORError.self) { try r.readTag() }
            #expect(throws: CBORError.self) { try r.readSimple() }
            #expect(try r.readNullIfPresent() == false)
            #expect(r.offset == 0)
            return try r.readText()
        }

        #expect(text == .success("a"))
    }

    @Test(arguments: [
        ("00", CBORType.unsigned), ("20", .negative), ("40", .bytes), ("60", .text), ("80", .array),
        ("a0", .map), ("c000", .tag), ("f4", .bool), ("f5", .bool), ("f6", .null),
        ("f7", .undefined), ("e0", .simple), ("f820", .simple), ("f90000", .float),
        ("fa00000000", .float), ("fb0000000000000000", .float), ("5fff", .bytes), ("9fff", .array),
    ])
    func peeksAtTheType(bytes: String, type: CBORType) {
        let peeked = Self.read(bytes) { r throws(CBORError) in
            let type = try r.peekType()
            try r.skip()
            return type
        }

        #expect(peeked == .success(type))
    }

    @Test func matchesKeysByTheirBytes() {
        // "é" composed, then decomposed, then "opId".
        let seen = Self.read("a3 62c3a9 00 6365cc81 01 646f704964 02") { r throws(CBORError) in
            var seen: [String] = []
            try r.readMap { r, key throws(CBORError) in
                switch key {
                case "e\u{301}": seen.append("decomposed at \(key.offset)")
                case "\u{E9}": seen.append("composed at \(key.offset)")
                case "opId": seen.append(key.text)
                default: seen.append("other")
                }
                try r.skip()
            }
            return seen
        }

        #expect(seen == .success(["composed at 1", "decomposed at 5", "opId"]))
    }

    @Test func givesKeysOfAnyFormToTheClosure() {
        // In two chunks, with a long head, empty, and longer than 255 bytes.
        let long = String(repeating: "61", count: 300)
        let input = "bf 7f 6161 6162 ff 00 7a00000002 6364 01 60 02 79012c \(long) 03 ff"

        let keys = Self.read(input) { r throws(CBORError) in
            var keys: [String] = []
            try r.readMap { r, key throws(CBORError) in
                keys.append(key.text)
                #expect(key.matches("ab") == (key.text == "ab"))
                #expect(key.matches("") == (key.text == ""))
                try r.skip()
            }
            return keys
        }

        #expect(keys == .success(["ab", "cd", "", String(repeating: "a", count: 300)]))
    }

    @Test func putsThePathAndTheOffsetIntoErrors() {
        // {"ops": [{}, {"opId": "x"}]}
        let error = Self.read("a1 636f7073 82 a0 a1 646f704964 6178") { r throws(CBORError) in
            try r.readMap { r, _ throws(CBORError) in
                try r.readArray { r, _ throws(CBORError) in
                    try r.readMap { r, _ throws(CBORError) in _ = try r.readUInt() }
                }
            }
        }.error

        #expect(error?.path == ["ops", "[1]", "opId"])
        #expect(error?.offset == 13)
        #expect(error?.code == .wrongType)
        #expect(error?.description.hasPrefix("wrongType at byte 13, ops[1].opId: ") == true)
    }

    @Test(arguments: ["a10000", "a14100 00", "a1f600", "a18000", "a1c0616100"])
    func refusesKeysThatAreNotTextInMessages(bytes: String) {
        let error = Self.read(bytes) { r throws(CBORError) in
            try r.readMap { r, _ throws(CBORError) in try r.skip() }
        }.error

        #expect(error?.code == .wrongType)
        #expect(error?.offset == 1)
        #expect(skipError(hex(bytes)) == nil)
    }

    @Test func findsDuplicatesInValuesThatTheClosureSkips() {
        let error = Self.read("a2 6161 a2 6178 00 6178 00 6162 00") { r throws(CBORError) in
            try r.readMap { r, _ throws(CBORError) in try r.skip() }
        }.error

        #expect(error?.code == .duplicateKey)
        #expect(error?.offset == 7)
        #expect(error?.path == ["a"])
    }

    @Test func countsASlicesOffsetsFromItsStart() {
        let bytes = hex("000000 82 00 ff")
        do throws(CBORError) {
            try CBORReader.read(bytes[3...]) { r throws(CBORError) in try r.skip() }
            Issue.record("The break was taken for an item.")
        } catch {
            #expect(error.offset == 2)
        }
    }

    @Test func readsAnItemsOwnBytes() {
        let items = Self.read("83 9f00ff c1 1a514b67b0 6161") { r throws(CBORError) in
            var items: [[UInt8]] = []
            try r.readArray { r, index throws(CBORError) in
                // A tag that was read is not part of the item behind it.
                if index == 1 { _ = try r.readTag() }
                items.append(try r.readEncodedItem())
            }
            return items
        }

        #expect(items == .success([hex("9f00ff"), hex("1a514b67b0"), hex("6161")]))
    }

    @Test func joinsChunks() {
        #expect(
            Self.read("7f 6161 60 6162 ff") { r throws(CBORError) in try r.readText() }
                == .success("ab"))
        #expect(
            Self.read("5f 4101 40 420203 ff") { r throws(CBORError) in try r.readBytes() }
                == .success([1, 2, 3]))
    }

    @Test(arguments: [
        ("80", 0), ("8101", 1), ("a1 0102", 1), ("9f ff", 0), ("01", 0), ("6161", 0),
        ("9a00010000", 65536), ("9bffffffffffffffff", Int.max),
    ])
    func tellsHowManyElementsAreAnnounced(input: String, count: Int) throws {
        var told: Int?, left: Int?
        _ = try? CBORReader.read(hex(input)) { reader throws(CBORError) in
            told = try reader.peekCount()
            left = reader.bytesLeft
            try reader.skip()
        }

        #expect(told == count)
        #expect(left == hex(input).count)
    }
}

@Suite struct ReaderMisuseTests {
    @Test func trapsIfTheClosureOfAnElementReadsNothing() async {
        await #expect(processExitsWith: .failure) {
            try CBORReader.read([0x81, 0x00]) { r throws(CBORError) in
                try r.readArray { _, _ in }
            }
        }
    }

    @Test func trapsIfTheClosureOfAKeyReadsTwoItems() async {
        await #expect(processExitsWith: .failure) {
            try CBORReader.read([0xA2, 0x60, 0x00, 0x61, 0x61, 0x00]) { r throws(CBORError) in
                try r.readMap { r, _ throws(CBORError) in
                    try r.skip()
                    try r.skip()
                }
            }
        }
    }

    @Test func trapsIfATagIsReadWithoutItsContent() async {
        await #expect(processExitsWith: .failure) {
            try CBORReader.read([0xC1, 0x00]) { r throws(CBORError) in _ = try r.readTag() }
        }
    }
}

extension Result {
    var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
