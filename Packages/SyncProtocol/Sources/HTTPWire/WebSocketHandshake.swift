// SPDX-License-Identifier: MIT

/// The exchange of HTTP messages that a WebSocket begins with (RFC 6455 §4).
///
/// SHA-1, which the key is answered by, is a parameter: this module computes no digests.
public enum WebSocketHandshake {
    /// The version of RFC 6455, and the only one.
    public static let version = "13"
    /// What the key is followed by before it is hashed (RFC 6455 §1.3).
    private static let suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// What a request asks for.
    public enum Reading: Sendable, Equatable {
        /// A handshake with this key.
        case key(String)
        /// A handshake of another version: answer 426 with `Sec-WebSocket-Version`.
        case otherVersion
        /// No handshake, or a broken one, and why in a sentence: answer 400.
        case refused(String)
    }

    /// Reads the handshake in a request (RFC 6455 §4.2.1).
    public static func read(_ request: HTTPRequest) -> Reading {
        guard request.method == .get, request.version == .http11, request.body.isEmpty else {
            return .refused("A WebSocket begins with GET of HTTP/1.1 without a body.")
        }
        guard request.headers.lists("Upgrade", "websocket") else {
            return .refused("This path takes WebSockets: send Upgrade: websocket.")
        }
        guard request.headers.lists("Connection", "upgrade") else {
            return .refused("Send Connection: Upgrade beside Upgrade: websocket.")
        }
        let versions = request.headers.allBytes(of: "Sec-WebSocket-Version")
        guard versions.count == 1, versions[0].elementsEqual(version.utf8) else {
            return .otherVersion
        }
        let keys = request.headers.allBytes(of: "Sec-WebSocket-Key")
        guard keys.count == 1, Base64.decodedCount(keys[0]) == 16 else {
            return .refused("Send one Sec-WebSocket-Key: 16 bytes in Base64.")
        }
        return .key(String(decoding: keys[0], as: UTF8.self))
    }

    /// The bytes of the answer that takes a handshake; frames follow it.
    public static func acceptance(ofKey key: String, sha1: ([UInt8]) -> [UInt8]) -> [UInt8] {
        Array(
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: \(accept(forKey: key, sha1: sha1))\r\n\r\n").utf8)
    }

    /// The value of `Sec-WebSocket-Accept` that answers a key.
    public static func accept(forKey key: String, sha1: ([UInt8]) -> [UInt8]) -> String {
        Base64.encoded(sha1(Array((key + suffix).utf8)))
    }

    /// The header fields of a client's handshake.
    ///
    /// - Parameter nonce: 16 bytes from a generator, made anew for each connection.
    /// - Precondition: `nonce` has 16 bytes.
    public static func requestHeaders(nonce: [UInt8]) -> HTTPHeaders {
        precondition(nonce.count == 16, "The nonce of a handshake has 16 bytes")
        return [
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": version,
            "Sec-WebSocket-Key": Base64.encoded(nonce),
        ]
    }

    /// Whether an answer takes the handshake of a client that sent `nonce` and asked for neither
    /// extensions nor subprotocols (RFC 6455 §4.1).
    public static func isAccepted(
        status: Int, headers: HTTPHeaders, nonce: [UInt8], sha1: ([UInt8]) -> [UInt8]
    ) -> Bool {
        let expected = accept(forKey: Base64.encoded(nonce), sha1: sha1)
        let accepted = headers.allBytes(of: "Sec-WebSocket-Accept")
        return status == 101 && headers.lists("Upgrade", "websocket")
            && headers.lists("Connection", "upgrade") && accepted.count == 1
            && accepted[0].elementsEqual(expected.utf8)
            && !headers.contains("Sec-WebSocket-Extensions")
            && !headers.contains("Sec-WebSocket-Protocol")
    }
}

extension HTTPHeaders {
    /// Whether a list of tokens, in one field or several, has `token`, given in lower case.
    func lists(_ name: String, _ token: StaticString) -> Bool {
        allBytes(of: name).contains { value in
            value.split(separator: UInt8(ascii: ",")).contains { element in
                let isBlank = { (byte: UInt8) in byte == ASCII.space || byte == ASCII.tab }
                var word = element.drop(while: isBlank)
                while let last = word.last, isBlank(last) { word.removeLast() }
                return ASCII.equals(word, token)
            }
        }
    }
}
