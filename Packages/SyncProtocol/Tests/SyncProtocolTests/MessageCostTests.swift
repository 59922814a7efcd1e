// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import CBOR

/// What encoding a message takes beside its bytes.
@Suite struct MessageCostTests {
    /// Whoever sends an answer's conflicts chooses which come first.
    @Test(arguments: [(32, 10_000), (10_000, 32), (32, 0), (0, 10_000)])
    func takesMemoryInProportionToWhatItWrites(large: Int, small: Int) {
        func conflict(_ number: Int, _ size: Int) -> Conflict {
            Conflict(
                clientOperation: Fixture.upsert(UInt64(number)),
                serverState: ServerState(
                    entityVersion: 1, entityCBOR: [UInt8](repeating: 0, count: size),
                    isDeleted: false, cursor: 1, deviceID: "d", hybridTimestamp: nil,
                    lastModifiedMilliseconds: 0))
        }
        let sizes =
            Array(repeating: large < small ? 100_000 : 1, count: large)
            + Array(repeating: 1, count: small)
        let response = PushResponse(
            acknowledgedUpTo: 0, conflicts: sizes.enumerated().map { conflict($0 + 1, $1) })
        var writer = CBORWriter()

        response.encode(to: &writer)

        #expect(writer.output.capacity <= 4 * writer.byteCount + 2 << 20)
    }
}
