// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import Synchronization
import SyncProtocol

/// A server on a loopback port that keeps the protocol, except where its script says otherwise.
///
/// It runs on a thread of its own, one request after the other, until it is stopped.
final class FaultyServer: Sendable {
    /// Decides what becomes of a request; `count` says how many there were of its path, this one
    /// included, since the script was set.
    typealias Script = @Sendable (_ request: SeenRequest, _ count: Int) -> Treatment

    /// What a test changes on the way to the server and back; it shows that lies are found.
    struct Lie: Sendable {
        var request: @Sendable (inout HTTPRequest) -> Void = { _ in }
        var response: @Sendable (inout HTTPResponse) -> Void = { _ in }
    }

    private struct State {
        var model: ServerModel
        var seen: [SeenRequest] = []
        var script: Script = { _, _ in .served }
        var counts: [String: Int] = [:]
        var isStopping = false
    }

    /// The port that it listens on.
    let port: UInt16
    private let listener: CInt
    private let state: Mutex<State>
    private let lie: Lie?

    /// Listens, and answers from now on.
    init(_ model: ServerModel, lie: Lie? = nil) throws(ConformanceUnreachable) {
        (listener, port) = try Platform.listen()
        self.lie = lie
        state = Mutex(State(model: model))
        try Platform.startThread { [self] in serve() }
    }

    /// Ends it within a moment.
    func stop() { state.withLock { $0.isStopping = true } }

    /// What came so far.
    var seen: [SeenRequest] { state.withLock { $0.seen } }

    /// The server's state, as it is and to be changed.
    func withModel<Result: Sendable>(_ body: @Sendable (inout ServerModel) -> Result) -> Result {
        state.withLock { body(&$0.model) }
    }

    /// From now on requests are treated so.
    func follow(_ script: @escaping Script) {
        state.withLock { state in
            state.script = script
            state.counts = [:]
        }
    }

    /// From now on every request is served.
    func heal() { follow { _, _ in .served } }

    // MARK: The thread

    private func serve() {
        var connections: [CInt: HTTPRequestParser] = [:]
        while !state.withLock({ $0.isStopping }) {
            let ready = Platform.readable([listener] + connections.keys, milliseconds: 20)
            for descriptor in ready {
                if descriptor == listener {
                    while let new = Platform.accept(listener) {
                        connections[new] = HTTPRequestParser()
                    }
                } else if var parser = connections.removeValue(forKey: descriptor),
                    serve(descriptor, &parser)
                {
                    connections[descriptor] = parser
                }
            }
        }
        for descriptor in connections.keys { Platform.close(descriptor, isReset: false) }
        Platform.close(listener, isReset: false)
    }

    /// Takes what came on a connection. Returns whether it goes on; else it is closed.
    private func serve(_ descriptor: CInt, _ parser: inout HTTPRequestParser) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        switch buffer.withUnsafeMutableBytes({ Platform.receive(descriptor, into: $0) }) {
        case .moved(let count) where count > 0: parser.append(Array(buffer[..<count]))
        case .wouldBlock: return true
        default:
            Platform.close(descriptor, isReset: false)
            return false
        }
        while true {
            switch parser.next() {
            case .needMore: return true
            case .expectContinue: send(HTTPResponse.continueBytes, descriptor)
            case .reject(let rejection):
                note(rejection: "\(rejection)")
                Platform.close(descriptor, isReset: true)
                return false
            case .request(let request):
                guard answer(request, descriptor) else { return false }
            }
        }
    }

    private func note(rejection: String) {
        state.withLock { state in
            var request = SeenRequest(
                HTTPRequest(
                    method: .post, target: "/", version: .http11, headers: [:], body: [],
                    isKeepAlive: false),
                time: ContinuousClock().now)
            request.fault = "What came is no request: \(rejection)."
            state.seen.append(request)
        }
    }

    /// Answers one request as the script says. Returns whether the connection goes on.
    private func answer(_ request: HTTPRequest, _ descriptor: CInt) -> Bool {
        var request = request
        lie?.request(&request)
        var (index, treatment, response) = state.withLock { take(request, &$0) }
        lie?.response(&response)
        func answered() {
            state.withLock { $0.seen[index].answered = ContinuousClock().now }
        }
        let bytes = response.serialized(keepAlive: true)
        switch treatment {
        case .lostRequest, .lostAnswer:
            Platform.close(descriptor, isReset: true)
            return false
        case .silence: return true
        case .cutAnswer:
            send(Array(bytes.dropLast(max(1, response.body.count / 2))), descriptor)
            Platform.close(descriptor, isReset: false)
            return false
        case .late(let milliseconds):
            Platform.pause(milliseconds: milliseconds)
            answered()
            send(bytes, descriptor)
        case .twice:
            answered()
            send(bytes + bytes, descriptor)
        case .served, .changed, .rewritten, .refused, .body:
            // Noted before it leaves, so that nothing that follows from it seems to come before.
            answered()
            send(bytes, descriptor)
        }
        return true
    }

    private func send(_ bytes: [UInt8], _ descriptor: CInt) {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ Platform.send($0, to: descriptor) }) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wouldBlock:
                _ = Platform.wait(descriptor, forWriting: true, milliseconds: 20)
                if state.withLock({ $0.isStopping }) { return }
            case .failed: return
            }
        }
    }

    private func take(
        _ request: HTTPRequest, _ state: inout State
    ) -> (index: Int, treatment: Treatment, response: HTTPResponse) {
        var seen = SeenRequest(request, time: ContinuousClock().now)
        let count = state.counts[seen.path, default: 0] + 1
        state.counts[seen.path] = count
        seen.treatment = state.script(seen, count)
        if case .changed(let change) = seen.treatment { change(&state.model) }
        var response = Self.response(to: seen, &state.model)
        if case .rewritten(let change) = seen.treatment, response.status == 200,
            let value = try? CBORValue(decoding: response.body)
        {
            response.body = change(value)
        }
        seen.status = response.status
        seen.answer = response.body
        state.seen.append(seen)
        return (state.seen.count - 1, seen.treatment, response)
    }

    private static func response(
        to seen: SeenRequest, _ model: inout ServerModel
    ) -> HTTPResponse {
        var headers: HTTPHeaders = ["Content-Type": "application/cbor"]
        switch seen.treatment {
        case .refused(let status, let body, let seconds):
            if let seconds { headers.append("Retry-After", "\(seconds)") }
            return HTTPResponse(status: status, headers: headers, body: body?.encoded() ?? [])
        case .body(let bytes): return HTTPResponse(status: 200, headers: headers, body: bytes)
        case .lostRequest: return HTTPResponse(status: 500, headers: headers)
        default: break
        }
        do throws(ServerModel.Refusal) {
            let body: [UInt8]
            switch seen.message {
            case .handshake(let request): body = try model.handshake(request).encoded()
            case .push(let request): body = try model.push(request).encoded()
            case .pull(let request): body = try model.pull(request).encoded()
            case .report(let request): body = try model.report(request).encoded()
            case nil: throw ServerModel.Refusal(400, .invalidRequest, seen.fault ?? "")
            }
            return HTTPResponse(status: 200, headers: headers, body: body)
        } catch {
            return HTTPResponse(
                status: error.status, headers: headers, body: error.response.encoded())
        }
    }
}
