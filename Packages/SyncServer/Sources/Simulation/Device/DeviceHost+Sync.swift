// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

// Cycles: what `SyncEngine` does with them, without its actor.
extension DeviceHost {
    /// Begins a cycle, unless one is under way.
    func begin() {
        switch phase {
        case .exchanging, .pausing: return
        case .idle: break
        // Whoever followed has its waiting pull cancelled.
        case .following: stopFollowing()
        }
        // A copy of the device shows in a handshake only, so everybody needs one to come to rest.
        let renews = !isFollowing || world.isHealed || cyclesSinceHandshake % 20 == 0
        cyclesSinceHandshake += 1
        step(capturesFirst: Bool.random(using: &generator)) { cycle in
            let step = try cycle.begin(renewsHandshake: renews)
            self.didCapture()
            return step
        }
    }

    /// Captures, and judges what was captured. Not before each cycle: that finds its own captures.
    private func capture(_ cycle: Cycle) throws {
        // A store that had to make a checkpoint knows the outcome of what was not captured only.
        if segments != segmentsAtCapture { checker.willCheckpoint() }
        let before = try cycle.inspect()
        try cycle.capture()
        // Where clocks are wrong, a stamp may be too far ahead to be taken over.
        let log =
            world.conditions.contains(.clockSkew)
            ? nil : world.server.checker.log(before.logID, of: databaseID)
        try checker.captured(before: before, after: cycle.inspect(), log)
        didCapture()
    }

    private var segments: [String] { disk.filePaths(in: Self.directory + "/SEGMENTS") }

    /// Everything that the app committed is captured.
    func didCapture() {
        checker.didCapture()
        segmentsAtCapture = segments
    }

    /// Takes what came of the exchange that is waited for.
    func take(_ outcome: Result<SyncAnswer, SyncError>, number: Int) {
        switch phase {
        case .exchanging(let request, number):
            step { cycle in try cycle.take(outcome, to: request) }
        case .following(let request, number):
            follow(outcome, request)
        default: return
        }
    }

    private func step(capturesFirst: Bool = false, _ body: (Cycle) throws -> Cycle.Step) {
        guard let cycle else { return }
        do {
            if capturesFirst { try capture(cycle) }
            checker.willSync()
            let next = try body(cycle)
            noteDecisions()
            if disk.isHalted { return dieAndRestart() }
            try check()
            try perform(next)
        } catch let error as SyncError {
            noteDecisions()
            cycleFailed(error)
        } catch {
            world.fail(error)
        }
    }

    private func perform(_ step: Cycle.Step) throws {
        waitNumber += 1
        let number = waitNumber
        switch step {
        case .exchange(let request):
            try checkOrder(of: request)
            phase = .exchanging(request, number: number)
            world.send(request, from: self, number: number)
        case .wait(let duration):
            phase = .pausing(number: number)
            world.after(nanoseconds(duration)) { [self] in
                guard case .pausing(number) = phase else { return }
                self.step { try $0.resume() }
            }
        case .finished(let report):
            phase = .idle
            finishedCycles += 1
            note("is synced: \(report.counts)")
            if let cycle {
                try checker.check(cycle.quarantinedOperations(), cycle.inspect())
            }
            waitForNews()
        }
    }

    /// What may have reached the server is settled before anything is pulled.
    private func checkOrder(of request: SyncRequest) throws {
        guard case .pull = request, let found = try cycle?.inspect(), !found.isFindingOwn,
            let first = found.operations.first, first.operationID <= found.sentThrough
        else { return }
        throw SimulationFailure(
            .queueIsSound,
            "device \(index) pulls before operation \(first.operationID), which it "
                + "has sent, is settled")
    }

    private func cycleFailed(_ error: SyncError) {
        phase = .idle
        waitNumber += 1
        failedCycles += 1
        if error.code == .storage {
            do { try failed(error) } catch { world.fail(error) }
            return
        }
        switch error.code {
        case .network, .timeout, .server: break
        default:
            world.fail(
                SimulationFailure(.goesOn, "a cycle of device \(index) fails: \(error)"))
        }
        note("gives up for now: \(error)")
        guard isFollowing else { return }
        let number = waitNumber
        world.after(UInt64.random(in: 100_000_000...10_000_000_000, using: &generator)) { [self] in
            if number == waitNumber { begin() }
        }
    }

    private func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(duration.components.seconds) * 1_000_000_000
            + UInt64(duration.components.attoseconds) / 1_000_000_000
    }
}

// Following.
extension DeviceHost {
    /// A pull that waits at the server, until something comes or the app writes.
    private func waitForNews() {
        guard isFollowing, !world.isHealed, let cycle,
            let request = cycle.makeWaitingPull(.seconds(generator.oneOf([1, 5, 25])))
        else { return }
        waitNumber += 1
        phase = .following(request, number: waitNumber)
        world.send(.pull(request), from: self, number: waitNumber)
    }

    private func follow(_ outcome: Result<SyncAnswer, SyncError>, _ request: PullRequest) {
        guard let cycle else { return }
        phase = .idle
        checker.willSync()
        do {
            guard case .success(.pull(let page)) = outcome else {
                if case .failure(let error) = outcome { throw error }
                return
            }
            let hasNews = try cycle.take(page, to: request)
            noteDecisions()
            if disk.isHalted { return dieAndRestart() }
            try check()
            if hasNews { begin() } else { waitForNews() }
        } catch let error as SyncError {
            noteDecisions()
            cycleFailed(error)
        } catch {
            world.fail(error)
        }
    }

    func lookForWrites() throws {
        guard let cycle, case .following = phase else { return }
        do {
            let count = try cycle.capture()
            didCapture()
            if count > 0 || !cycle.isQueueEmpty { begin() }
        } catch {
            try failed(error)
        }
    }

    /// Cancels the waiting pull.
    func stopFollowing() {
        guard case .following = phase else { return }
        if let link { world.abandon(link) }
        link = nil
        phase = .idle
        waitNumber += 1
    }
}
