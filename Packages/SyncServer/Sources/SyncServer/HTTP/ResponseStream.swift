// SPDX-License-Identifier: MIT

/// An answer that goes on: events, or the frames of a WebSocket.
///
/// Confined to the thread that runs the server. What is written leaves with the answers of the
/// turn, after the handler's next `endOfBatch`.
final class ResponseStream {
    private weak var carrier: (any StreamCarrier)?
    private var receiver: (any StreamReceiver)?
    private var isWaitingForRoom = false

    init(carrier: any StreamCarrier, receiver: any StreamReceiver) {
        self.carrier = carrier
        self.receiver = receiver
    }

    /// Whether anything that is written can still leave.
    var isOpen: Bool { receiver != nil }

    /// Bytes that the peer has not read so far, as far as is known.
    var unsentCount: Int { carrier?.unsentCount ?? 0 }

    /// Writes bytes; several streams may be given the same. Without effect when it has ended.
    func write(_ bytes: ArraySlice<UInt8>) {
        guard receiver != nil else { return }
        carrier?.write(bytes)
    }

    /// Ends it: what was written still leaves, the receiver hears nothing more.
    func end() {
        guard receiver != nil else { return }
        receiver = nil
        carrier?.endStream()
    }

    /// Has the receiver's `drained` called once, when all that was written has left.
    func waitForRoom() { isWaitingForRoom = true }

    /// Hands on what the peer sent.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        if !bytes.isEmpty { receiver?.received(bytes) }
    }

    /// Hands on what the peer sent.
    func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { receive($0) } }

    /// Notes that nothing is unsent.
    func noteDrained() {
        guard isWaitingForRoom else { return }
        isWaitingForRoom = false
        receiver?.drained()
    }

    /// Notes that the peer has gone, or was given up.
    func abandon() {
        let receiver = self.receiver
        self.receiver = nil
        receiver?.abandoned()
    }
}

/// What carries a stream's bytes: a connection.
protocol StreamCarrier: AnyObject {
    /// Bytes that wait for the peer.
    var unsentCount: Int { get }
    func write(_ bytes: ArraySlice<UInt8>)
    func endStream()
}

/// What hears of a stream. Nothing is called after `abandoned`, or once the stream has ended.
protocol StreamReceiver: AnyObject {
    /// The peer sent these. They are gone when it returns.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// All that was written has left; called once for each `waitForRoom`.
    func drained()
    /// The peer has gone, or was given up.
    func abandoned()
}
