// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol

/// What becomes of a request, and of its answer on the way back.
enum Treatment: Sendable {
    /// It is answered.
    case served
    /// It is answered, after something else has happened to the server.
    case changed(@Sendable (inout ServerModel) -> Void)
    /// The connection is reset before the request counts.
    case lostRequest
    /// The request counts, and the connection is reset instead of an answer.
    case lostAnswer
    /// The request counts, and nothing follows.
    case silence
    /// The request counts, and half the answer comes.
    case cutAnswer
    /// The answer comes so late.
    case late(milliseconds: Int32)
    /// The answer comes twice.
    case twice
    /// The body of an answer that is no error is another one.
    case rewritten(@Sendable (CBORValue) -> [UInt8])
    /// The request does not count, and this is the answer.
    case refused(Int, ErrorResponse?, retryAfterSeconds: UInt64?)
    /// The request does not count, and the answer is 200 with this body.
    case body([UInt8])

    static func refused(
        _ status: Int, _ code: SyncErrorCode, retryAfterSeconds: UInt64? = nil
    ) -> Treatment {
        .refused(
            status,
            ErrorResponse(
                code: code, message: "This is a test.", retryAfterSeconds: retryAfterSeconds),
            retryAfterSeconds: retryAfterSeconds)
    }
}

/// A request that came, and what became of it.
struct SeenRequest: Sendable {
    /// What it says.
    enum Message: Sendable {
        case handshake(HandshakeRequest)
        case push(PushRequest)
        case pull(PullRequest)
        case report(CursorReport)
    }

    var path: String
    var headers: HTTPHeaders
    var body: [UInt8]
    /// Nil if the body is not what the path takes.
    var message: Message?
    /// Why not.
    var fault: String?
    /// When it was there as a whole.
    var time: ContinuousClock.Instant
    /// When its answer had left; nil if it never did.
    var answered: ContinuousClock.Instant?
    var treatment = Treatment.served
    /// The status of the answer, also of one that was lost; 0 before there is one.
    var status = 0
    /// The body of that answer.
    var answer: [UInt8] = []

    init(_ request: HTTPRequest, time: ContinuousClock.Instant) {
        path = request.path
        headers = request.headers
        body = request.body
        self.time = time
        do throws(CBORError) {
            switch request.path {
            case "/v1/handshake": message = .handshake(try HandshakeRequest(decoding: body))
            case "/v1/push": message = .push(try PushRequest(decoding: body))
            case "/v1/pull": message = .pull(try PullRequest(decoding: body))
            case "/v1/cursor": message = .report(try CursorReport(decoding: body))
            default: fault = "There is no \(request.path)."
            }
        } catch {
            fault = "\(error)"
        }
    }

    var handshake: HandshakeRequest? { if case .handshake(let it) = message { it } else { nil } }
    var push: PushRequest? { if case .push(let it) = message { it } else { nil } }
    var pull: PullRequest? { if case .pull(let it) = message { it } else { nil } }
    var report: CursorReport? { if case .report(let it) = message { it } else { nil } }

    /// The page that answered it, if it was a pull and the answer was no error.
    var page: PullResponse? {
        pull != nil && status == 200 ? try? PullResponse(decoding: answer) : nil
    }

    /// Whether the device could hear the answer.
    var wasHeard: Bool {
        switch treatment {
        case .lostRequest, .lostAnswer, .silence, .cutAnswer: false
        default: answered != nil
        }
    }
}
