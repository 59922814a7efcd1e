// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What must hold of the protocol's messages, whatever the bytes are.
enum MessageRules {
    static func check(_ bytes: [UInt8]) throws(FuzzFailure) {
        try check(HandshakeRequest.self, bytes)
        try check(HandshakeResponse.self, bytes)
        try check(PushRequest.self, bytes)
        try check(PushResponse.self, bytes)
        try check(PullRequest.self, bytes)
        try check(PullResponse.self, bytes)
        try check(CursorReport.self, bytes)
        try check(CursorAnswer.self, bytes)
        try check(ErrorResponse.self, bytes)
        try check(DeltaPatch.self, bytes)
        try check(SyncOperation.self, bytes)
        try checkOperation(bytes)
        try checkPush(bytes)
    }

    private static func check<Message: WireValue & Equatable>(
        _ type: Message.Type, _ bytes: [UInt8]
    ) throws(FuzzFailure) {
        let message: Message
        do throws(CBORError) {
            message = try Message(decoding: bytes)
        } catch {
            try demand(
                (0...bytes.count).contains(error.offset), "An offset lies inside of the input.",
                found: "\(error)")
            return
        }
        let encoded = message.encoded()
        let fault = ReaderRules.strictFault(encoded)
        try demand(
            fault == nil, "\(type) is encoded deterministically.", found: "\(fault as Any)")
        let again = try? Message(decoding: encoded)
        try demand(
            again == message, "\(type) is the same after encoding and decoding.",
            found: "\(again as Any) instead of \(message)")
    }

    /// A borrowed operation says what the copied one says.
    private static func checkOperation(_ bytes: [UInt8]) throws(FuzzFailure) {
        let owned = try? SyncOperation(decoding: bytes)
        var failure: FuzzFailure?
        let isLent: Void? = try? SyncOperationView.read(bytes) { view throws(CBORError) in
            guard let owned else { return }
            do throws(FuzzFailure) {
                try check(view, owned)
            } catch { failure = error }
        }
        if let failure { throw failure }
        try demandSame(isLent != nil, owned != nil, "What can be copied can be borrowed.")
    }

    private static func check(
        _ view: borrowing SyncOperationView, _ owned: SyncOperation
    ) throws(FuzzFailure) {
        try demandSame(SyncOperation(view), owned, "A borrowed operation says what its copy says.")
        for limit in [0, 8, 1 << 20] as [UInt64] {
            let (found, expected) = (
                view.violation(maxEntityBytes: limit), owned.violation(maxEntityBytes: limit)
            )
            try demandSame(found?.code, expected?.code, "Both forms break the same rules.")
            try demandSame(found?.message, expected?.message, "Both forms say so alike.")
        }
        try demand(view.hasSameContent(as: owned), "A copy has the same content.")
        var stored = owned
        stored.cursor = 7
        stored.entityVersion = 9
        var writer = CBORWriter()
        view.encode(to: &writer, cursor: 7, entityVersion: 9)
        try demandSame(writer.bytes, stored.encoded(), "Both forms are stored alike.")
    }

    /// A borrowed push has the operations of the copied one.
    private static func checkPush(_ bytes: [UInt8]) throws(FuzzFailure) {
        let owned = try? PushRequest(decoding: bytes)
        let lent: [SyncOperation]? = try? PushRequestView.read(bytes) { push throws(CBORError) in
            (0..<push.operations.count).map { SyncOperation(push.operations[$0]) }
        }
        try demandSame(lent, owned?.operations, "A borrowed push says what its copy says.")
    }
}
