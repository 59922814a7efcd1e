// SPDX-License-Identifier: MIT

#if os(Linux)
    import CBOR
    import SyncProtocol
    import SyncTestSupport
    import Testing

    /// A page as a type of `Codable` has it.
    private struct Page: Decodable {
        struct Operation: Decodable {
            var opId: UInt64
            var entityId: String
            var entityCbor: [UInt8]
        }

        var ops: [Operation]
    }

    /// Decoding takes its result and little more: no copy of the input, nothing that grows with it.
    /// The heap is that of a whole process, so each door has one.
    @Suite struct DecodingMemoryTests {
        /// 500 KB of which a copy, or a list of places of 16 bytes each, would not fit the bound.
        private static var page: [UInt8] {
            let operations = (1...5_000).map { number in
                var operation = Fixture.upsert(UInt64(number))
                operation.entityCBOR = [UInt8](repeating: 0, count: 40)
                return operation
            }
            return PullResponse(operations: operations, nextCursor: 5_000, hasMore: false).encoded()
        }

        private static func expectLittle(_ use: HeapUse?) {
            // An allocator that does not tell is not judged.
            guard let use else { return }
            #expect(use.extraBytes <= 64 << 10, "\(use)")
        }

        @Test func ofMessages() async {
            await #expect(processExitsWith: .success) {
                let page = Self.page
                Self.expectLittle(try HeapUse.measure { try PullResponse(decoding: page) })
            }
        }

        @Test func ofBorrowedOperations() async {
            await #expect(processExitsWith: .success) {
                let page = Self.page
                let use = try HeapUse.measure {
                    try CBORReader.read(page) { reader throws(CBORError) in
                        try reader.readMap { reader, key throws(CBORError) in
                            guard key.matches("ops") else { return try reader.skip() }
                            try reader.readArray { reader, _ throws(CBORError) in
                                _ = try SyncOperationView(from: &reader)
                            }
                        }
                    }
                }
                Self.expectLittle(use)
            }
        }

        @Test func ofTrees() async {
            await #expect(processExitsWith: .success) {
                let page = Self.page
                Self.expectLittle(try HeapUse.measure { try CBORValue(decoding: page) })
            }
        }

        @Test func ofCodableTypes() async {
            await #expect(processExitsWith: .success) {
                let page = Self.page
                Self.expectLittle(
                    try HeapUse.measure { try CBORDecoder().decode(Page.self, from: page) })
            }
        }

        @Test func ofValidation() async {
            await #expect(processExitsWith: .success) {
                let page = Self.page
                let use = try HeapUse.measure {
                    try CBORReader.read(page) { reader throws(CBORError) in try reader.skip() }
                }
                Self.expectLittle(use)
            }
        }
    }
#endif
