// SPDX-License-Identifier: MIT

import HTTPWire
@_spi(Simulation) import SyncClient
import SyncProtocol

// The network.
extension World {
    /// Sends a device's request over a connection, with whatever the weather does to it.
    @discardableResult
    func send(_ request: SyncRequest, from device: DeviceHost, number: Int) -> VirtualLink {
        let link = link(for: device, nextWeather(of: device))
        let bytes = request.wireBytes
        trace.add(bytes)
        note(
            "request", UInt64(device.index), text: "device \(device.index) asks \(request.summary)")
        counts.exchanges += 1
        link.exchange = VirtualLink.Exchange(request: request, bytesLeft: bytes.count)
        link.awaited = number
        after(device.requestTimeout + request.waitMilliseconds * 1_000_000) { [self] in
            guard link.exchange != nil, link.awaited == number else { return }
            lose(link, .timeout, "There was no answer in time.")
        }
        if !isHealed, let cut = device.path.isOffline(at: clock.now) {
            if cut.isNew { counts.note(cut.condition) }
            after(link.weather.latency()) { [self] in
                if link.awaited == number { lose(link, .network, "There is no network.") }
            }
            return link
        }
        deliver(bytes, on: link, link.weather.mishap())
        if let delay = link.weather.repetition() {
            counts.note(.duplicates)
            let weather = link.weather.ofCopy()
            after(delay) { [self] in repeatRequest(request, bytes, weather) }
        }
        return link
    }

    private func link(for device: DeviceHost, _ weather: NetworkWeather) -> VirtualLink {
        var weather = weather
        let prefersNew = weather.prefersNewLink()
        device.links.removeAll { !$0.isUsable }
        if let index = device.links.firstIndex(where: { $0.exchange == nil }) {
            device.links[index].weather = weather
            if !prefersNew { return device.links[index] }
            abandon(device.links.remove(at: index))
        }
        linkCount += 1
        let link = VirtualLink(number: linkCount, device: device, weather: weather)
        device.links.append(link)
        return link
    }

    private func repeatRequest(
        _ request: SyncRequest, _ bytes: [UInt8], _ weather: NetworkWeather
    ) {
        note("repeat", 0, text: "a middlebox repeats \(request.summary)")
        server.checker.noteRepeat(of: request)
        sendAlone(request, bytes, weather)
    }

    /// Sends a request that nobody waits for the answer of.
    func sendAlone(_ request: SyncRequest, _ bytes: [UInt8], _ weather: NetworkWeather) {
        linkCount += 1
        let link = VirtualLink(number: linkCount, device: nil, weather: weather)
        link.exchange = VirtualLink.Exchange(request: request, bytesLeft: bytes.count)
        deliver(bytes, on: link, .none)
    }

    private func deliver(_ bytes: [UInt8], on link: VirtualLink, _ mishap: NetworkWeather.Mishap) {
        var arriving = bytes[...]
        switch mishap {
        case .none: break
        case .requestCut(let share):
            counts.note(.cuts)
            arriving = bytes.prefix(Int(Double(bytes.count) * share))
        case .answer(let fate):
            link.exchange?.answerFate = fate
        case .requestEndsSending: counts.note(.halfCloses)
        }
        let speed = speed(of: link)
        let pieces = link.weather.pieces(of: arriving.count, isSlow: speed != nil)
        for length in pieces where length > 0 {
            let piece = Array(arriving.prefix(length))
            arriving = arriving.dropFirst(length)
            atServer(link, taking: transmission(of: length, at: speed)) { [self] in
                try server.receive(piece, on: link)
            }
        }
        if case .requestCut = mishap {
            atServer(link) { [self] in
                server.abort(link)
                lose(link, .network, "The connection broke.")
            }
        }
        if case .requestEndsSending = mishap {
            link.hasEndedSending = true
            atServer(link) { [self] in server.receiveEnd(on: link) }
        }
    }

    private func atServer(
        _ link: VirtualLink, taking duration: UInt64 = 0, _ action: @escaping Scheduler.Action
    ) {
        arrive(by: \.toServer, of: link, taking: duration, action)
    }

    private func atDevice(
        _ link: VirtualLink, taking duration: UInt64 = 0, _ action: @escaping Scheduler.Action
    ) {
        arrive(by: \.toDevice, of: link, taking: duration, action)
    }

    /// Lets something arrive behind all that was sent the same way before, unless it gets lost.
    ///
    /// - Parameter duration: How long its bytes take, besides the latency.
    private func arrive(
        by way: ReferenceWritableKeyPath<VirtualLink, VirtualLink.Way>, of link: VirtualLink,
        taking duration: UInt64, _ action: @escaping Scheduler.Action
    ) {
        link[keyPath: way].lastArrival =
            max(link[keyPath: way].lastArrival + 1, clock.now + link.weather.latency()) + duration
        at(link[keyPath: way].lastArrival) { [self] in
            guard link.isUsable, !link[keyPath: way].isDead else { return }
            link[keyPath: way].isDead = isLost(link[keyPath: way].direction, link)
            if !link[keyPath: way].isDead { try action() }
        }
    }

    /// Sends an answer's bytes to the device.
    func sendAnswer(_ bytes: [UInt8], on link: VirtualLink) {
        trace.add(bytes)
        guard link.device != nil, let exchange = link.exchange else { return }
        var arriving = bytes[...]
        if let condition = exchange.answerFate.condition { counts.note(condition) }
        switch exchange.answerFate {
        case .arrives: break
        case .cut(let share), .ends(let share):
            arriving = bytes.prefix(Int(Double(bytes.count) * share))
        }
        let speed = speed(of: link)
        let pieces = link.weather.pieces(of: arriving.count, isSlow: speed != nil)
        for length in pieces where length > 0 {
            let piece = Array(arriving.prefix(length))
            arriving = arriving.dropFirst(length)
            atDevice(link, taking: transmission(of: length, at: speed)) { [self] in
                receive(piece, on: link)
            }
        }
        switch exchange.answerFate {
        case .cut: atDevice(link) { [self] in lose(link, .network, "The connection broke.") }
        case .ends: atDevice(link) { [self] in receiveEnd(on: link) }
        case .arrives: break
        }
    }

    private func receive(_ bytes: [UInt8], on link: VirtualLink) {
        link.parser.append(bytes)
        takeAnswer(of: link)
    }

    private func receiveEnd(on link: VirtualLink) {
        link.parser.receiveEnd()
        takeAnswer(of: link)
    }

    private func takeAnswer(of link: VirtualLink) {
        switch link.parser.next() {
        case .needMore: return
        case .failed(let fault): lose(link, .network, fault.description)
        case .response(let response):
            guard let exchange = link.exchange, let device = link.device else { return }
            link.exchange = nil
            link.parser = HTTPResponseParser()
            if !response.isKeepAlive || link.hasEndedSending { abandon(link) }
            device.take(outcome(of: response, to: exchange.request), number: link.awaited)
        }
    }

    /// The device is told that its connection is of no use any more.
    private func lose(_ link: VirtualLink, _ code: SyncError.Code, _ message: String) {
        guard link.isUsable else { return }
        let isAwaited = link.exchange != nil
        link.exchange = nil
        abandon(link)
        guard isAwaited, let device = link.device else { return }
        device.take(.failure(SyncError(code, message)), number: link.awaited)
    }

    /// The server's end of a connection is gone, and the network says so if it can.
    func breakLink(_ link: VirtualLink) {
        link.isBroken = true
        at(max(link.toDevice.lastArrival + 1, clock.now + link.weather.latency())) { [self] in
            guard link.isUsable, !isLost(.toDevice, link) else { return }
            lose(link, .network, "The connection broke.")
        }
    }

    /// The server has ended a connection, behind all that it sent.
    func endLink(_ link: VirtualLink) {
        link.isBroken = true
        atDevice(link) { [self] in receiveEnd(on: link) }
    }

    /// The device's end of a connection is gone, and the network says so if it can.
    func abandon(_ link: VirtualLink) {
        guard link.isUsable else { return }
        link.isUsable = false
        after(link.weather.latency()) { [self] in
            if !isLost(.toServer, link) { server.abort(link) }
        }
    }

    /// Reads an answer as the server sent it.
    func decode(_ bytes: [UInt8], to request: SyncRequest) throws -> Result<SyncAnswer, SyncError> {
        var parser = HTTPResponseParser()
        parser.append(bytes)
        guard case .response(let response) = parser.next() else {
            throw SimulationFailure(
                .answersFollowTheRules,
                "an answer is not one: \(String(decoding: bytes, as: UTF8.self))")
        }
        return outcome(of: response, to: request)
    }

    private func outcome(
        of response: HTTPReceivedResponse, to request: SyncRequest
    ) -> Result<SyncAnswer, SyncError> {
        do throws(SyncError) {
            return .success(
                try request.decode(
                    MessageAnswer(
                        status: response.status, body: response.body,
                        retryAfterSeconds: response.headers["Retry-After"].flatMap(UInt64.init))))
        } catch {
            return .failure(error)
        }
    }
}

extension SyncRequest {
    /// The request in a few words.
    var summary: String {
        switch self {
        case .handshake(let request): "a handshake as \(request.deviceID)"
        case .pull(let request):
            "a page after \(request.sinceCursor)"
                + (request.includesOwn == true ? " with its own" : "")
        case .push(let request):
            "to take "
                + request.operations.map { operation in
                    let base =
                        operation.baseOperationID.map { "op \($0)" } ?? "\(operation.base ?? 0)"
                    return "\(operation.operationID): \(operation.key) = "
                        + "\(EntityContent.tokens(operation.content)) on \(base)"
                        + (operation.transactionID.map { " in \($0)" } ?? "")
                }.joined(separator: ", ")
        }
    }
}

extension VirtualLink.AnswerFate {
    /// The condition that has it happen.
    fileprivate var condition: Condition? {
        switch self {
        case .arrives: nil
        case .cut(let share): share > 0 ? .cuts : .lostAnswers
        case .ends: .halfCloses
        }
    }
}
