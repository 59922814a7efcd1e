// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient

/// Tries everything that can happen in a small world, and judges each state: the real decisions of
/// client and server, over stores, queues and logs in memory.
///
///     let outcome = ExhaustiveExploration.run(
///         SmallWorld(devices: 2, transactions: 2, entities: 1, resolver: .merge))
///     print(outcome)
///
/// From every state, a run without faults must come to where all devices equal the server and no
/// edit is missing. Times, and numbers that only name records, are left out of states, as nothing
/// depends on them.
public enum ExhaustiveExploration {
    /// What came of an exploration.
    public struct Outcome: Sendable {
        /// The world.
        public var world: SmallWorld
        /// How many states were found.
        public var states = 0
        /// How many moves were tried between them.
        public var transitions = 0
        /// How many states single devices have been in, and how many logs there were.
        public var deviceStates = 0, logs = 0
        /// The moves to the state that is farthest from the beginning.
        public var depth = 0
        /// The moves of the longest run without faults to where everybody has everything.
        public var longestWayToRest = 0
        /// Whether there is no other state.
        public var isComplete = false
        /// The rule that did not hold; `nil` if all did.
        public var failure: SimulationFailure?
        /// How one comes to where it did not hold: the fewest moves, a line each.
        public var trace: [String] = []
    }

    /// Explores a world.
    ///
    /// - Parameter statesMax: Where to give up; some 100 bytes are needed for each state.
    public static func run(_ world: SmallWorld, statesMax: Int = .max) -> Outcome {
        var exploration = Exploration(world)
        var outcome = Outcome(world: world)
        do throws(Exploration.Finding) {
            outcome.isComplete = try exploration.run(statesMax: statesMax)
            if outcome.isComplete {
                outcome.longestWayToRest = try exploration.longestWayToRest()
            }
        } catch {
            outcome.failure = error.failure
            outcome.trace = exploration.trace(to: error.state, error.move)
        }
        outcome.states = exploration.table.states.count
        outcome.transitions = exploration.transitions
        outcome.deviceStates = exploration.devices.states.values.count
        outcome.logs = exploration.logs.logs.values.count
        outcome.depth = exploration.depth
        return outcome
    }
}

extension ExhaustiveExploration.Outcome: CustomStringConvertible {
    /// The numbers in a line, and what failed with its trace.
    public var description: String {
        var lines = [
            "\(world): \(states) states\(isComplete ? "" : " (not all)"), \(transitions) "
                + "transitions, \(deviceStates) device states, \(logs) logs, depth \(depth), "
                + "longest way to rest \(longestWayToRest)"
        ]
        if let failure {
            lines.append("after \(trace.count) moves: \(failure)")
            lines += trace.map { "  " + $0 }
        }
        return lines.joined(separator: "\n")
    }
}

extension Exploration {
    /// The fewest moves to a state, and one more, in words.
    func trace(to state: Int, _ last: SmallWorldMove?) -> [String] {
        guard state < origins.count else { return [] }
        var path: [Int] = []
        var number = state
        while number > 0 {
            path.append(number)
            number = Int(origins[number].state)
        }
        var lines: [String] = []
        for next in path.reversed() {
            guard let move = SmallWorldMove(packed: origins[next].move) else { continue }
            lines.append(
                describe(move, table.states[Int(origins[next].state)], table.states[next]))
        }
        if let last { lines.append(describe(last, table.states[state], nil)) }
        return lines
    }

    private func describe(
        _ move: SmallWorldMove, _ before: SmallWorldState, _ after: SmallWorldState?
    ) -> String {
        var text = "device \(move.device) \(move.kind)"
        switch move.kind {
        case .serveStray, .loseStray:
            return "\(move.kind) \(describe(before[stray: move.argument]))"
        case .edit:
            text +=
                " "
                + world.edits[move.argument].map {
                    ($0.isDelete ? "delete " : "put ") + "\(SmallWorld.key($0.entity))"
                }.joined(separator: " + ")
        case .begin: break
        default: text += " of " + describe(devices[before[device: move.device]].awaited)
        }
        guard let after else { return text }
        let awaited = devices[after[device: move.device]].awaited
        if awaited != SmallWorldState.none,
            before[device: move.device] != after[device: move.device]
        {
            text += ", sends " + describe(awaited)
        }
        return text
    }

    private func describe(_ request: Int32) -> String {
        guard request != SmallWorldState.none else { return "nothing" }
        switch messages.requests[request] {
        case .handshake: return "a handshake"
        case .pull(let request): return "a pull after \(request.sinceCursor)"
        case .push(let request):
            return "a push of "
                + request.operations.map { operation in
                    "\(operation.operationID)(\(operation.key)=\(EditSet(operation.content).tokens)"
                        + (operation.base.map { " on \($0)" } ?? " chained") + ")"
                }.joined(separator: " ")
        }
    }
}
