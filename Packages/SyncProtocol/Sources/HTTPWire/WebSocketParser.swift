// SPDX-License-Identifier: MIT

/// Bytes behind a handshake in, messages and control frames out (RFC 6455). Holds no I/O and no
/// clock, serves both ends, and needs no memory while nothing is on its way.
///
/// What it finds depends on the bytes alone, never on how they were split. Memory follows what has
/// come, never what was announced.
public struct WebSocketParser: Sendable {
    /// What `next()` found.
    public enum Outcome: Sendable, Equatable {
        /// The bytes so far hold nothing further that is whole.
        case needMore
        /// A whole message of bytes, its fragments joined.
        case binary([UInt8])
        /// A whole message of text, which is valid UTF-8.
        case text([UInt8])
        /// To be answered with a pong that carries the same.
        case ping([UInt8])
        /// The answer to a ping, or one that nobody asked for.
        case pong([UInt8])
        /// The peer closes: with a code unless its frame was empty. What comes behind is dropped.
        case close(WebSocketCloseCode?, reason: String)
        /// The peer broke the rules. From now on every call returns this, and bytes are dropped.
        case failed(WebSocketFault)
    }

    private enum Step: Sendable {
        case head
        case payload(WebSocketFrameHead, taken: Int)
        case closed
        case failed(WebSocketFault)
    }

    /// The end that it reads for.
    public let role: WebSocketRole
    /// How many bytes a message may have, its fragments together.
    public let maxMessageBytes: Int

    private var input = HTTPMessageInput()
    private var step = Step.head
    /// The fragments of the message that is on its way, and whether they are text.
    private var message: [UInt8] = []
    private var messageOpcode: WebSocketOpcode?
    /// What has come of a control frame.
    private var control: [UInt8] = []
    private var frameStart = 0

    /// Creates a parser for the bytes that `role` receives.
    public init(role: WebSocketRole, maxMessageBytes: Int) {
        self.role = role
        self.maxMessageBytes = maxMessageBytes
    }

    /// Whether a frame or a message has begun and not ended.
    public var isInMessage: Bool {
        if case .payload = step { return true }
        return messageOpcode != nil || !input.isEmpty
    }

    /// Takes bytes in the order of the connection; they are copied. Call `next()` until it needs
    /// more.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        switch step {
        case .closed, .failed: return
        case .head, .payload: input.append(bytes)
        }
    }

    /// Takes bytes in the order of the connection.
    public mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// Returns what is whole next.
    public mutating func next() -> Outcome {
        do throws(WebSocketFault) {
            while true {
                if let outcome = try advance() { return outcome }
            }
        } catch {
            release(.failed(error))
            return .failed(error)
        }
    }

    /// Does one step; nil means that another may follow at once.
    private mutating func advance() throws(WebSocketFault) -> Outcome? {
        switch step {
        case .closed: return .needMore
        case .failed(let fault): return .failed(fault)
        case .head:
            frameStart = input.consumed
            guard let head = try WebSocketFrameHead(input, role: role) else { return .needMore }
            try check(head)
            input.consume(head.headBytes)
            step = .payload(head, taken: 0)
            if !head.opcode.isControl, messageOpcode == nil { messageOpcode = head.opcode }
            return nil
        case .payload(let head, let taken):
            let count = min(input.count, head.payloadBytes - taken)
            take(count, of: head, at: taken)
            guard taken + count == head.payloadBytes else {
                step = .payload(head, taken: taken + count)
                return .needMore
            }
            step = .head
            if head.opcode.isControl { return try finishControl(head.opcode) }
            return head.isFinal ? try finishMessage() : nil
        }
    }

    /// The rules that need to know what came before.
    private func check(_ head: WebSocketFrameHead) throws(WebSocketFault) {
        if head.opcode.isControl { return }
        if head.opcode == .continuation, messageOpcode == nil {
            throw fault(.protocolError, "A continuation came without a message that it continues.")
        }
        if head.opcode != .continuation, messageOpcode != nil {
            throw fault(.protocolError, "A message began before the one before it ended.")
        }
        guard head.payloadBytes <= maxMessageBytes - message.count else {
            throw fault(
                .messageTooBig, "The message is longer than \(maxMessageBytes) bytes.")
        }
    }

    private mutating func take(_ count: Int, of head: WebSocketFrameHead, at position: Int) {
        guard count > 0 else { return }
        if head.opcode.isControl {
            Self.move(input[0..<count], to: &control, head.mask, position)
        } else {
            Self.move(input[0..<count], to: &message, head.mask, position)
        }
        input.consume(count)
    }

    private static func move(
        _ bytes: ArraySlice<UInt8>, to target: inout [UInt8], _ mask: WebSocketMask?,
        _ position: Int
    ) {
        let start = target.count
        target.append(contentsOf: bytes)
        guard let mask else { return }
        target.withUnsafeMutableBytes { target in
            mask.apply(
                to: UnsafeMutableRawBufferPointer(rebasing: target[start...]), position: position)
        }
    }

    private mutating func finishMessage() throws(WebSocketFault) -> Outcome {
        let bytes = message
        let isText = messageOpcode == .text
        message = []
        messageOpcode = nil
        guard isText else { return .binary(bytes) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw fault(.invalidPayload, "A text message is not UTF-8.")
        }
        return .text(bytes)
    }

    private mutating func finishControl(
        _ opcode: WebSocketOpcode
    ) throws(WebSocketFault) -> Outcome {
        let payload = control
        control = []
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default: break
        }
        let (code, reason) = try closing(payload)
        release(.closed)
        return .close(code, reason: reason)
    }

    private func closing(
        _ payload: [UInt8]
    ) throws(WebSocketFault) -> (code: WebSocketCloseCode?, reason: String) {
        if payload.isEmpty { return (nil, "") }
        guard payload.count > 1 else {
            throw fault(.protocolError, "A close frame carries nothing, or a code of two bytes.")
        }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isSendable else {
            throw fault(.protocolError, "A close frame has a code that is not to be sent.")
        }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else {
            throw fault(.invalidPayload, "The reason in a close frame is not UTF-8.")
        }
        return (code, reason)
    }

    private func fault(_ code: WebSocketCloseCode, _ reason: String) -> WebSocketFault {
        WebSocketFault(code: code, reason: reason, position: frameStart)
    }

    /// Gives all memory back.
    private mutating func release(_ last: Step) {
        step = last
        input = HTTPMessageInput()
        message = []
        messageOpcode = nil
        control = []
    }
}

/// What stands in front of a payload.
struct WebSocketFrameHead: Sendable {
    var opcode: WebSocketOpcode
    var isFinal: Bool
    var payloadBytes: Int
    var mask: WebSocketMask?
    /// How many bytes it has itself.
    var headBytes: Int

    /// Reads a head if all of it has come; a broken rule is found as early as its byte is there.
    init?(_ input: HTTPMessageInput, role: WebSocketRole) throws(WebSocketFault) {
        guard input.count > 0 else { return nil }
        func broken(_ reason: String) -> WebSocketFault {
            WebSocketFault(code: .protocolError, reason: reason, position: input.consumed)
        }
        guard input[0] & 0x70 == 0 else { throw broken("A reserved bit is set in a frame.") }
        guard let opcode = WebSocketOpcode(rawValue: input[0] & 0x0F) else {
            throw broken("A frame has an opcode that is not known.")
        }
        self.opcode = opcode
        isFinal = input[0] & 0x80 != 0
        if opcode.isControl, !isFinal { throw broken("A control frame is in fragments.") }
        guard input.count > 1 else { return nil }
        let isMasked = input[1] & 0x80 != 0
        switch role {
        case .server where !isMasked: throw broken("A client's frame has no mask.")
        case .client where isMasked: throw broken("A server's frame has a mask.")
        default: break
        }
        let short = Int(input[1] & 0x7F)
        if opcode.isControl, short > WebSocketFrame.controlPayloadBytesMax {
            throw broken("A control frame carries more than 125 bytes.")
        }
        let lengthBytes = short < 126 ? 0 : short == 126 ? 2 : 8
        guard input.count >= 2 + lengthBytes else { return nil }
        var length = lengthBytes == 0 ? UInt64(short) : 0
        for index in 0..<lengthBytes { length = length << 8 | UInt64(input[2 + index]) }
        guard let payloadBytes = Int(exactly: length) else {
            throw broken("A frame's length is above 2^63 - 1.")
        }
        self.payloadBytes = payloadBytes
        if (lengthBytes == 2 && length < 126) || (lengthBytes == 8 && length <= 0xFFFF) {
            throw broken("A frame's length is not in as few bytes as hold it.")
        }
        headBytes = 2 + lengthBytes + (isMasked ? 4 : 0)
        guard input.count >= headBytes else { return nil }
        guard isMasked else { return }
        var number: UInt32 = 0
        for index in (headBytes - 4)..<headBytes { number = number << 8 | UInt32(input[index]) }
        mask = WebSocketMask(number)
    }
}
