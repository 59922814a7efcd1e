// SPDX-License-Identifier: MIT

import SyncProtocol

/// Handshake and pull: the requests, and what their answers change.
extension Replica {
    func makeHandshakeRequest() -> HandshakeRequest {
        HandshakeRequest(
            databaseID: state.databaseID, deviceID: state.deviceID,
            clientInfo: configuration.clientInfo, logID: state.logID,
            cursor: state.logID == nil ? nil : state.cursor)
    }

    func settle(_ response: HandshakeResponse) throws(SyncError) {
        if let version = response.protocolVersion, version < 1 {
            throw SyncError(
                .server(.versionMismatch), "The server speaks version \(version) of the protocol.")
        }
        let newDeviceID = makeDeviceID()
        try settle { reconciliation throws(SyncError) in
            if let logID = response.logID {
                if let known = reconciliation.state.logID, known != logID {
                    reconciliation.leaveLog()
                }
                reconciliation.state.logID = logID
            }
            reconciliation.state.oldestCursor = response.oldestCursor ?? 0
            if let last = response.lastOperationID, last > reconciliation.queue.sentThrough {
                reconciliation.becomeNewDevice(newDeviceID)
            }
        }
        memory.handshake = response
        memory.isPullComplete = false
    }

    /// A request for the next page.
    ///
    /// It asks for this device's own operations too. They cost little, as a device that is alone
    /// passes them without pulling (`passOwn`), and only they show what a copy of the device, under
    /// the same name, has pushed.
    ///
    /// - Parameter waitMilliseconds: How long the server may wait for something to come.
    func makePullRequest(waitMilliseconds: UInt64? = nil) -> PullRequest {
        PullRequest(
            databaseID: state.databaseID, logID: state.logID, sinceCursor: state.cursor,
            limit: configuration.pullLimit, deviceID: state.deviceID,
            includesOwn: true, waitMilliseconds: waitMilliseconds,
            snapshot: state.cursor == .start ? nil : state.snapshot)
    }

    func settle(_ page: PullResponse, to request: PullRequest) throws(SyncError) {
        // Something was sent, another page applied, or a resync begun, while this one was on its
        // way: it answers a question that is no longer the present one.
        guard request == makePullRequest(waitMilliseconds: request.waitMilliseconds),
            !queue.state.hasSentOperations || outlook.isResyncing
        else { return }
        if let known = state.logID, let logID = page.logID, known != logID {
            return try settle { reconciliation throws(SyncError) in
                reconciliation.leaveLog()
                memory.handshake = nil
            }
        }
        guard
            page.nextCursor > request.sinceCursor
                || (!page.hasMore && page.nextCursor >= request.sinceCursor)
        else {
            throw SyncError(
                .invalidAnswer,
                "The page after cursor \(request.sinceCursor) says to go on at "
                    + "\(page.nextCursor), which never ends.")
        }
        try settle { reconciliation throws(SyncError) in
            try reconciliation.take(page, since: request.sinceCursor)
        }
        memory.isPullComplete = !page.hasMore
    }
}
