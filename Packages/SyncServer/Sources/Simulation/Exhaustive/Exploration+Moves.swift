// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// What each move makes of a world.
extension Exploration {
    /// The state after a move; `nil` if it cannot happen.
    mutating func make(
        _ move: SmallWorldMove, in state: SmallWorldState
    ) throws -> SmallWorldState? {
        let none = SmallWorldState.none
        let device = move.device
        let awaited = devices[state[device: device]].awaited
        var next = state
        switch move.kind {
        case .edit: return try after(.edit, Int32(move.argument), device, in: next)
        case .begin: return try after(.begin, 0, device, in: next)
        case .serve, .serveTwice:
            try checkNumbers(of: awaited, in: next)
            let effect = try serve(awaited, in: next)
            next.log = effect.log
            next[answer: device] = effect.answer
            return move.kind == .serve ? next : delaying(awaited, in: next)
        case .loseRequest, .loseAnswer:
            next[answer: device] = none
            return try after(.fail, 0, device, in: next)
        case .loseRequestAndStop, .loseAnswerAndStop:
            next[answer: device] = none
            return try after(.stop, 0, device, in: next)
        case .delayRequest, .delayRequestAndStop:
            guard let delayed = delaying(awaited, in: next) else { return nil }
            return try after(move.kind == .delayRequest ? .fail : .stop, 0, device, in: delayed)
        case .deliver, .deliverAndDie:
            let answer = next[answer: device]
            next[answer: device] = none
            return try after(
                move.kind == .deliver ? .answer : .answerAndDeath, answer, device, in: next)
        case .restart, .restartAndDelayRequest:
            if move.kind == .restartAndDelayRequest {
                guard let delayed = delaying(awaited, in: next) else { return nil }
                next = delayed
            }
            (next[answer: device], next[page: device]) = (none, none)
            return try after(.restart, 0, device, in: next)
        case .answerWaitingPull:
            guard let request = try devices.waitingPull(next[device: device], device: device)
            else { return nil }
            let page = try logs.page(request, next.log)
            if page.operations.isEmpty { return nil }
            next[page: device] = messages.number(of: LatePage(request: request, page: page))
            return next
        case .deliverPage:
            let page = next[page: device]
            next[page: device] = none
            return try after(.page, page, device, in: next)
        case .losePage:
            next[page: device] = none
            return next
        case .serveStray:
            next.log = try serve(next[stray: move.argument], in: next).log
            next.remove(strayAt: move.argument)
            return next
        case .loseStray:
            next.remove(strayAt: move.argument)
            return next
        }
    }

    private func delaying(_ push: Int32, in state: SmallWorldState) -> SmallWorldState? {
        guard state.strayCount < world.strayPushesMax else { return nil }
        var next = state
        next.add(stray: push)
        return next
    }

    private mutating func after(
        _ event: DeviceStates.Event, _ argument: Int32, _ device: Int, in state: SmallWorldState
    ) throws -> SmallWorldState? {
        let before = state[device: device]
        guard let after = try devices.next(before, event, argument, device: device) else {
            return nil
        }
        var next = state
        next[device: device] = after
        if before != after { _ = try isAtRest(device, in: next) }
        return next
    }

    private mutating func serve(
        _ request: Int32, in state: SmallWorldState
    ) throws -> LogStates.Effect {
        let effect = try logs.serve(request, log: state.log)
        guard effect.log != state.log else { return effect }
        let unseen = effect.overwritten.subtracting(settled(in: state))
        guard unseen.isEmpty else {
            throw SimulationFailure(
                .nothingOverwrittenUnseen,
                "edits \(unseen.tokens) were overwritten by a device "
                    + "that had not seen them")
        }
        let invented = effect.written.subtracting(made(in: state))
        guard invented.isEmpty else {
            throw SimulationFailure(
                .nothingInvented, "edits \(invented.tokens) are in the log, and nobody made them")
        }
        return effect
    }
}

/// What must hold.
extension Exploration {
    /// A number stands for one operation for ever: what arrives late is what would be sent again.
    private func checkNumbers(of request: Int32, in state: SmallWorldState) throws {
        for index in 0..<state.strayCount where state[stray: index] != request {
            guard case .push(let push) = messages.requests[request],
                case .push(let stray) = messages.requests[state[stray: index]],
                stray.deviceID == push.deviceID
            else { continue }
            for operation in push.operations {
                let sent = stray.operations.first { $0.operationID == operation.operationID }
                guard sent ?? operation == operation else {
                    throw SimulationFailure(
                        .sentUnchanged,
                        "operation \(operation.operationID) of \(push.deviceID) "
                            + "goes out again, and not as it was sent before")
                }
            }
        }
    }

    private func made(in state: SmallWorldState) -> EditSet {
        (0..<world.devices).reduce([]) { $0.union(devices[state[device: $1]].made) }
    }

    /// The edits that were deleted by somebody who saw them, or that a conflict log keeps.
    private func settled(in state: SmallWorldState) -> EditSet {
        (0..<world.devices).reduce([]) {
            $0.union(devices[state[device: $1]].settled)
        }
    }

    /// Judges a device against the log: what it holds is what it pulled and its own edits.
    ///
    /// - Returns: Whether it has nothing more to exchange.
    private mutating func isAtRest(_ device: Int, in state: SmallWorldState) throws -> Bool {
        let number = state[device: device]
        let key = UInt64(number) << 32 | UInt64(state.log)
        if let known = verdicts[key] { return known }
        let found = try devices.inspect(number, device: device)
        let model = devices.model(number)
        let checker = ReplicaChecker(name: "device \(device)")
        try checker.checkEntities(
            found, model.entities, unseen: model.uncaptured, logs[state.log])
        let isAtRest =
            devices[number].awaited == SmallWorldState.none && model.uncaptured.isEmpty
            && found.operations.isEmpty && found.cursor == logs[state.log].head
        verdicts[key] = isAtRest
        return isAtRest
    }

    /// The next move of a run without faults; `nil` if everybody has everything.
    mutating func fairMove(in state: SmallWorldState) throws -> SmallWorldMove? {
        for device in 0..<world.devices where state[answer: device] != SmallWorldState.none {
            return SmallWorldMove(.deliver, device)
        }
        for device in 0..<world.devices
        where devices[state[device: device]].awaited != SmallWorldState.none {
            return SmallWorldMove(.serve, device)
        }
        for device in 0..<world.devices where try !isAtRest(device, in: state) {
            return SmallWorldMove(.begin, device)
        }
        return nil
    }

    /// Everybody is at rest: all are equal to the server, and no edit is missing.
    func checkRest(_ state: SmallWorldState) throws {
        let log = logs[state.log]
        var standing: EditSet = []
        for index in log.current.values {
            standing.formUnion(EditSet(log.operations[index].content))
        }
        for device in 0..<world.devices {
            let entities = devices.model(state[device: device]).entities
            for (key, index) in log.current where entities[key] != log.operations[index].content {
                throw SimulationFailure(
                    .everyoneIsEqual, "device \(device) has another \(key) than the server")
            }
            if entities.keys.contains(where: { log.current[$0] == nil }) {
                throw SimulationFailure(
                    .everyoneIsEqual, "device \(device) has an entity that the server lacks")
            }
        }
        let missing = made(in: state).subtracting(standing).subtracting(settled(in: state))
        guard missing.isEmpty else {
            throw SimulationFailure(
                .noEditIsLost, "edits \(missing.tokens) are nowhere, and in no conflict log")
        }
    }

    /// The longest of all runs without faults to where everybody has everything.
    ///
    /// - Throws: The state from which there is none.
    func longestWayToRest() throws(Finding) -> Int {
        // How many moves are left, 0 for not known; ways join, so each state is walked over once.
        var lengths = [Int32](repeating: SmallWorldState.none, count: ways.count)
        var longest: Int32 = 0
        var path: [Int] = []
        for start in ways.indices {
            path.removeAll(keepingCapacity: true)
            var state = start
            while lengths[state] < 0 {
                // A state of this very path has been marked: the run goes in a circle.
                guard lengths[state] != -2 else {
                    throw Finding(
                        SimulationFailure(.converges, "a run without faults goes in a circle"),
                        state: state, move: nil)
                }
                lengths[state] = -2
                path.append(state)
                guard ways[state] >= 0 else { break }
                state = Int(ways[state])
            }
            var length = lengths[state] >= 0 ? lengths[state] + 1 : 0
            for state in path.reversed() {
                lengths[state] = length
                length += 1
            }
            longest = max(longest, lengths[start])
        }
        return Int(longest)
    }
}
