// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// Every door refuses what is not deterministic, with the rule and the place, and knows both orders
/// of keys.
@Suite struct DeterminismTests {
    /// The error of each door.
    private func errors(_ bytes: [UInt8], _ keyOrder: CBORKeyOrder) -> [CBORError?] {
        let limits = CBORLimits(requiresDeterministic: true, keyOrder: keyOrder)
        var decoderError: CBORError?
        do {
            _ = try CBORDecoder(limits: limits).decode(CBORValue.self, from: bytes)
        } catch DecodingError.dataCorrupted(let context) {
            decoderError = context.underlyingError as? CBORError
        } catch {
            Issue.record("\(error)")
        }
        var checkError: CBORError?
        do throws(CBORError) {
            try CBORWellFormedness.checkDeterministic(bytes, keyOrder: keyOrder, maxDepth: 64)
        } catch {
            checkError = error
        }
        var sequence = CBORSequenceReader(bytes, limits: limits)
        var sequenceError: CBORError?
        do throws(CBORError) { _ = try sequence.nextItem() } catch { sequenceError = error }
        return [
            valueError(bytes, limits), skipError(bytes, limits), decoderError, checkError,
            sequenceError,
        ]
    }

    @Test(
        arguments: [
            ("18 01", .nonShortest, 0), ("81 1900ff", .nonShortest, 1),
            ("82 00 fa00000000", .nonShortest, 2), ("f97e01", .nonCanonicalNaN, 0),
            ("9f ff", .indefiniteLength, 0), ("a2 6162 01 6161 02", .unsortedKeys, 4),
            ("81 a2 01 01 01 02", .duplicateKey, 4), ("81 61ff", .invalidUTF8, 1),
        ] as [(String, CBORError.Code, Int)])
    func everyDoorNamesTheRuleAndThePlace(bytes: String, code: CBORError.Code, offset: Int) {
        for order in [CBORKeyOrder.bytewise, .lengthFirst] {
            for error in errors(hex(bytes), order) {
                #expect(error?.code == code)
                #expect(error?.offset == offset)
            }
        }
    }

    @Test(
        arguments: [
            // Keys in bytewise order, in length-first order, in both.
            ("a2 1864 01 60 02", nil, 4), ("a2 60 02 1864 01", 3, nil),
            ("a2 01 01 60 02", nil, nil), ("a3 01 00 20 00 6161 00", nil, nil),
            ("a3 f4 00 1818 00 6161 00", 3, nil), ("a2 8101 00 6461626364 00", 4, nil),
            ("a2 6461626364 00 8101 00", nil, 7),
        ] as [(String, Int?, Int?)])
    func keysHaveTheOrderThatIsAskedFor(bytes: String, bytewise: Int?, lengthFirst: Int?) {
        for (order, offset) in [(CBORKeyOrder.bytewise, bytewise), (.lengthFirst, lengthFirst)] {
            for error in errors(hex(bytes), order) {
                #expect(error?.code == (offset == nil ? nil : .unsortedKeys))
                #expect(error?.offset == offset)
            }
        }
        #expect(skipError(hex(bytes), CBORLimits(keyOrder: .lengthFirst)) == nil)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func whatIsWrittenInAnOrderIsReadInThatOrder(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let value = CBORValue.random(depth: 4, &generator)
            for order in [CBORKeyOrder.bytewise, .lengthFirst] {
                let bytes = value.encoded(keyOrder: order)
                #expect(errors(bytes, order).allSatisfy { $0 == nil })
                #expect(try CBORValue(decoding: bytes) == value)
                var encoder = CBOREncoder()
                encoder.keyOrder = order
                #expect(try encoder.encode([value] as [CBORValue]) == [0x81] + bytes)
            }
        }
    }

    @Test func manyKeysInLengthFirstOrderAreChecked() {
        var writer = CBORWriter()
        writer.writeMapHeader(count: 101)
        for number in 0..<100 { writer.write(text: "\(number + 100)"); writer.writeNull() }
        writer.write(text: "100")
        writer.writeNull()
        let limits = CBORLimits(requiresDeterministic: true, keyOrder: .lengthFirst)
        #expect(skipError(writer.bytes, limits)?.code == .duplicateKey)
    }
}

@Suite struct SequenceTests {
    private let bytes = hex("01 a1 6161 02 9f 03 ff d9d9f7 80")

    @Test func itemsComeOneAfterTheOther() throws {
        let values = try CBORValue.sequence(decoding: bytes)
        #expect(values == [1, ["a": 2], [3], .tagged(55799, [])])
        #expect(try CBORValue.sequence(decoding: []) == [])

        var reader = CBORSequenceReader(bytes)
        #expect(try reader.next { r throws(CBORError) in try r.readUInt() } == 1)
        #expect(try reader.nextItem().map(Array.init) == hex("a1 6161 02"))
        #expect(reader.offset == 5)
        #expect(reader.count == 2)
        #expect(!reader.isAtEnd)
        _ = try reader.nextItem()
        #expect(try reader.nextValue() == .tagged(55799, []))
        #expect(reader.isAtEnd)
        #expect(try reader.nextValue() == nil)

        var writer = CBORWriter()
        writer.write(sequence: values)
        #expect(try CBORValue.sequence(decoding: writer.bytes, limits: .deterministic) == values)
    }

    @Test func anErrorNamesTheItemAndTheByteAndDoesNotMove() throws {
        var reader = CBORSequenceReader(hex("01 82 02 61ff 03"))
        _ = try reader.nextItem()
        for _ in 0..<2 {
            let error = #expect(throws: CBORError.self) { try reader.nextValue() }
            #expect(error?.code == .invalidUTF8)
            #expect(error?.offset == 3)
            #expect(error?.path == ["[1]", "[1]"])
            #expect(reader.offset == 1)
        }
        var cut = CBORSequenceReader(hex("01 82 02"))
        _ = try cut.nextItem()
        let error = #expect(throws: CBORError.self) { try cut.nextItem() }
        #expect(error?.code == .truncated)
        #expect(cut.offset == 1)
    }

    @Test func limitsHoldForTheWhole() {
        func error(_ limits: CBORLimits) -> CBORError? {
            do throws(CBORError) {
                _ = try CBORValue.sequence(decoding: bytes, limits: limits)
                return nil
            } catch {
                return error
            }
        }
        #expect(error(CBORLimits(maxItems: 8)) == nil)
        #expect(error(CBORLimits(maxItems: 7))?.code == .limitExceeded)
        #expect(error(CBORLimits(maxItems: 7))?.offset == 11)
        #expect(error(CBORLimits(maxTotalBytes: 11))?.code == .limitExceeded)
        #expect(error(CBORLimits(requiresDeterministic: true))?.code == .indefiniteLength)
    }

    @Test func codableValuesComeOneAfterTheOther() throws {
        struct Row: Codable, Equatable { var id: Int8, tags: [String] }
        let rows = [Row(id: 1, tags: []), Row(id: 2, tags: ["a"]), Row(id: -3, tags: ["b", "c"])]

        let bytes = try CBOREncoder().encodeSequence(rows)

        #expect(try bytes == rows.flatMap { try CBOREncoder().encode($0) })
        #expect(try CBORDecoder().decodeSequence(of: Row.self, from: bytes) == rows)
        #expect(try CBORDecoder().decodeSequence(of: Row.self, from: []) == [])
        #expect(
            try CBORDecoder().decodeSequence(of: Int.self, from: hex("01 d9d9f7 02")) == [1, 2])
        for (broken, offset) in [("01 02 6161 03", 2), ("01 02 82 01", 4), ("01 02 1903e8", 2)] {
            do {
                _ = try CBORDecoder().decodeSequence(of: Int8.self, from: hex(broken))
                Issue.record("\(broken) is no sequence of small integers.")
            } catch DecodingError.typeMismatch(_, let context) {
                #expect(context.codingPath.map(\.intValue) == [2])
                #expect((context.underlyingError as? CBORError)?.offset == offset)
            } catch DecodingError.dataCorrupted(let context) {
                #expect(context.codingPath.map(\.intValue) == [2])
                #expect((context.underlyingError as? CBORError)?.offset == offset)
            }
        }
        var strict = CBOREncoder()
        strict.nonConformingFloatEncodingStrategy = .throw
        let error = #expect(throws: EncodingError.self) {
            try strict.encodeSequence([["a": 1], ["b": Double.nan]])
        }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["[1]", "b"])
    }
}
