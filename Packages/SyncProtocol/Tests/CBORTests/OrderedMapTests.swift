// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// A map of unknown keys inside a map that is read field by field.
@Suite struct OrderedMapTests {
    private struct Found: Equatable {
        var names: [String] = []
        var encoded: [UInt8] = []
        var count = 0
        var number: UInt64?
    }

    /// Reads `{"map": {…}, "last": n}`; the inner map has numbers, booleans and texts.
    private func read(
        _ bytes: [UInt8], _ limits: CBORLimits = .default
    ) throws(CBORError) -> Found? {
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            var found = Found()
            let isRead = reader.readOrderedFields { map in
                if map.next("map") {
                    let inner = map.readMap { map, name in
                        found.names.append(String(decoding: name, as: UTF8.self))
                        switch map.nextType {
                        case .bool: _ = map.readBool()
                        case .text: _ = map.readText()
                        default: _ = map.readUInt()
                        }
                    }
                    found.encoded = inner.map { [UInt8]($0.encoded) } ?? []
                    found.count = inner?.count ?? -1
                }
                if map.next("last") { found.number = map.readUInt() }
            }
            if isRead { return found }
            #expect(reader.offset == 0)
            try reader.skip()
            return nil
        }
    }

    @Test func readsKeysInOrder() throws {
        let inner = "a3 6162 f5 626161 6178 626162 1903e8"

        let found = try read(hex("a2 636d6170 \(inner) 646c617374 07"))

        #expect(
            found
                == Found(names: ["b", "aa", "ab"], encoded: hex(inner), count: 3, number: 7))
        #expect(try read(hex("a1 636d6170 a0")) == Found(encoded: [0xA0]))
    }

    @Test(arguments: [
        // Out of order, a value of another type, longer heads, indefinite lengths, no text, no map.
        "a1 636d6170 a2 6162 01 6161 01", "a1 636d6170 a2 6161 01 626161 f6",
        "a1 636d6170 a1 780161 01", "a1 636d6170 bf 6161 01 ff", "a1 636d6170 a1 01 01",
        "a1 636d6170 80", "a1 636d6170 b801 6161 01", "a1 636d6170 a1 6161 a0",
        "a1 636d6170 a1 7f 6161 ff 01",
    ])
    func leavesOtherFormsAlone(input: String) throws {
        #expect(try read(hex(input)) == nil)
    }

    @Test func neverReadsWhatIsCutOff() {
        let bytes = hex("a2 636d6170 a2 6162 f5 626161 6178 646c617374 1a00010000")
        for count in bytes.indices.dropFirst() {
            let error = #expect(throws: CBORError.self) { try read(Array(bytes[..<count])) }
            #expect(error?.code == .truncated)
        }
    }

    /// As many items as the map has are taken off the limit, those of the inner one too.
    @Test func countsItsItems() throws {
        let map = hex("a1 636d6170 a1 6161 01")
        let array = [0x98 as UInt8, 40] + Array(repeating: map, count: 40).joined()

        for maxItems in [201, 200] {
            let read = try? CBORReader.read(array, limits: CBORLimits(maxItems: maxItems)) {
                reader throws(CBORError) in
                try reader.readArray { reader, _ throws(CBORError) in
                    let isRead = reader.readOrderedFields { fields in
                        guard fields.next("map") else { return }
                        _ = fields.readMap { fields, _ in _ = fields.readUInt() }
                    }
                    if !isRead { try reader.skip() }
                }
                return true
            }
            #expect((read != nil) == (maxItems == 201))
        }
    }

    #if DEBUG
        @Test func askingOutOfOrderIsABug() async {
            await #expect(processExitsWith: .failure) {
                _ = try CBORReader.read([0xA0]) { reader throws(CBORError) in
                    _ = reader.readOrderedFields { map in
                        _ = map.next("name")
                        _ = map.next("id")
                    }
                }
            }
        }
    #endif
}
