// SPDX-License-Identifier: MIT

import SyncProtocol

/// What errors of the server and signs of a copied device lead to.
extension Replica {
    /// Draws the conclusion from an error that says what to do next.
    ///
    /// - Returns: Whether there was one; otherwise the error is for the engine.
    func recover(from error: SyncError, push: PushRequest? = nil) throws(SyncError) -> Bool {
        if push != nil { try noteUnstored(error) }
        switch error.code {
        case .server(.invalidCursor):
            let isCompacted = error.details.reason == "compacted"
            try settle { reconciliation throws(SyncError) in
                if isCompacted {
                    reconciliation.state.see(error.details.serverCursor)
                    reconciliation.beginResync(.compacted)
                } else {
                    reconciliation.leaveLog()
                }
                if let oldest = error.details.oldestCursor {
                    reconciliation.state.oldestCursor = oldest
                }
            }
            memory.handshake = nil
            memory.isPullComplete = false
            return true
        case .server(.databaseNotFound):
            // A handshake makes the database, with another log.
            guard memory.handshake != nil else { return false }
            memory.handshake = nil
            return true
        case .server where error.status == 413,
            .server(.invalidRequest) where error.status == 400:
            guard let push, !push.operations.isEmpty else {
                memory.pushSize.abandonProbe()
                return false
            }
            // The server stored nothing of it, so it has no more of these than before.
            memory.postponed.formUnion(memory.inFlight)
            memory.pushSize.shrink(after: push, error)
            return true
        case .answerTooLarge:
            // What it says is not known: the same goes out again, in smaller requests.
            guard let push else { return false }
            return memory.pushSize.halve(push)
        default:
            return false
        }
    }

    func makeDeviceID() -> DeviceID {
        var generator = environment.generator
        let suffix = DeviceID.makeRandom(using: &generator).rawValue
        guard let name = configuration.deviceID else { return DeviceID(suffix) }
        return DeviceID(String(name.rawValue.prefix(128 - suffix.utf8.count - 1)) + "~" + suffix)
    }
}
