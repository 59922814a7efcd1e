// SPDX-License-Identifier: MIT

/// Why a connection is closed (RFC 6455 §7.4).
public struct WebSocketCloseCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt16

    /// Any code, whether it may be sent or not.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The purpose is fulfilled.
    public static let normal = WebSocketCloseCode(rawValue: 1000)
    /// The peer goes away, as a server that stops.
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    /// A frame broke the rules of frames.
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    /// A kind of message that is not taken.
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// Text that is not UTF-8.
    public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
    /// A rule of the application was broken.
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    /// A message that is too long.
    public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)
    /// Something went wrong at the server.
    public static let internalError = WebSocketCloseCode(rawValue: 1011)
    /// The server is too busy, or the reader too slow; come back later (registered with IANA).
    public static let tryAgainLater = WebSocketCloseCode(rawValue: 1013)

    /// Whether a close frame may carry it: those that are given out, but not those that only say
    /// locally what happened (1004–1006, 1015), and those for libraries and applications.
    public var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    public var description: String { "\(rawValue)" }
}

/// How a peer broke the rules of frames. Answer with a close frame of `code`, then close.
public struct WebSocketFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The code to close with: 1002, 1007 or 1009.
    public var code: WebSocketCloseCode
    /// A sentence that names the broken rule; never bytes of the peer. Fits into a close frame.
    public var reason: String
    /// The offset of the frame that broke it, from the first byte behind the handshake.
    public var position: Int

    /// Creates a fault.
    public init(code: WebSocketCloseCode, reason: String, position: Int) {
        self.code = code
        self.reason = reason
        self.position = position
    }

    public var description: String { "\(code) at byte \(position): \(reason)" }
}
