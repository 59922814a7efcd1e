// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// Speaks the protocol over one plain socket, without queue, store or retries.
final class ProtocolClient {
    /// An answer other than 200.
    struct Refusal: Error, CustomStringConvertible {
        var status: Int
        var error: ErrorResponse

        var description: String { "\(status) \(error.code): \(error.message)" }
    }

    let http: HTTPClient
    let databaseID: DatabaseID
    let deviceID: DeviceID

    init(port: UInt16, _ databaseID: DatabaseID, _ deviceID: DeviceID) throws {
        http = try HTTPClient(port: port)
        self.databaseID = databaseID
        self.deviceID = deviceID
    }

    func call<Answer: WireValue>(
        _ path: String, _ request: some WireValue
    ) throws -> Answer {
        let response = try http.post(path, request.encoded())
        guard response.status == 200 else {
            throw Refusal(status: response.status, error: try response.error())
        }
        return try Answer(decoding: response.body)
    }

    @discardableResult
    func handshake() throws -> HandshakeResponse {
        try call(
            "/v1/handshake",
            HandshakeRequest(
                databaseID: databaseID, deviceID: deviceID,
                clientInfo: ClientInfo(platform: "test", appVersion: "1")))
    }

    func push(_ operations: [SyncOperation]) throws -> PushResponse {
        try call(
            "/v1/push",
            PushRequest(databaseID: databaseID, deviceID: deviceID, operations: operations))
    }

    /// One page of everything that all devices did after `cursor`.
    func pull(after cursor: Cursor, limit: UInt64 = 10_000) throws -> PullResponse {
        try call(
            "/v1/pull", PullRequest(databaseID: databaseID, sinceCursor: cursor, limit: limit))
    }

    /// Everything that all devices did after `cursor`.
    func pullAll(after cursor: Cursor = .start) throws -> [SyncOperation] {
        var operations: [SyncOperation] = []
        var cursor = cursor
        while true {
            let page = try pull(after: cursor)
            operations += page.operations
            cursor = page.nextCursor
            if !page.hasMore { return operations }
        }
    }

    /// An upsert of this device.
    func upsert(
        _ operationID: UInt64, _ entityID: String, _ text: String, base: Cursor? = 0
    ) -> SyncOperation {
        SyncOperation(
            operationID: OperationID(operationID), databaseID: databaseID, deviceID: deviceID,
            collection: "notes", entityID: EntityID(entityID), kind: .upsert, entityVersion: 1,
            entityCBOR: CBORValue.text(text).encoded(), timestampMilliseconds: 1, base: base)
    }
}
