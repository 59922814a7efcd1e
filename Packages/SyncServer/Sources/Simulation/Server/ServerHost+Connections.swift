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

    /// What was answered at once is judged at once: it speaks of this moment.
    private func requestArrived(
        _ request: SyncRequest, on link: VirtualLink, _ answer: [UInt8]
    ) throws {
        if answer.isEmpty {
            guard case .push(let push) = request else {
                link.exchange?.waitsForNews = true
                return expectAnswer(to: request, on: link)
            }
            staged.append((link, push, try checker.stage(push, nowMilliseconds: wall.milliseconds)))
        } else {
            let outcome = try world.decode(answer, to: request)
            try checker.check(outcome, to: request)
            if case .failure(let error) = outcome, case .server(let code) = error.code,
                checker.isServerSick, code.isRetryable
            {
                faultCame()
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
