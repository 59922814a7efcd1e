// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// Everything that can happen in a small world, breadth first.
///
/// A state of the world is a handful of numbers that name the states of its parts; what the real
/// code makes of a part is worked out once. So the many interleavings cost a few lookups each.
struct Exploration {
    let world: SmallWorld
    var devices: DeviceStates
    var logs: LogStates
    let messages = Messages()
    private(set) var table = StateTable()
    /// For each state, the one that it was first reached from, and how.
    private(set) var origins: [(state: UInt32, move: UInt16)] = []
    /// For each state, the next one of a run without faults and edits; none where it is at rest.
    private(set) var ways: [Int32] = []
    private(set) var transitions = 0
    /// The number of moves to the last state, which is the longest of all shortest ways there.
    private(set) var depth = 0
    /// Pairs of a device's state and a log that were judged, and what came of it.
    var verdicts: [UInt64: Bool] = [:]

    private var current = 0
    private var fairMove: SmallWorldMove?

    init(_ world: SmallWorld) {
        self.world = world
        devices = DeviceStates(world, messages)
        logs = LogStates(messages)
    }

    /// Explores all there is.
    ///
    /// - Parameter statesMax: Where to give up.
    /// - Returns: Whether there is no more.
    mutating func run(statesMax: Int) throws(Finding) -> Bool {
        var layerEnd = 0
        do {
            try found(firstState(), by: SmallWorldMove(.begin))
        } catch {
            throw Finding(error, state: 0, move: nil)
        }
        layerEnd = 1
        while current < table.states.count {
            if current == layerEnd {
                depth += 1
                layerEnd = table.states.count
            }
            if table.states.count > statesMax { return false }
            var tried: SmallWorldMove?
            do {
                try expand(table.states[current], &tried)
            } catch {
                throw Finding(error, state: current, move: tried)
            }
            current += 1
        }
        return true
    }

    /// A rule that did not hold.
    struct Finding: Error {
        var failure: SimulationFailure
        var state: Int
        var move: SmallWorldMove?

        init(_ error: any Error, state: Int, move: SmallWorldMove?) {
            failure =
                error as? SimulationFailure
                ?? SimulationFailure(.goesOn, "\(error)")
            self.state = state
            self.move = move
        }
    }

    private mutating func firstState() throws -> SmallWorldState {
        var state = SmallWorldState()
        for device in 0..<world.devices { state[device: device] = try devices.first(device) }
        state.log = logs.first()
        return state
    }

    private mutating func expand(
        _ state: SmallWorldState, _ tried: inout SmallWorldMove?
    ) throws {
        fairMove = try fairMove(in: state)
        if fairMove == nil { try checkRest(state) }
        for device in 0..<world.devices { try expand(state, device, &tried) }
        for index in 0..<state.strayCount {
            try attempt(SmallWorldMove(.serveStray, 0, index), in: state, &tried)
            try attempt(SmallWorldMove(.loseStray, 0, index), in: state, &tried)
        }
        if let fairMove, ways[current] == SmallWorldState.none {
            tried = fairMove
            throw SimulationFailure(.converges, "a run without faults cannot go on")
        }
    }

    private mutating func expand(
        _ state: SmallWorldState, _ device: Int, _ tried: inout SmallWorldMove?
    ) throws {
        func moves(_ kinds: [SmallWorldMove.Kind]) -> [SmallWorldMove] {
            kinds.map { SmallWorldMove($0, device) }
        }
        var all: [SmallWorldMove] = []
        if mayEdit(state, device) {
            all += world.edits.indices.map { SmallWorldMove(.edit, device, $0) }
        }
        let brief = devices[state[device: device]]
        let (awaited, isPush) = (brief.awaited, brief.isPush)
        if awaited == SmallWorldState.none {
            all += moves([.begin])
            if world.hasLatePages, state[page: device] == SmallWorldState.none {
                all += moves([.answerWaitingPull])
            }
        } else if state[answer: device] == SmallWorldState.none {
            all += moves([.serve, .loseRequest, .loseRequestAndStop])
            if isPush { all += moves([.serveTwice, .delayRequest, .delayRequestAndStop]) }
        } else {
            all += moves([.deliver, .loseAnswer, .loseAnswerAndStop])
            if world.hasRestarts { all += moves([.deliverAndDie]) }
        }
        if world.hasRestarts {
            all += moves([.restart])
            if isPush, state[answer: device] == SmallWorldState.none {
                all += moves([.restartAndDelayRequest])
            }
        }
        if state[page: device] != SmallWorldState.none { all += moves([.deliverPage, .losePage]) }
        for move in all { try attempt(move, in: state, &tried) }
    }

    private func mayEdit(_ state: SmallWorldState, _ device: Int) -> Bool {
        let edits = (0..<world.devices).map { devices[state[device: $0]].edits }
        // The names of devices mean nothing, so the first edits come in the order of their names.
        return edits[device] < world.transactionsPerDevice
            && edits.reduce(0, +) < world.transactions && edits[..<device].allSatisfy { $0 > 0 }
    }

    private mutating func attempt(
        _ move: SmallWorldMove, in state: SmallWorldState, _ tried: inout SmallWorldMove?
    ) throws {
        tried = move
        guard let next = try make(move, in: state) else { return }
        transitions += 1
        try found(next, by: move)
    }

    private mutating func found(_ state: SmallWorldState, by move: SmallWorldMove) throws {
        let (number, isNew) = table.insert(state)
        if isNew {
            origins.append((UInt32(current), move.packed))
            ways.append(SmallWorldState.none)
        }
        if move == fairMove { ways[current] = Int32(number) }
    }
}
