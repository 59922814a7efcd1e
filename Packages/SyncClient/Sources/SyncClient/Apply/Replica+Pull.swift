// SPDX-License-Identifier: MIT

import SyncProtocol

/// Handshake and pull: the requests, and what their answers change.
extension Replica {
    func makeHandshakeRequest() -> HandshakeRequest {
        memory.acceptedAtHandshake = state.acceptedThrough
        return HandshakeRequest(
            databaseID: state.databaseID, deviceID: state.deviceID,
            clientInfo: configuration.clientInfo, logID: state.logID,
            cursor: state.logID == nil ? nil : state.seen)
    }

    func settle(_ response: HandshakeResponse) throws(SyncError) {
        if let version = response.protocolVersion, version < 1 {
            throw SyncError(
                .server(.versionMismatch), "The server speaks version \(version) of the protocol.")
        }
        try requirePresentLog(response.logID)
        let last = response.lastOperationID
        if response.logID != nil, let last,
            last < min(memory.acceptedAtHandshake, state.acceptedThrough)
        {
            throw Self.otherLog(
                "The server has lost operations that it accepted: the last one of this device is "
                    + "\(last), and was \(state.acceptedThrough).")
        }
        let newDeviceID = makeDeviceID()
        try settle { reconciliation throws(SyncError) in
            reconciliation.state.logID = response.logID ?? reconciliation.state.logID
            reconciliation.state.oldestCursor = response.oldestCursor ?? 0
            reconciliation.state.see(response.serverCursor)
            if memory.restampsAtHandshake, reconciliation.state.resync == nil {
                reconciliation.restamp(
                    atMilliseconds: response.serverTimeMilliseconds
                        ?? reconciliation.wallMilliseconds)
            }
            guard let last else { return }
            if last > reconciliation.queue.sentThrough {
                reconciliation.becomeNewDevice(newDeviceID)
            } else {
                reconciliation.state.noteAccepted(last, of: reconciliation.state.deviceID)
            }
        }
        memory.handshake = response
        memory.restampsAtHandshake = memory.restampsAtHandshake && state.resync != nil
        memory.policy = response.conflictPolicy ?? .detect
        memory.isPullComplete = false
    }

    private func requirePresentLog(_ logID: LogID?) throws(SyncError) {
        guard let known = state.logID, let logID, known != logID else { return }
        throw Self.otherLog("The server has another log than this device.")
    }

    /// A sign that the log is another one which the server does not tell as an error.
    private static func otherLog(_ message: String) -> SyncError {
        SyncError(
            .server(.invalidCursor), message, details: ErrorResponse.Details(reason: "otherLog"))
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
            includesOwn: true, maxBytes: pageBytesMax, waitMilliseconds: waitMilliseconds,
            snapshot: state.cursor == .start ? nil : state.snapshot)
    }

    /// What the transport takes of a page, if the server's pages may be larger. A page may go
    /// beyond what was asked for by one transaction, which was a push.
    private var pageBytesMax: UInt64? {
        let limits = memory.handshake?.limits ?? .standard
        let (room, isNone) = configuration.answerBytesMax.subtractingReportingOverflow(
            limits.maxBodyBytes.addingReportingOverflow(Self.pageEnvelopeBytes).partialValue)
        let taken = isNone ? 1 : max(room, 1)
        return taken < limits.maxPageBytes ? taken : nil
    }

    /// What a page has beside its operations, and then some.
    private static var pageEnvelopeBytes: UInt64 { 64 << 10 }

    func settle(_ page: PullResponse, to request: PullRequest) throws(SyncError) {
        // Something was sent, another page applied, or a resync begun, while this one was on its
        // way: it answers a question that is no longer the present one.
        guard request == makePullRequest(waitMilliseconds: request.waitMilliseconds),
            !queue.state.hasSentOperations || outlook.isResyncing
        else { return }
        try requirePresentLog(page.logID)
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
