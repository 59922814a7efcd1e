// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncProtocol
import SyncTestSupport
import Testing

/// An entry of a vector file about messages, with the keys that only those files have.
struct MessageVector: Sendable, Decodable, CustomTestStringConvertible {
    var id: String
    /// The name of the message in `messageCodecs`.
    var message: String
    var kind: TestVector.Kind
    var hex: String
    var diagnostic: String
    var value: JSON?
    /// The id of the entry that encoding the value gives, for `accept`.
    var exact: String?
    var error: String?
    var offset: Int?
    /// The way to the item at fault, as in `ops[1].opId`; absent for the message itself.
    var path: String?
    /// The code with which a server rejects the operation alone.
    var rejection: String?
    /// What applying a patch gives.
    var apply: [DeltaCase]?

    var bytes: [UInt8] { TestVector.bytes(hex: hex) ?? [] }
    var testDescription: String { id }

    static let fileNames = [
        "handshake", "pull", "operation", "push", "error", "cursor", "hlc", "delta",
    ]

    /// The entries by file.
    static let files: [String: [MessageVector]] = {
        var root = URL(filePath: #filePath).resolvingSymlinksInPath()
        // This file, its target's folder, Tests, the package, Packages.
        for _ in 0..<5 { root.deleteLastPathComponent() }
        var files: [String: [MessageVector]] = [:]
        for name in fileNames {
            do {
                let url = root.appending(path: "TestVectors/\(name).json")
                files[name] = try JSONDecoder().decode(
                    [MessageVector].self, from: Data(contentsOf: url))
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
        return files
    }()

    /// The entries of one kind in all files.
    static func all(_ kind: TestVector.Kind) -> [MessageVector] {
        fileNames.flatMap { files[$0] ?? [] }.filter { $0.kind == kind }
    }
}

/// What decoding gave: the value as JSON, and its encoding.
struct DecodedMessage {
    var json: JSON
    var encoded: [UInt8]
}

/// How a message is decoded, by the name that the vectors give it.
let messageCodecs: [String: @Sendable ([UInt8]) throws(CBORError) -> DecodedMessage] = [
    "handshakeRequest": codec(of: HandshakeRequest.self),
    "handshakeResponse": codec(of: HandshakeResponse.self),
    "pullRequest": codec(of: PullRequest.self),
    "pullResponse": codec(of: PullResponse.self),
    "operation": codec(of: SyncOperation.self),
    "pushRequest": codec(of: PushRequest.self),
    "pushResponse": codec(of: PushResponse.self),
    "acceptedRun": codec(of: AcceptedRun.self),
    "rejection": codec(of: Rejection.self),
    "conflict": codec(of: Conflict.self),
    "serverState": codec(of: ServerState.self),
    "error": codec(of: ErrorResponse.self),
    "cursorReport": codec(of: CursorReport.self),
    "cursorAnswer": codec(of: CursorAnswer.self),
    "hybridTimestamp": decodeStamp,
    "deltaPatch": codec(of: DeltaPatch.self),
]

private func codec<Message: WireValue & JSONProjecting>(
    of type: Message.Type
) -> @Sendable ([UInt8]) throws(CBORError) -> DecodedMessage {
    { bytes throws(CBORError) in
        let message = try Message(decoding: bytes)
        return DecodedMessage(json: message.json, encoded: message.encoded())
    }
}

/// A stamp is a number inside other messages only; here an answer carries it.
private func decodeStamp(_ bytes: [UInt8]) throws(CBORError) -> DecodedMessage {
    let head = [0xA1, 0x66] + Array("cursor".utf8)
    do throws(CBORError) {
        let answer = try CursorAnswer(decoding: head + bytes)
        let stamp = HybridTimestamp(answer.cursor.rawValue)
        return DecodedMessage(
            json: .object([
                "milliseconds": .number(stamp.milliseconds),
                "counter": .number(UInt64(stamp.counter)),
            ]),
            encoded: Array(answer.encoded().dropFirst(head.count)))
    } catch {
        throw CBORError(
            error.code, at: error.offset - head.count, path: Array(error.path.dropFirst()),
            message: error.message)
    }
}
