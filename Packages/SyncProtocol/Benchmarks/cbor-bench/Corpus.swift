// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What is decoded and encoded: a page of operations as a server answers a pull, made from a fixed
/// seed. Contents are maps of a few fields, 103 bytes on average.
struct Corpus {
    /// How long names are: `short` ones fit into a Swift string without an allocation.
    enum Names {
        case short
        case long

        /// A name of 15 bytes at most, or of 40.
        func name(_ stem: String, _ number: UInt64) -> String {
            let name = "\(stem)\(number)"
            guard self == .long else { return name }
            return name + String(repeating: "x", count: max(0, 40 - name.utf8.count))
        }
    }

    /// `{ops: [...], hasMore, nextCursor}`.
    let page: PullResponse
    /// The page in deterministic encoding.
    let bytes: [UInt8]

    init(count: Int, names: Names) {
        var random = Random(state: 42)
        let operations = (1...UInt64(count)).map { Self.operation($0, names, &random) }
        page = PullResponse(
            operations: operations, nextCursor: Cursor(UInt64(count)), hasMore: false)
        bytes = page.encoded()
    }

    private static func operation(
        _ number: UInt64, _ names: Names, _ random: inout Random
    ) -> SyncOperation {
        SyncOperation(
            operationID: OperationID(number), databaseID: DatabaseID(names.name("db", 1)),
            deviceID: DeviceID(names.name("device-", random.below(200))),
            collection: CollectionName(names.name("notes", random.below(8))),
            entityID: EntityID(names.name("entity-", random.below(20_000))), kind: .upsert,
            entityVersion: EntityVersion(1 + random.below(40)), entityCBOR: content(&random),
            timestampMilliseconds: 1_700_000_000_000 + number * 37, cursor: Cursor(number))
    }

    private static func content(_ random: inout Random) -> [UInt8] {
        var writer = CBORWriter()
        writer.writeMapHeader(count: 5)
        writer.write(text: "done")
        writer.write(bool: random.below(2) == 0)
        writer.write(text: "text")
        writer.write(text: String(repeating: "lorem ipsum ", count: 1 + Int(random.below(7))))
        writer.write(text: "count")
        writer.write(uint: random.below(100_000))
        writer.write(text: "rating")
        writer.write(double: Double(random.below(1_000)) / 10)
        writer.write(text: "title")
        writer.write(text: "title \(random.below(1_000))")
        return writer.bytes
    }
}

/// SplitMix64.
private struct Random {
    var state: UInt64

    mutating func below(_ bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ mixed >> 31) % bound
    }
}
