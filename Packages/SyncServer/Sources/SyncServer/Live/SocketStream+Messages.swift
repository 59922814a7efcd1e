// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

// What the messages of a socket ask for. Whatever goes wrong with one is answered under its number,
// and the socket stays.

extension SocketStream {
    /// Takes the content of one binary message.
    func take(_ bytes: [UInt8]) {
        let message: LiveMessage
        do throws(LiveMessage.Fault) {
            message = try LiveMessage(bytes, maxDepth: limits.maxMessageDepth)
        } catch {
            return refuse(error.requestID, .unreadable(error.error))
        }
        do throws(ServiceFailure) {
            try take(message)
        } catch {
            refuse(message.requestID, error)
        }
    }

    private func take(_ message: LiveMessage) throws(ServiceFailure) {
        switch message.type {
        case "handshake":
            let request: HandshakeRequest = try decode(message)
            try check(request.databaseID, request.deviceID)
            let answer = try service.handshake(request, for: principal)
            send(message.type, message.requestID, answer.encoded())
        case "push": try push(message)
        case "pull": try pull(try decode(message), message.requestID)
        case "subscribe": try subscribe(try decode(message), message.requestID)
        case "ack": try acknowledge(message)
        default: throw .unknownMessage
        }
    }

    /// Refuses what the socket's principal is not permitted, or no more.
    private func check(
        _ databaseID: DatabaseID, _ deviceID: DeviceID?
    ) throws(ServiceFailure) {
        try authorizer.checkStanding(of: principal, databaseID, deviceID, on: "/v1/ws")
    }

    private func refuse(_ requestID: UInt64, _ failure: ServiceFailure) {
        send("error", requestID, failure.response.encoded())
    }

    private func decode<Message: WireValue>(
        _ message: LiveMessage
    ) throws(ServiceFailure) -> Message {
        do throws(CBORError) {
            return try CBORReader.read(
                message.body, limits: .depthOnly(limits.maxMessageDepth)
            ) { reader throws(CBORError) in try Message(from: &reader) }
        } catch {
            throw .unreadable(error)
        }
    }

    private func push(_ message: LiveMessage) throws(ServiceFailure) {
        let requestID = message.requestID
        var failure: ServiceFailure?
        do throws(CBORError) {
            failure = try PushRequestView.read(
                message.body, maxDepth: limits.maxMessageDepth
            ) { push throws(CBORError) in
                do throws(ServiceFailure) {
                    try check(push.databaseID, push.deviceID)
                    try service.push(push, for: principal) { [weak self] answer in
                        self?.answer("push", requestID, answer)
                    }
                    return nil
                } catch { return error }
            }
        } catch {
            throw .unreadable(error)
        }
        if let failure { throw failure }
    }

    private func pull(_ request: PullRequest, _ requestID: UInt64) throws(ServiceFailure) {
        try check(request.databaseID, request.deviceID)
        if request.waitMilliseconds ?? 0 > 0, isFull { throw .tooManyWaiting }
        lastWaiting += 1
        let number = lastWaiting
        let ticket = try service.pull(request, for: principal) { [weak self] answer in
            self?.waiting[number] = nil
            self?.answer("pull", requestID, answer)
        }
        if let ticket { waiting[number] = ticket }
    }

    private func subscribe(_ request: PullRequest, _ requestID: UInt64) throws(ServiceFailure) {
        try check(request.databaseID, request.deviceID)
        guard subscriptions[requestID] == nil else {
            throw .invalidRequest("There is a subscription with this requestId; take another.")
        }
        if isFull { throw .tooManyWaiting }
        subscriptions[requestID] = try service.subscribe(
            request, for: principal, receiver: self)
    }

    /// Notes how far a subscriber has applied, for the device that subscribed.
    private func acknowledge(_ message: LiveMessage) throws(ServiceFailure) {
        let acknowledged: CursorAnswer = try decode(message)
        guard let subscription = subscriptions[message.requestID] else {
            throw .invalidRequest("An ack bears the requestId of a subscription; there is none.")
        }
        guard let deviceID = subscription.deviceID else { return }
        try check(subscription.databaseID, deviceID)
        _ = try service.noteApplied(
            CursorReport(
                databaseID: subscription.databaseID, deviceID: deviceID,
                cursor: acknowledged.cursor))
    }

    private func answer(_ type: String, _ requestID: UInt64, _ answer: ServiceAnswer) {
        switch answer {
        case .message(let bytes): send(type, requestID, bytes)
        case .page(let chain): send(type, requestID, chain)
        case .failure(let failure): refuse(requestID, failure)
        }
    }
}

extension ServiceFailure {
    fileprivate static let unknownMessage = ServiceFailure(
        404,
        ErrorResponse(
            code: .notSupported,
            message: "There is no such message. They are handshake, pull, push, subscribe and ack.")
    )

    fileprivate static let tooManyWaiting = ServiceFailure(
        429,
        ErrorResponse(
            code: .rateLimitExceeded,
            message: "A socket has 64 subscriptions and waiting pulls at most. Open another one.",
            details: .init(limit: "maxWaiting", maximum: 64), retryAfterSeconds: 1))
}
