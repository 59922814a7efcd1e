// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

// Connections.
extension ServerHost {
    /// Takes bytes of a request.
    func receive(_ bytes: [UInt8], on link: VirtualLink) throws {
        guard let core, !link.isBroken else { return world.breakLink(link) }
        if refuses(bytes, on: link) { return }
        if link.connection == nil {
            let connection = core.accept()
            link.connection = connection
            links[connection] = link
        }
        guard let connection = link.connection, links[connection] === link else {
            return world.breakLink(link)
        }
        core.receive(bytes, on: connection)
        if disk.isHalted { return dieAndRestart() }
        link.exchange?.bytesLeft -= bytes.count
        scheduleTurn()
        guard let exchange = link.exchange, exchange.bytesLeft == 0 else { return }
        try requestArrived(exchange.request, on: link, core.takeOutput(of: connection).bytes)
    }

    /// Whether somebody before the server takes the bytes and refuses the request.
    private func refuses(_ bytes: [UInt8], on link: VirtualLink) -> Bool {
        guard let device = link.device, let exchange = link.exchange else { return false }
        let isRefused = exchange.isRefused ?? device.isRefused(exchange.request)
        link.exchange?.isRefused = isRefused
        guard isRefused else { return false }
        link.exchange?.bytesLeft -= bytes.count
        if exchange.bytesLeft == bytes.count {
            world.counts.note(.refusals)
            note("device \(device.index) is refused")
            world.sendAnswer(Self.refusal, on: link)
        }
        return true
    }

    private static let refusal: [UInt8] = {
        let body = ErrorResponse(
            code: .authorizationFailed, message: "The device may not, at present."
        ).encoded()
        let head =
            "HTTP/1.1 403 Forbidden\r\nContent-Type: application/cbor\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }()

    /// What was answered at once is judged at once: it speaks of this moment.
    private func requestArrived(
        _ request: SyncRequest, on link: VirtualLink, _ answer: [UInt8]
    ) throws {
        if answer.isEmpty {
            guard case .push(let push) = request else {
                link.exchange?.waitsForNews = true
                if let fault = checker.faultOfWaiting(request) {
                    throw SimulationFailure(
                        .answersFollowTheRules, "a pull waits and is to be refused: \(fault)")
                }
                checker.hears(request, atMilliseconds: wall.milliseconds)
                return expectAnswer(to: request, on: link)
            }
            staged.append((link, push, try checker.stage(push, nowMilliseconds: wall.milliseconds)))
            checker.hears(request, atMilliseconds: wall.milliseconds)
        } else {
            let outcome = try world.decode(answer, to: request)
            try checker.check(outcome, to: request)
            if case .failure(let error) = outcome, case .server(let code) = error.code,
                checker.isServerSick, code.isRetryable
            {
                faultCame()
                checker.mayHear(request)
            }
            if case .success = outcome {
                checker.hears(request, atMilliseconds: wall.milliseconds)
            }
            ready.append((link, answer))
        }
    }

    /// A pull that waits is answered when its time is over, if nothing has come until then.
    private func expectAnswer(to request: SyncRequest, on link: VirtualLink) {
        let (connection, life, wait) = (link.connection, life, request.waitMilliseconds)
        link.waitCount += 1
        let count = link.waitCount
        world.after((wait + 1_000) * 1_000_000) { [self] in
            guard life == self.life, isRunning, let connection, links[connection] === link,
                link.exchange?.waitsForNews == true, link.waitCount == count
            else { return }
            throw SimulationFailure(
                .goesOn, "a pull that was to wait for \(wait) ms goes on waiting")
        }
    }

    /// The device ended its sending.
    func receiveEnd(on link: VirtualLink) {
        guard let core, let connection = link.connection, links[connection] === link else { return }
        core.receiveEnd(on: connection)
        scheduleTurn()
    }

    /// The connection broke.
    func abort(_ link: VirtualLink) {
        guard let connection = link.connection, links[connection] === link else { return }
        links[connection] = nil
        core?.abort(connection)
    }
}
