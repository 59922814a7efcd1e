// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

// What a started engine does between its cycles: the decisions are its own, by `FollowLoop`; here
// they are carried out.
extension DeviceHost {
    /// The app starts its engine.
    func startFollowing() {
        guard isFollowing, isRunning, world.letsFollow else { return }
        loop = FollowLoop(configuration)
        decide(.rested)
    }

    /// The app stops its engine; a cycle under way comes to its end.
    func stopFollowing() {
        endWaits()
        loop = nil
        awaitsCycle = false
    }

    /// Tells the loop what came of its decision, and does what it says.
    func decide(_ outcome: FollowLoop.Outcome) {
        guard let decision = loop?.next(outcome) else { return }
        carryOut(decision)
    }

    private func carryOut(_ decision: FollowLoop.Decision) {
        switch decision {
        case .sync(let renewsHandshake):
            endWaits()
            awaitsCycle = true
            begin(renewsHandshake: renewsHandshake)
        case .watch(let writes, let others):
            let both = generator.chance(50) ? [writes, others] : [others, writes]
            let number = loopNumber
            for decision in both where number == loopNumber { carryOut(decision) }
        case .look(let interval):
            if interval == .zero { return look() }
            wait(interval) { [self] in look() }
        case .pull(let limit): pull(limit)
        case .pause(let duration): wait(duration) { [self] in decide(.heard(hasNews: true)) }
        case .sleep(let duration): wait(duration) { [self] in decide(.rested) }
        }
    }

    /// Lets time pass, unless the loop goes on with something else.
    private func wait(_ duration: Duration, _ action: @escaping () -> Void) {
        let number = loopNumber
        world.after(nanoseconds(duration)) { [self] in
            if number == loopNumber { action() }
        }
    }

    private func look() {
        guard let cycle else { return }
        do {
            let count = try capture(cycle)
            if disk.isHalted { return dieAndRestart() }
            decide(.looked(foundWrites: count > 0 || !cycle.isQueueEmpty))
        } catch let failure as SimulationFailure {
            world.fail(failure)
        } catch {
            loopFailed(error)
        }
    }

    private func pull(_ limit: Duration) {
        guard let request = cycle?.makeWaitingPull(limit) else {
            return decide(.heard(hasNews: true))
        }
        waitNumber += 1
        waitingPull = WaitingPull(
            request: request, number: waitNumber,
            link: world.send(.pull(request), from: self, number: waitNumber))
    }

    /// Takes what came of the waiting pull, whatever else is under way.
    func takeNews(_ outcome: Result<SyncAnswer, SyncError>, _ request: PullRequest) {
        guard let cycle else { return }
        waitingPull = nil
        checker.willSync()
        do {
            guard case .pull(let page) = try outcome.get() else {
                preconditionFailure("An answer is decoded by the request that it answers.")
            }
            seenChecker.takes(.pull(page))
            let hasNews = try cycle.take(page, to: request)
            let decisions = noteDecisions()
            if disk.isHalted { return dieAndRestart() }
            try check()
            try check(decisions)
            decide(.heard(hasNews: hasNews))
        } catch let failure as SimulationFailure {
            world.fail(failure)
        } catch {
            noteDecisions()
            loopFailed(error)
        }
    }

    private func loopFailed(_ error: any Error) {
        guard let error = error as? SyncError, error.code != .storage else {
            do { try failed(error) } catch { world.fail(error) }
            return
        }
        endWaits()
        expect(error)
        note("hears nothing: \(error)")
        decide(
            .failed(
                retryAfterSeconds: error.retryAfterSeconds, random: random.next()))
    }

    /// Ends what the loop waits for, a pull at the server too.
    func endWaits() {
        loopNumber += 1
        if let waitingPull { world.abandon(waitingPull.link) }
        waitingPull = nil
    }
}
