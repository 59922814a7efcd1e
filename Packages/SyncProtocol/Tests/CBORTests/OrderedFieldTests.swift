// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// Maps in the form of deterministic senders are read field by field; others are left alone.
@Suite struct OrderedFieldTests {
    /// What the fields `a`, `id`, `name` and `a key of twenty bytes` hold.
    private struct Found: Equatable {
        var number: UInt64?
        var bytes: [UInt8]?
        var name: String?
        var last: UInt64?
    }

    /// Reads the fields of the item, or nothing, and then steps over it if it was left alone.
    private func read(
        _ bytes: [UInt8], _ limits: CBORLimits = .default
    ) throws(CBORError) -> Found? {
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            var found = Found()
            let isRead = reader.readOrderedFields { map in
                if map.next("a") { found.number = map.readUInt() }
                if map.next("id") { found.bytes = map.readBytes().map { [UInt8]($0) } }
                if map.next("name") {
                    found.name = map.readText().map { String(decoding: $0, as: UTF8.self) }
                }
                if map.next("a key of twenty byte") { found.last = map.readUInt() }
                if found == Found() { map.fail() }
            }
            if isRead { return found }
            #expect(reader.offset == 0)
            try reader.skip()
            return nil
        }
    }

    @Test func readsTheFieldsThatAreThere() throws {
        let last = "74 61206b6579206f66207477656e74792062797465"

        #expect(
            try read(hex("a4 6161 01 626964 420708 646e616d65 626f6b \(last) 1864"))
                == Found(number: 1, bytes: [7, 8], name: "ok", last: 100))
        #expect(try read(hex("a1 \(last) 1b0000000000000001")) == Found(last: 1))
        #expect(try read(hex("a2 6161 1903e8 646e616d65 60")) == Found(number: 1_000, name: ""))
        #expect(try read(hex("a1 626964 5803 010203")) == Found(bytes: [1, 2, 3]))
    }

    @Test(arguments: [
        "a2 626964 40 6161 01", "a1 6162 01", "a2 6161 01 6162 01",
        "a1 7801 61 01", "bf 6161 01 ff", "b801 6161 01", "a1 626964 5f ff", "a1 6161 c001",
        "a1 646e616d65 7f ff", "a0", "01", "81 01", "c0 a1 6162 01", "a1 01 01",
    ])
    func leavesOtherFormsAlone(input: String) throws {
        #expect(try read(hex(input)) == nil)
    }

    @Test(arguments: [
        (CBORLimits(maxDepth: 1), false), (CBORLimits(maxItems: 92), false),
        (CBORLimits(maxStringBytes: 3), false), (CBORLimits(requiresDeterministic: true), false),
        (CBORLimits(maxDepth: 2, maxItems: 93, maxStringBytes: 4), true),
    ])
    func leavesAloneWhereALimitMayBeMet(limits: CBORLimits, isRead: Bool) throws {
        let bytes = hex("a1 6161 01")

        #expect((try? read(bytes, limits)) == (isRead ? Found(number: 1) : nil))
    }

    /// The end of the input may be anywhere, also inside the words that are compared.
    @Test func neverReadsWhatIsCutOff() {
        let bytes = hex(
            "a4 6161 01 626964 420708 646e616d65 626f6b 74 61206b6579206f66207477656e74792062797465"
                + " 1a00010000")
        for count in bytes.indices.dropFirst() {
            // A copy of its own, so that a memory checker sees a read behind the end.
            let error = #expect(throws: CBORError.self) { try read(Array(bytes[..<count])) }
            #expect(error?.code == .truncated)
        }
    }

    /// Texts of every length, with a byte that is not UTF-8 at every place, and behind them.
    @Test(arguments: 0...40, [0, 40])
    func checksUTF8(count: Int, more: Int) throws {
        func isTaken(_ text: [UInt8]) throws -> Bool {
            var writer = CBORWriter()
            writer.writeArrayHeader(count: 2)
            writer.writeMapHeader(count: 1)
            writer.write(key: "name")
            writer.write(text: String(repeating: "a", count: count))
            var bytes = writer.bytes
            bytes.replaceSubrange((bytes.count - count)..., with: text)
            writer = CBORWriter()
            writer.write(bytes: [UInt8](repeating: 0xFF, count: more))
            bytes += writer.bytes
            var isTaken = false
            _ = try? CBORReader.read(bytes) { reader throws(CBORError) in
                try reader.readArray { reader, index throws(CBORError) in
                    guard index == 0 else { return try reader.skip() }
                    isTaken = reader.readOrderedFields { map in
                        if map.next("name") { _ = map.readText() }
                    }
                    if !isTaken { try reader.skip() }
                }
            }
            return isTaken
        }

        let text = [UInt8](repeating: 0x61, count: count)
        #expect(try isTaken(text))
        for place in text.indices {
            var bad = text
            bad[place] = 0xFF
            #expect(try !isTaken(bad))
        }
    }
}
