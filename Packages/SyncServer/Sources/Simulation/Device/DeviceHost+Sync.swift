// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

// Cycles: what `SyncEngine` does with them, without its actor.
extension DeviceHost {
    /// Begins a cycle, unless one is under way, which is waited for then.
    ///
    /// - Parameter renewsHandshake: As an app's own sync always does, and a started engine seldom.
    func begin(renewsHandshake: Bool = true) {
        guard isIdle else { return }
        cycleChecker.begins()
        step(capturesFirst: Bool.random(using: &generator)) { cycle in
            let step = try cycle.begin(renewsHandshake: renewsHandshake)
            self.didCapture()
            return step
        }
    }

    /// Captures, and judges what was captured. Not before each cycle: that finds its own captures.
    ///
    /// - Returns: How many operations were new.
    @discardableResult
    func capture(_ cycle: Cycle) throws -> Int {
        // A store that had to make a checkpoint knows the outcome of what was not captured only.
        if segments != segmentsAtCapture { checker.willCheckpoint() }
        let before = try cycle.inspect(isBrief: true)
        let count: Int
        do { count = try cycle.capture() } catch {
            checker.captureFailed()
            throw error
        }
        // Where clocks are wrong, a stamp may be too far ahead to be taken over.
        let log =
            world.conditions.contains(.clockSkew)
            ? nil : world.server.checker.log(before.logID, of: databaseID)
        try checker.captured(before: before, after: cycle.inspect(isBrief: true), log)
        didCapture()
        return count
    }

    private var segments: [String] { disk.filePaths(in: Self.directory + "/SEGMENTS") }

    /// Everything that the app committed is captured.
    func didCapture() {
        checker.didCapture()
        segmentsAtCapture = segments
    }

    /// Takes what came of the exchange that is waited for.
    func take(_ outcome: Result<SyncAnswer, SyncError>, number: Int) {
        if case .exchanging(let request, number) = phase {
            cycleChecker.takes(outcome)
            if case .failure(let error) = outcome { seenChecker.takes(error) }
            step(taking: try? outcome.get()) { cycle in try cycle.take(outcome, to: request) }
        } else if let waitingPull, waitingPull.number == number {
            takeNews(outcome, waitingPull.request)
        }
    }

    private func step(
        capturesFirst: Bool = false, taking answer: SyncAnswer? = nil,
        _ body: (Cycle) throws -> Cycle.Step
    ) {
        guard let cycle else { return }
        if let answer { seenChecker.takes(answer) }
        if case .push(let response)? = answer,
            response.rejected.contains(where: { $0.code == .clockSkew })
        {
            checker.clockIsAhead()
        }
        do {
            if capturesFirst { try capture(cycle) }
            checker.willSync()
            let wasFindingOwn = try cycle.inspect(isBrief: true).isFindingOwn
            let next = try body(cycle)
            let decisions = noteDecisions()
            if disk.isHalted { return dieAndRestart() }
            let found = try cycle.inspect(isBrief: true)
            seenChecker.took(answer, found)
            try check()
            try check(decisions)
            if wasFindingOwn {
                try SeenChecker.check(
                    decisions, after: found,
                    world.server.checker.log(found.logID, of: databaseID), name: "device \(index)")
            }
            try checkPolicies(decisions)
            try perform(next)
        } catch let error as SyncError {
            noteDecisions()
            do { try cycleChecker.givesUp(error) } catch { world.fail(error) }
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
            try cycleChecker.asks(request)
            try seenChecker.asks(request)
            phase = .exchanging(request, number: number)
            world.send(request, from: self, number: number)
        case .wait(let duration):
            try cycleChecker.waits(duration)
            phase = .pausing(number: number)
            world.after(nanoseconds(duration)) { [self] in
                guard case .pausing(number) = phase else { return }
                self.step { try $0.resume() }
            }
        case .finished(let report):
            phase = .idle
            finishedCycles += 1
            note("is synced: \(report.counts)")
            tellLoop(.synced(knowsLog: cycle?.knowsLog ?? false))
        }
    }

    /// What may have reached the server is settled before anything is pulled.
    private func checkOrder(of request: SyncRequest) throws {
        guard case .pull = request, let found = try cycle?.inspect(isBrief: true),
            !found.isFindingOwn,
            let first = found.operations.first, first.operationID <= found.unansweredThrough
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
        expect(error)
        note("gives up for now: \(error)")
        guard awaitsCycle else { return }
        tellLoop(
            .failed(retryAfterSeconds: error.retryAfterSeconds, random: random.next()))
    }

    /// The loop may have waited for the cycle, whoever began it.
    private func tellLoop(_ outcome: FollowLoop.Outcome) {
        guard awaitsCycle else { return }
        awaitsCycle = false
        decide(outcome)
    }

    /// Whether an error is one that servers and networks bring about.
    func expect(_ error: SyncError) {
        switch error.code {
        case .network, .timeout, .server: break
        default:
            world.fail(
                SimulationFailure(.goesOn, "a cycle of device \(index) fails: \(error)"))
        }
    }

    func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(duration.components.seconds) * 1_000_000_000
            + UInt64(duration.components.attoseconds) / 1_000_000_000
    }
}
