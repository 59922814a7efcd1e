// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// An operation borrowed from its message says what the copied one says.
@Suite struct OperationViewTests {
    private static let vectors = (MessageVector.files["operation"] ?? [])
        .filter { $0.message == "operation" }

    /// The fields of a view, copied.
    private static func copy(_ view: borrowing SyncOperationView) -> SyncOperation {
        SyncOperation(view)
    }

    private func error(_ bytes: [UInt8]) -> CBORError? {
        do throws(CBORError) {
            try SyncOperationView.read(bytes) { _ in }
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: vectors.filter { $0.kind != .reject })
    func lendsTheValuesOfTheMessage(_ vector: MessageVector) throws {
        let operation = try SyncOperation(decoding: vector.bytes)

        try SyncOperationView.read(vector.bytes) { view in
            #expect(view.operationID == operation.operationID)
            #expect(view.databaseID.elementsEqual(operation.databaseID.rawValue.utf8))
            #expect(view.deviceID.elementsEqual(operation.deviceID.rawValue.utf8))
            #expect(view.collection.elementsEqual(operation.collection.rawValue.utf8))
            #expect(view.entityID.elementsEqual(operation.entityID.rawValue.utf8))
            #expect(view.entityVersion == operation.entityVersion)
            #expect(view.entityCBOR.map { [UInt8]($0) } == operation.entityCBOR)
            #expect(view.timestampMilliseconds == operation.timestampMilliseconds)
            #expect(view.hybridTimestamp == operation.hybridTimestamp)
            #expect(view.base == operation.base)
            #expect(view.baseOperationID == operation.baseOperationID)
            #expect(view.transactionID == operation.transactionID)
            #expect(view.cursor == operation.cursor)
            #expect(view.labelCount == operation.labels.count)
            #expect([UInt8](view.encoded) == vector.bytes)
            #expect((view.kind == .upsert) == (operation.kind == .upsert))
            #expect((view.kind == .delete) == (operation.kind == .delete))
        }
    }

    @Test(arguments: vectors.filter { $0.kind == .reject })
    func failsWithTheCodeThePathAndTheOffset(_ vector: MessageVector) throws {
        let error = error(vector.bytes)

        #expect(error?.code.rawValue == vector.error)
        #expect(error?.offset == vector.offset)
        #expect(error?.pathText == vector.path ?? "")
        #expect(error == decodingError(vector.bytes, as: SyncOperation.self))
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func agreesWithTheCopyInEveryForm(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<100 {
            let operation = source.operation()
            let other = source.chance() ? source.operation() : operation
            let tree = try CBORValue(decoding: operation.encoded())
            let limit = UInt64(source.pick([10, 1_000]))

            try SyncOperationView.read(tree.looselyEncoded(&source.generator)) {
                view throws(CBORError) in
                let violation = view.violation(maxEntityBytes: limit)
                let expected = operation.violation(maxEntityBytes: limit)
                #expect(Self.copy(view) == operation)
                #expect(violation?.code == expected?.code)
                #expect(violation?.message == expected?.message)
                #expect(view.hasSameContent(as: other) == operation.hasSameContent(as: other))
                try SyncOperationView.read(other.encoded()) { otherView throws(CBORError) in
                    #expect(
                        view.hasSameContent(as: otherView) == operation.hasSameContent(as: other))
                }
            }
        }
    }

    /// What is read fast gives the same operation, or the same error, as what is read key by key:
    /// whatever byte is changed, and wherever the message ends.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func readsDamagedBytesAsKeyByKey(seed: UInt64) {
        // So few items are left to what takes any form.
        let careful = CBORLimits(
            maxDepth: messageMaxDepth, maxItems: 46, maxStringBytes: .max, maxTotalBytes: .max)
        var source = RandomMessages(seed: seed)
        for _ in 0..<10 {
            var operation = source.operation()
            if source.chance() { operation.labels = [:] }
            let bytes = operation.encoded()
            #expect(Self.outcome(bytes, .depthOnly(messageMaxDepth)) == .success(operation))
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= UInt8.random(in: 1...255, using: &source.generator)
                for damaged in [changed, Array(bytes[..<index])] {
                    let expected = Self.outcome(damaged, careful)
                    if case .failure(let error) = expected, error.code == .limitExceeded {
                        continue
                    }
                    #expect(Self.outcome(damaged, .depthOnly(messageMaxDepth)) == expected)
                }
            }
        }
    }

    private static func outcome(
        _ bytes: [UInt8], _ limits: CBORLimits
    ) -> Result<SyncOperation, CBORError> {
        Result { () throws(CBORError) in
            try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
                try SyncOperation(from: &reader)
            }
        }
    }

    /// A server logs what it borrowed as it would log the copy, however it came.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func isEncodedAsTheCopyIs(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<200 {
            var operation = source.operation()
            let tree = try CBORValue(decoding: operation.encoded())
            operation.cursor = Cursor(source.generator.next() >> 1)
            operation.entityVersion = EntityVersion(source.generator.next() >> 1)

            try SyncOperationView.read(tree.looselyEncoded(&source.generator)) { view in
                var writer = CBORWriter()
                view.encode(
                    to: &writer, cursor: operation.cursor ?? .start,
                    entityVersion: operation.entityVersion)
                #expect(writer.bytes == operation.encoded())
            }
        }
    }

    @Test(arguments: [["b", "a"], ["a", "b"], ["bb", "a"], ["a", "bb"]])
    func putsLabelsIntoOrder(names: [String]) throws {
        var operation = Fixture.upsert()
        operation.cursor = 7
        operation.labels = [LabelName(names[0]): .number(1), LabelName(names[1]): .flag(true)]
        var labels = CBORWriter()
        labels.writeMapHeader(count: 2)
        labels.write(text: names[0])
        labels.write(uint: 1)
        labels.write(text: names[1])
        labels.write(bool: true)
        let expected = operation.encoded()
        operation.labels = [:]
        var bytes = operation.encoded()
        bytes[0] += 1
        var key = CBORWriter()
        key.write(text: "labels")
        bytes += key.bytes + labels.bytes

        try SyncOperationView.read(bytes) { view in
            var writer = CBORWriter()
            view.encode(to: &writer, cursor: 7, entityVersion: operation.entityVersion)
            #expect(writer.bytes == expected)
        }
    }

    /// From 24 entries on a map of indefinite length is as long as one whose length is told.
    @Test func tellsTheLengthOfLabels() throws {
        var operation = Fixture.upsert()
        operation.cursor = 7
        for index in 10..<40 { operation.labels[LabelName("\(index)")] = .flag(true) }
        let expected = operation.encoded()
        var labels = CBORWriter()
        labels.write(text: "labels")
        let definite = labels.bytes + [0xB8, 30]
        let place = try #require(expected.firstRange(of: definite))
        var bytes = expected
        let content = 30 * 4
        bytes.insert(0xFF, at: place.upperBound + content)
        bytes.replaceSubrange(place, with: labels.bytes + [0xBF])

        try SyncOperationView.read(bytes) { view in
            var writer = CBORWriter()
            view.encode(to: &writer, cursor: 7, entityVersion: operation.entityVersion)
            #expect(writer.bytes == expected)
        }
    }

    /// The bytes of labels count as they are in deterministic encoding, however they came.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func measuresLabelsAsTheyAreEncoded(seed: UInt64) throws {
        var source = RandomMessages(seed: seed)
        for _ in 0..<50 {
            var operation = source.operation()
            for index in 0..<Int.random(in: 0...30, using: &source.generator) {
                operation.labels[LabelName("\(index)")] =
                    .text(
                        String(
                            repeating: "x", count: .random(in: 0...300, using: &source.generator)))
            }
            let tree = try CBORValue(decoding: operation.encoded())
            guard case .map(let map) = tree else { return }
            let labels = map[key: "labels"]?.encoded()

            try SyncOperationView.read(tree.looselyEncoded(&source.generator)) { view in
                #expect(view.labelBytes == labels?.count ?? 0)
                #expect(view.labelCount == operation.labels.count)
            }
        }
    }

    @Test func copiesNothingOfWhatADeterministicSenderSends() throws {
        var operation = Fixture.upsert()
        operation.labels = ["tenant": .text("t")]
        let bytes = operation.encoded()

        try bytes.withUnsafeBytes { input in
            let start = try #require(input.baseAddress)
            let memory = start..<start + input.count
            try SyncOperationView.read(input) { view in
                for slice in [
                    view.databaseID, view.deviceID, view.collection, view.entityID, view.kindName,
                    view.entityCBOR, view.labels, view.encoded,
                ] {
                    #expect(slice?.baseAddress.map(memory.contains) == true)
                }
            }
        }
    }

    @Test func readsASliceAndCountsOffsetsFromItsStart() throws {
        let bytes = Fixture.upsert(7).encoded()
        let padded = [0xFF, 0xFF] + bytes + [0xFF]

        let number = try SyncOperationView.read(padded[2..<2 + bytes.count]) { $0.operationID }
        let error = #expect(throws: CBORError.self) {
            try SyncOperationView.read(padded[2...]) { $0.operationID }
        }

        #expect(number == 7)
        #expect(error?.code == .trailingBytes && error?.offset == bytes.count)
    }

    @Test func joinsChunks() throws {
        let bytes: [UInt8] =
            [0xBF, 0x64] + Array("dbId".utf8) + [0x7F, 0x61, 0x64, 0x61, 0x62, 0xFF, 0xFF]

        // Keys are missing, but the chunks were read.
        #expect(error(bytes)?.path == ["opType"])
        let tree = try CBORValue(decoding: Fixture.upsert().encoded())
        guard case .map(let map) = tree else { return }
        let content = map.flatMap { entry -> [UInt8] in
            guard case .text("collection") = entry.key else {
                return entry.key.encoded() + entry.value.encoded()
            }
            return entry.key.encoded() + [0x7F, 0x62] + Array("ta".utf8) + [0x63]
                + Array("sks".utf8) + [0xFF]
        }
        let collection = try SyncOperationView.read([0xA0 | UInt8(map.count)] + content) {
            [UInt8]($0.collection)
        }
        #expect(collection == Array("tasks".utf8))
    }
}
